//! Answers that are one body and never a stream.

use serde::Deserialize;

use super::Decoder;
use super::answer::not_an_answer;
use super::wire::{read, utf8};
use crate::Result;
use crate::event::Event;
use crate::frames::Frame;

/// What of a body becomes events.
type Body = fn(&str, &mut Vec<Event>) -> Result<()>;

/// Reads one body.
pub(super) struct WholeDecoder {
    /// What is told of a stream.
    stream: &'static str,
    body: Body,
    is_done: bool,
    is_empty: bool,
}

impl WholeDecoder {
    pub(super) fn new(stream: &'static str, body: Body) -> Self {
        Self { stream, body, is_done: false, is_empty: true }
    }
}

impl Decoder for WholeDecoder {
    fn push(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        if self.is_done || matches!(frame, Frame::Comment) {
            return Ok(());
        }
        (self.is_done, self.is_empty) = (true, false);
        match frame {
            Frame::Body(bytes) => (self.body)(&utf8(bytes), out),
            Frame::Comment => Ok(()),
            Frame::Event { data, .. } => Err(not_an_answer(self.stream, data)),
        }
    }

    fn finish(&mut self, _: &mut Vec<Event>) -> Result<()> {
        if self.is_empty { Err(empty()) } else { Ok(()) }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

/// The body, in its shape; `what` it should be is told where it is not.
pub(super) fn parsed<'a, T: Deserialize<'a>>(
    json: &'a str,
    repaired: &'a mut String,
    what: &str,
    out: &mut Vec<Event>,
) -> Result<T> {
    let json = json.trim_start_matches('\u{FEFF}').trim();
    if json.is_empty() {
        return Err(empty());
    }
    let (value, was_repaired) = read::<T>(json, repaired)
        .map_err(|problem| not_an_answer(&format!("the body is no {what}: {problem}"), json))?;
    if was_repaired {
        out.push(Event::set("warning", "lone surrogates in the answer were replaced by U+FFFD"));
    }
    Ok(value)
}

fn empty() -> crate::Error {
    not_an_answer("the body is empty", "")
}
