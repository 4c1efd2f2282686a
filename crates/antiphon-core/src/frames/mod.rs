//! Bytes become frames: server-sent events and lines of JSON.
//!
//! A parser takes bytes as they come ([`Sse::push`]), gives frames that borrow from its buffer
//! ([`Sse::next_frame`]) and, told that the bytes are over ([`Sse::finish`]), the last one that nothing
//! closed. It takes any split of the bytes, in time linear in their number, and holds at most one frame
//! beside the last push: a frame above the cap is an error. Parsers do no I/O and know no dialect.

mod ndjson;
mod sse;

pub use ndjson::Ndjson;
pub use sse::Sse;

use crate::{Error, Kind, Result};

/// The most bytes of one frame of a stream, 8 MiB.
pub const MAX_FRAME: usize = 8 << 20;

/// The most bytes of a whole body, 64 MiB.
pub const MAX_BODY: usize = 64 << 20;

/// The most bytes of a long one, 256 MiB: 2,048 embeddings of 3,072 numbers, written out, are about half of it.
pub const MAX_LONG_BODY: usize = 256 << 20;

/// What a decoder takes: one event of a stream, or a whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A server-sent event, or a line of JSON.
    Event {
        /// Its name, where it has one.
        event: Option<&'a str>,
        /// Its data, lines joined by `\n`.
        data: &'a str,
        /// The last id that the stream gave.
        id: Option<&'a str>,
        /// Whether the bytes ended before the event did; the data may then be cut anywhere.
        cut: bool,
    },
    /// A whole body.
    Body(&'a [u8]),
    /// A comment: no content, but a sign of life that renews an idle deadline.
    Comment,
}

impl<'a> Frame<'a> {
    /// A complete event that is nothing but data.
    pub fn data(data: &'a str) -> Self {
        Frame::Event { event: None, data, id: None, cut: false }
    }
}

/// How bytes are divided into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// Lines of JSON.
    Ndjson,
    /// One frame: everything.
    Body,
    /// The same, of which there may be more.
    LongBody,
}

/// A parser of any [`Framing`].
#[derive(Debug)]
pub enum Framer {
    /// Server-sent events.
    Sse(Sse),
    /// Lines of JSON.
    Ndjson(Ndjson),
    /// One frame: everything.
    Body(Body),
}

impl Framer {
    /// A parser with the usual caps.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Framer::Sse(Sse::new()),
            Framing::Ndjson => Framer::Ndjson(Ndjson::new()),
            Framing::Body => Framer::Body(Body::new(MAX_BODY)),
            Framing::LongBody => Framer::Body(Body::new(MAX_LONG_BODY)),
        }
    }

    /// Takes in bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Framer::Sse(sse) => sse.push(bytes),
            Framer::Ndjson(ndjson) => ndjson.push(bytes),
            Framer::Body(body) => body.push(bytes),
        }
    }

    /// Says that the bytes are over; what is left is in the frames that follow.
    pub fn finish(&mut self) {
        match self {
            Framer::Sse(sse) => sse.finish(),
            Framer::Ndjson(ndjson) => ndjson.finish(),
            Framer::Body(body) => body.finish(),
        }
    }

    /// The next frame; `None` until more bytes come.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>> {
        match self {
            Framer::Sse(sse) => sse.next_frame(),
            Framer::Ndjson(ndjson) => ndjson.next_frame(),
            Framer::Body(body) => body.next_frame(),
        }
    }

    /// Whether bytes that were no UTF-8 have been replaced by U+FFFD.
    pub fn replaced(&self) -> bool {
        match self {
            Framer::Sse(sse) => sse.replaced(),
            Framer::Ndjson(ndjson) => ndjson.replaced(),
            // A body goes on as bytes: its decoder sees for itself.
            Framer::Body(_) => false,
        }
    }
}

/// Gathers a whole body.
#[derive(Debug)]
pub struct Body {
    limit: usize,
    bytes: Vec<u8>,
    ended: bool,
    taken: bool,
}

impl Body {
    fn new(limit: usize) -> Self {
        Self { limit, bytes: Vec::new(), ended: false, taken: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        // One byte above the cap is enough to know that it was passed.
        let room = (self.limit + 1).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn finish(&mut self) {
        self.ended = true;
    }

    fn next_frame(&mut self) -> Result<Option<Frame<'_>>> {
        if self.taken {
            return Ok(None);
        }
        if self.bytes.len() > self.limit {
            self.taken = true;
            return Err(too_large("the body", self.limit));
        }
        if !self.ended {
            return Ok(None);
        }
        self.taken = true;
        Ok(Some(Frame::Body(&self.bytes)))
    }
}

fn too_large(what: &str, limit: usize) -> Error {
    Error::new(Kind::ResponseValidation, format!("{what} is larger than {limit} bytes"))
}
