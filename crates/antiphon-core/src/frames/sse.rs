//! Server-sent events, as the WHATWG's HTML standard parses them, with two differences: an event is capped,
//! and one that the end of the bytes leaves open is not thrown away but given, marked as cut.

use std::ops::Range;

use memchr::memchr2;

use super::{Frame, MAX_FRAME, too_large};
use crate::Result;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A parser of server-sent events.
///
/// ```
/// use antiphon_core::frames::{Frame, Sse};
///
/// let mut sse = Sse::new();
/// sse.push(b"data: {\"a\":");
/// assert_eq!(sse.next_frame()?, None);
/// sse.push(b"1}\n\n");
/// assert_eq!(sse.next_frame()?, Some(Frame::data("{\"a\":1}")));
/// # Ok::<(), antiphon_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Sse {
    buffer: Vec<u8>,
    /// Where the current event begins. What is before it is done with, and dropped at the next push.
    start: usize,
    /// Where the current line begins.
    line: usize,
    /// How far the current line has been searched for its end, so that no byte is looked at twice.
    scanned: usize,
    limit: usize,
    /// Whether the start has been looked at for a byte order mark.
    begun: bool,
    /// Whether the last line ended in a CR at the very end of the bytes: an LF that follows belongs to it.
    after_cr: bool,
    ended: bool,
    failed: bool,
    pending: Pending,
    id: Option<String>,
    replaced: bool,
}

/// What the current event has so far.
#[derive(Debug, Default)]
struct Pending {
    event: String,
    data: Data,
    /// Several lines of data, joined.
    joined: Vec<u8>,
    /// The data, where it was no UTF-8.
    text: String,
    /// Whether it was given as a frame, which may have borrowed from here until now.
    given: bool,
}

#[derive(Debug, Default, Clone, PartialEq)]
enum Data {
    #[default]
    None,
    /// One line, where it stands in the buffer: nearly every event of every provider.
    One(Range<usize>),
    /// Several, in `joined`.
    Many,
}

/// What a line did.
enum Step {
    Nothing,
    Comment,
    Dispatch,
}

impl Default for Sse {
    fn default() -> Self {
        Self::new()
    }
}

impl Sse {
    /// A parser that takes events of up to [`MAX_FRAME`] bytes.
    pub fn new() -> Self {
        Self::with_limit(MAX_FRAME)
    }

