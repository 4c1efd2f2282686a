//! Lines of JSON. Empty lines are passed over; a last line without its end is given, marked as cut.

use super::{Frame, MAX_FRAME, too_large};
use crate::Result;

/// A parser of lines.
///
/// ```
/// use antiphon_core::frames::{Frame, Ndjson};
///
/// let mut lines = Ndjson::new();
/// lines.push(b"{\"a\":1}\r\n");
/// assert_eq!(lines.next_frame()?, Some(Frame::data("{\"a\":1}")));
/// # Ok::<(), antiphon_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Ndjson {
    buffer: Vec<u8>,
    /// Where the current line begins.
    start: usize,
    /// How far it has been searched for its end.
    scanned: usize,
    limit: usize,
    text: String,
    ended: bool,
    failed: bool,
    replaced: bool,
}

impl Default for Ndjson {
    fn default() -> Self {
        Self::new()
    }
}

impl Ndjson {
    /// A parser that takes lines of up to [`MAX_FRAME`] bytes.
    pub fn new() -> Self {
        Self::with_limit(MAX_FRAME)
    }

    /// A parser that takes lines of up to `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            limit,
            text: String::new(),
            ended: false,
            failed: false,
            replaced: false,
        }
    }

    /// Takes in bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed || self.ended {
            return;
        }
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that the bytes are over; a line that is still open is the next frame.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next frame; `None` until more bytes come. After an error there are no more.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>> {
        while !self.failed {
            let found = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n');
            let end = found.map_or(self.buffer.len(), |offset| self.scanned + offset);
            let begin = self.start;
            if end - begin > self.limit {
                self.failed = true;
                self.buffer = Vec::new();
                return Err(too_large("a line of the stream", self.limit));
            }
            self.scanned = end;
            if found.is_none() && !(self.ended && begin < end) {
                return Ok(None);
            }
            self.start = end + usize::from(found.is_some());
            self.scanned = self.start;
            if !self.buffer[begin..end].trim_ascii().is_empty() {
                return Ok(Some(self.line(begin, end, found.is_none())));
            }
        }
        Ok(None)
    }

    /// Whether bytes that were no UTF-8 have been replaced by U+FFFD.
    pub fn replaced(&self) -> bool {
        self.replaced
    }

    fn line(&mut self, begin: usize, end: usize, cut: bool) -> Frame<'_> {
        let bytes = self.buffer[begin..end].trim_ascii();
        let data = match std::str::from_utf8(bytes) {
            Ok(data) => data,
            Err(_) => {
                self.replaced = true;
                self.text = String::from_utf8_lossy(bytes).into_owned();
                &self.text
            }
        };
        Frame::Event { event: None, data, id: None, cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<(String, bool)> {
        let mut lines = Ndjson::with_limit(16);
        let mut frames = Vec::new();
        for piece in pieces.iter().map(Some).chain([None]) {
            match piece {
                Some(piece) => lines.push(piece),
                None => lines.finish(),
            }
            while let Some(Frame::Event { data, cut, .. }) = lines.next_frame().unwrap() {
                frames.push((data.to_owned(), cut));
            }
        }
        frames
    }

    #[test]
    fn lines_in_any_split() {
        type Case<'a> = (&'a [u8], &'a [(&'a str, bool)]);
        let cases: [Case<'_>; 4] = [
            (b"{}\n[1]\n", &[("{}", false), ("[1]", false)]),
            (b"{}\r\n\r\n[1]\r\n", &[("{}", false), ("[1]", false)]),
            (b"{}\n[1]", &[("{}", false), ("[1]", true)]),
            (b"\n\n", &[]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(line, cut)| ((*line).to_owned(), *cut)).collect();
            for at in 0..=text.len() {
                assert_eq!(parse(&[&text[..at], &text[at..]]), expected, "split at {at}");
            }
        }
    }

    #[test]
    fn a_line_above_the_cap_is_an_error() {
        let mut lines = Ndjson::with_limit(16);
        lines.push(b"{}\n01234567890123456789");
        assert_eq!(lines.next_frame().unwrap(), Some(Frame::data("{}")));
        assert!(lines.next_frame().unwrap_err().message().contains("larger than 16 bytes"));
        assert_eq!(lines.next_frame().unwrap(), None);
    }
}
