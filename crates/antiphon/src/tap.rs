//! The bytes of an answer beside its events: for a server whose caller speaks the provider's own dialect, and
//! gets them as they came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use antiphon_core::event::Path;
use antiphon_core::frames::Framing;
use antiphon_core::{Event, Result};
use memchr::memchr_iter;

/// An event that has not ended after so many bytes is handed on as it is: the framer has its own limit.
const MAX_EVENT: usize = 8 << 20;

/// What a call is given to leave the bytes of its answer in. Only a hosted model that is spoken to in the
/// dialect of the tap does; whatever else answers (a local model, a cache, a fallback of another dialect) has
/// events alone.
#[derive(Debug, Clone)]
pub struct Tap {
    dialect: &'static str,
    shows_usage: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    bytes: Vec<u8>,
}

impl Tap {
    /// For a caller of that dialect. Without `shows_usage`, an event that tells usage alone is left out.
    pub fn new(dialect: &'static str, shows_usage: bool) -> Self {
        Self { dialect, shows_usage, state: Arc::default() }
    }

    /// The bytes that belong to the events so far, as whole events, and were not taken yet. `None` where the
    /// events are all there is.
    pub fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        state.is_open.then(|| std::mem::take(&mut state.bytes))
    }

    /// Starts anew, for another attempt.
    pub(crate) fn begin(&self, dialect: &str) {
        *self.lock() = State { is_open: dialect == self.dialect, bytes: Vec::new() };
    }

    /// The events of this attempt are all there is.
    pub(crate) fn close(&self) {
        *self.lock() = State::default();
    }

    fn is_open(&self) -> bool {
        self.lock().is_open
    }

    fn push(&self, bytes: &[u8]) {
        self.lock().bytes.extend_from_slice(bytes);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves the bytes of one answer in its tap: each event once it was read without an error.
pub(crate) struct Passing {
    tap: Tap,
    framing: Framing,
    /// The beginning of an event.
    pending: Vec<u8>,
}

impl Passing {
    /// `None` where this answer has events alone.
    pub(crate) fn new(tap: Option<&Tap>, expected: Framing, framing: Framing) -> Option<Self> {
        let tap = tap.filter(|tap| tap.is_open())?;
        let passes = expected == framing && matches!(framing, Framing::Sse | Framing::Body);
        if !passes {
            tap.close();
            return None;
        }
        tap.lock().bytes.clear();
        Some(Self { tap: tap.clone(), framing, pending: Vec::new() })
    }

    /// The events of this answer are all there is, after all.
    pub(crate) fn end(&self) {
        self.tap.close();
    }

    /// Hands on what was read to `decode`, event by event; `None` is the end of the bytes.
    pub(crate) fn read(
        &mut self,
        bytes: Option<&[u8]>,
        events: &mut Vec<Event>,
        mut decode: impl FnMut(Option<&[u8]>, &mut Vec<Event>) -> Result<bool>,
    ) -> Result<()> {
        let Some(bytes) = bytes else {
            let mut rest = std::mem::take(&mut self.pending);
            let mut is_done = false;
            if !rest.is_empty() {
                is_done = decode(Some(&rest), events)?;
            }
            if !is_done {
                decode(None, events)?;
            }
            if !rest.is_empty() {
                rest.extend_from_slice(b"\n\n");
                self.tap.push(&rest);
            }
            return Ok(());
        };
        if self.framing == Framing::Body {
            self.tap.push(bytes);
            return decode(Some(bytes), events).map(drop);
        }
        let mut searched = self.pending.len().saturating_sub(2);
        self.pending.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(end) = end_of_event(&self.pending, searched.max(start)) {
            let event = &self.pending[start..end];
            let before = events.len();
            let is_done = decode(Some(event), events)?;
            if self.tap.shows_usage || !tells_usage_alone(&events[before..]) {
                self.tap.push(event);
            }
            if is_done {
                self.pending.clear();
                return Ok(());
            }
            (start, searched) = (end, end);
        }
        self.pending.drain(..start);
        if self.pending.len() > MAX_EVENT {
            decode(Some(&std::mem::take(&mut self.pending)), events)?;
        }
        Ok(())
    }
}

/// Where the first event ends whose end is not before `from`: behind its empty line.
fn end_of_event(bytes: &[u8], from: usize) -> Option<usize> {
    memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).find_map(|at| match &bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

fn tells_usage_alone(events: &[Event]) -> bool {
    let tells_usage =
        |event: &Event| matches!(event, Event::Set { path: Path::Response(name), .. } if name == "usage");
    !events.is_empty() && events.iter().all(tells_usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left in the tap of bytes that come in such pieces; each event is decoded to nothing.
    fn passed(bytes: &[u8], size: usize) -> (Vec<u8>, Vec<u8>) {
        let tap = Tap::new("x", true);
        tap.begin("x");
        let mut passing = Passing::new(Some(&tap), Framing::Sse, Framing::Sse).unwrap();
        let mut decoded = Vec::new();
        let mut decode = |bytes: Option<&[u8]>, _: &mut Vec<Event>| {
            decoded.extend_from_slice(bytes.unwrap_or_default());
            Ok(false)
        };
        for piece in bytes.chunks(size) {
            passing.read(Some(piece), &mut Vec::new(), &mut decode).unwrap();
        }
        passing.read(None, &mut Vec::new(), &mut decode).unwrap();
        (tap.take().unwrap(), decoded)
    }

    #[test]
    fn bytes_pass_whole_however_they_are_cut() {
        let streams: [&[u8]; 4] = [
            b"data: 1\n\ndata: 2\n\n: c\n\ndata: [DONE]\n\n",
            b"data: 1\r\n\r\nevent: x\r\ndata: 2\r\n\r\n",
            b"\n\n\ndata: 1\n\n\n\n",
            b"",
        ];
        for stream in streams {
            for size in 1..=stream.len().max(1) {
                let (tapped, decoded) = passed(stream, size);
                assert_eq!(decoded, stream);
                // What is left of empty lines at the end may have grown.
                assert!(tapped.starts_with(stream), "{:?}", String::from_utf8_lossy(&tapped));
            }
        }
        assert_eq!(passed(b"data: 1\n\ndata: 2", 3).0, b"data: 1\n\ndata: 2\n\n");
    }

    #[test]
    fn an_event_that_is_an_error_does_not_pass() {
        let tap = Tap::new("x", true);
        tap.begin("x");
        let mut passing = Passing::new(Some(&tap), Framing::Sse, Framing::Sse).unwrap();
        let decode = |bytes: Option<&[u8]>, _: &mut Vec<Event>| match bytes {
            Some(b"data: bad\n\n") => Err(antiphon_core::Error::invalid("x", "bad")),
            _ => Ok(false),
        };
        assert!(passing.read(Some(b"data: 1\n\ndata: bad\n\n"), &mut Vec::new(), decode).is_err());
        assert_eq!(tap.take().unwrap(), b"data: 1\n\n");
    }

    #[test]
    fn another_dialect_has_events_alone() {
        let tap = Tap::new("x", true);
        assert!(tap.take().is_none());
        tap.begin("y");
        assert!(Passing::new(Some(&tap), Framing::Sse, Framing::Sse).is_none());
        tap.begin("x");
        assert!(Passing::new(Some(&tap), Framing::Sse, Framing::Body).is_none());
        assert!(tap.take().is_none());
    }
}