    /// A parser that takes events of up to `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            line: 0,
            scanned: 0,
            limit,
            begun: false,
            after_cr: false,
            ended: false,
            failed: false,
            pending: Pending::default(),
            id: None,
            replaced: false,
        }
    }

    /// Takes in bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed || self.ended {
            return;
        }
        self.compact();
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that the bytes are over; an event that is still open is the next frame.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next frame; `None` until more bytes come. After an error there are no more.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>> {
        if self.pending.given {
            self.clear();
        }
        while let Some(line) = self.take_line()? {
            match self.field(line) {
                Step::Nothing => self.forget_what_is_read(),
                Step::Comment => {
                    self.forget_what_is_read();
                    return Ok(Some(Frame::Comment));
                }
                Step::Dispatch => return Ok(Some(self.dispatch(false))),
            }
        }
        if self.ended && self.pending.data != Data::None {
            return Ok(Some(self.dispatch(true)));
        }
        Ok(None)
    }

    /// Whether bytes that were no UTF-8 have been replaced by U+FFFD.
    pub fn replaced(&self) -> bool {
        self.replaced
    }

    /// Drops what is done with. It moves only the open event, and each open event only once: afterwards it
    /// stands at the front.
    fn compact(&mut self) {
        if self.pending.given {
            self.clear();
        }
        let done = self.start;
        if done == 0 {
            return;
        }
        self.buffer.drain(..done);
        self.start = 0;
        self.line -= done;
        self.scanned -= done;
        if let Data::One(range) = &mut self.pending.data {
            *range = range.start - done..range.end - done;
        }
    }

    fn clear(&mut self) {
        self.pending.given = false;
        self.pending.event.clear();
        self.pending.data = Data::None;
        self.start = self.line;
    }

    /// Lines that leave nothing behind (comments, unknown fields) do not count against the next event.
    fn forget_what_is_read(&mut self) {
        if self.pending.data == Data::None && self.pending.event.is_empty() {
            self.start = self.line;
        }
    }

    /// The next line, without its end.
    fn take_line(&mut self) -> Result<Option<Range<usize>>> {
        if self.failed || !self.at_line_start() {
            return Ok(None);
        }
        let found = memchr2(b'\n', b'\r', &self.buffer[self.scanned..]);
        let end = found.map_or(self.buffer.len(), |offset| self.scanned + offset);
        if end - self.start > self.limit {
            self.failed = true;
            self.buffer = Vec::new();
            self.pending = Pending::default();
            return Err(too_large("an event of the stream", self.limit));
        }
        let begin = self.line;
        if found.is_some() {
            self.line = end + 1;
            if self.buffer[end] == b'\r' {
                self.after_cr = true;
                self.at_line_start();
            }
        } else if self.ended && begin < end {
            self.line = end;
        } else {
            self.scanned = end;
            return Ok(None);
        }
        self.scanned = self.line;
        Ok(Some(begin..end))
    }

    /// Passes over a byte order mark at the very start and over the LF of a CR LF. False while the bytes
    /// that would decide are not there.
    fn at_line_start(&mut self) -> bool {
        if !self.begun {
            let there = self.buffer.len().min(BOM.len());
            let is_bom = self.buffer[..there] == BOM[..there];
            if is_bom && there < BOM.len() && !self.ended {
                return false;
            }
            self.begun = true;
            if is_bom && there == BOM.len() {
                self.start = there;
                self.line = there;
                self.scanned = there;
            }
        }
        if self.after_cr
            && let Some(byte) = self.buffer.get(self.line)
        {
            self.after_cr = false;
            if *byte == b'\n' {
                self.line += 1;
                self.scanned = self.line;
            }
        }
        true
    }

    fn field(&mut self, line: Range<usize>) -> Step {
        let bytes = &self.buffer[line.clone()];
        if bytes.is_empty() {
            // An event without data is none, and its name does not pass to the next.
            if self.pending.data != Data::None {
                return Step::Dispatch;
            }
            self.pending.event.clear();
            return Step::Nothing;
        }
        let (name, value) = match bytes.iter().position(|byte| *byte == b':') {
            Some(0) => return Step::Comment,
            Some(colon) => (&bytes[..colon], line.start + colon + 1..line.end),
            None => (bytes, line.end..line.end),
        };
        let skip = usize::from(self.buffer.get(value.start) == Some(&b' ') && !value.is_empty());
        let value = value.start + skip..value.end;
        match name {
            b"data" => self.data(value),
            b"event" => {
                let name = String::from_utf8_lossy(&self.buffer[value]);
                self.pending.event.clear();
                self.pending.event.push_str(&name);
            }
            b"id" if !self.buffer[value.clone()].contains(&0) => {
                self.id = Some(String::from_utf8_lossy(&self.buffer[value]).into_owned());
            }
            // `retry` is for clients that reconnect; an answer cannot be asked for again that way.
            _ => {}
        }
        Step::Nothing
    }

    fn data(&mut self, value: Range<usize>) {
        let Pending { data, joined, .. } = &mut self.pending;
        match data {
            Data::None => {
                *data = Data::One(value);
                return;
            }
            Data::One(first) => {
                joined.clear();
                joined.extend_from_slice(&self.buffer[first.clone()]);
                *data = Data::Many;
            }
            Data::Many => {}
        }
        joined.push(b'\n');
        joined.extend_from_slice(&self.buffer[value]);
    }

    fn dispatch(&mut self, cut: bool) -> Frame<'_> {
        let Pending { event, data, joined, text, given } = &mut self.pending;
        *given = true;
        let bytes: &[u8] = match data {
            Data::None => &[],
            Data::One(range) => &self.buffer[range.clone()],
            Data::Many => joined,
        };
        let data = match std::str::from_utf8(bytes) {
            Ok(data) => data,
            Err(_) => {
                self.replaced = true;
                *text = String::from_utf8_lossy(bytes).into_owned();
                text
            }
        };
        let event = Some(event.as_str()).filter(|name| !name.is_empty());
        Frame::Event { event, data, id: self.id.as_deref().filter(|id| !id.is_empty()), cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each event as `name|data|id`, `+` in front of a cut one; a comment as `:`.
    fn parse(pieces: &[&[u8]]) -> Vec<String> {
        let mut sse = Sse::new();
        let mut frames = Vec::new();
        for piece in pieces {
            sse.push(piece);
            drain(&mut sse, &mut frames);
        }
        sse.finish();
        drain(&mut sse, &mut frames);
        frames
    }

    fn drain(sse: &mut Sse, frames: &mut Vec<String>) {
        while let Some(frame) = sse.next_frame().unwrap() {
            frames.push(match frame {
                Frame::Event { event, data, id, cut } => format!(
                    "{}{}|{data}|{}",
                    if cut { "+" } else { "" },
                    event.unwrap_or_default(),
                    id.unwrap_or_default()
                ),
                Frame::Comment => ":".into(),
                Frame::Body(_) => unreachable!(),
            });
        }
    }

    fn check(text: &[u8], expected: &[&str]) {
        assert_eq!(parse(&[text]), expected, "{:?}", String::from_utf8_lossy(text));
        for at in 0..=text.len() {
            assert_eq!(parse(&[&text[..at], &text[at..]]), expected, "split at {at}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(parse(&bytes), expected, "byte by byte");
    }

    #[test]
    fn events_by_the_standard() {
        check(b"data: a\n\ndata: b\n\n", &["|a|", "|b|"]);
        check(b"data: a\r\n\r\ndata: b\r\n\r\n", &["|a|", "|b|"]);
        check(b"data: a\r\rdata: b\r\r", &["|a|", "|b|"]);
        check(b"data: a\r\n\ndata: b\n\r\n", &["|a|", "|b|"]);
        check(b"data:a\ndata:  b\ndata\ndata:\n\n", &["|a\n b\n\n|"]);
        check(b"event: error\ndata: x\n\ndata: y\n\n", &["error|x|", "|y|"]);
        check(b"event: lost\n\ndata: y\n\n", &["|y|"]);
        check(b": hi\n\n:\n\ndata: a\n: in between\ndata: b\n\n", &[":", ":", ":", "|a\nb|"]);
        check(b"id: 7\nretry: 10\ncolour: red\ndata: a\n\ndata: b\n\n", &["|a|7", "|b|7"]);
        check(b"id: 7\ndata: a\n\nid: 8\0\ndata: b\n\nid\ndata: c\n\n", &["|a|7", "|b|7", "|c|"]);
        check(b"data\n\n", &["||"]);
        check(b"\n\n\n", &[]);
        check(b"", &[]);
    }

    #[test]
    fn a_byte_order_mark_goes_only_at_the_start() {
        check(b"\xEF\xBB\xBFdata: a\n\n", &["|a|"]);
        check(b"data: a\n\n\xEF\xBB\xBFdata: b\n\n", &["|a|"]);
        check(b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\n", &[]);
        check(b"\xEF\xBB", &[]);
    }

    #[test]
    fn the_end_closes_an_event() {
        check(b"data: a\n\ndata: b", &["|a|", "+|b|"]);
        check(b"data: a\ndata: b\n", &["+|a\nb|"]);
        check(b"data: a\r\n\r", &["|a|"]);
        check(b"data: a\n\ndat", &["|a|"]);
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        let mut sse = Sse::new();
        sse.push(b"data: a\xFFb\n\n");
        assert_eq!(sse.next_frame().unwrap(), Some(Frame::data("a\u{FFFD}b")));
        assert!(sse.replaced());
        check("data: 🙂é\n\n".as_bytes(), &["|🙂é|"]);
    }

    #[test]
    fn an_event_above_the_cap_is_one_error() {
        for text in
            ["data: 0123456789abcdef", "data: 01234\ndata: 56789\n\n", "event: 0123456789\ndata: 1\n\n"]
        {
            let mut sse = Sse::with_limit(16);
            sse.push(text.as_bytes());
            assert!(sse.next_frame().unwrap_err().message().contains("larger than 16 bytes"));
            sse.push(b"data: a\n\n");
            assert_eq!(sse.next_frame().unwrap(), None);
        }
        let mut sse = Sse::with_limit(16);
        for _ in 0..100 {
            sse.push(b": keep-alive\nretry: 1\n");
            assert_eq!(sse.next_frame().unwrap(), Some(Frame::Comment));
            assert_eq!(sse.next_frame().unwrap(), None);
        }
    }

    #[test]
    fn comments_do_not_pile_up() {
        let mut sse = Sse::new();
        for _ in 0..10_000 {
            sse.push(b": keep-alive\n\n");
            while sse.next_frame().unwrap().is_some() {}
        }
        assert!(sse.buffer.capacity() < 1024);
    }
}
