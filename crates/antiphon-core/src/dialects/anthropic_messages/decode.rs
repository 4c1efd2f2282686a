//! Messages and the events of a stream become events.

use std::borrow::Cow;

use super::blocks::Blocks;
use super::wire::{Delta, Message, StreamEvent};
use super::{errors, stop, usage};
use crate::dialects::answer::{interrupted, is_malformed, is_nothing, malformed, not_an_answer, text};
use crate::dialects::wire::{Extra, read, utf8};
use crate::dialects::{Decoder, Mode};
use crate::event::{Event, Path};
use crate::frames::Frame;
use crate::{Error, Kind, Map, Result};

/// Reads one answer, whole or streamed: a server may stream what was asked whole, and the reverse.
pub(super) struct MessageDecoder {
    mode: Mode,
    /// Events seen, to name a malformed one.
    events: u64,
    blocks: Blocks,
    usage: Map,
    /// Whether anything of a message was seen.
    started: bool,
    /// Whether it said why it ended.
    finished: bool,
    warned: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Reading,
    /// `message_stop` or a whole body was seen.
    Done,
    Failed,
}

impl MessageDecoder {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            events: 0,
            blocks: Blocks::default(),
            usage: Map::new(),
            started: false,
            finished: false,
            warned: false,
            state: State::Reading,
        }
    }
}

impl Decoder for MessageDecoder {
    fn push(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        if self.state != State::Reading {
            return Ok(());
        }
        let result = match frame {
            Frame::Comment => Ok(()),
            Frame::Body(bytes) => self.body(bytes, out),
            Frame::Event { event, data, cut, .. } => self.event(*event, data.trim(), *cut, out),
        };
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    fn finish(&mut self, _: &mut Vec<Event>) -> Result<()> {
        match (self.state, self.mode) {
            (State::Failed, _) => Ok(()),
            (State::Done, _) if !self.started => {
                Err(Error::new(Kind::ResponseValidation, "the stream ended without an answer"))
            }
            (State::Done, _) => Ok(()),
            // Nothing but the end mark follows the reason.
            _ if self.finished => Ok(()),
            (_, Mode::Whole) if self.events == 0 => Err(not_an_answer("the body is empty", "")),
            _ => Err(interrupted()),
        }
    }

    fn is_done(&self) -> bool {
        self.state != State::Reading
    }
}

impl MessageDecoder {
    fn body(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<()> {
        let text = utf8(bytes);
        if matches!(text, Cow::Owned(_)) {
            self.warn("bytes of the answer that were no UTF-8 were replaced by U+FFFD", out);
        }
        let text = text.trim_start_matches('\u{FEFF}');
        if text.trim().is_empty() {
            return Err(not_an_answer("the body is empty", ""));
        }
        let mut repaired = String::new();
        let (message, was_repaired) = read(text, &mut repaired)
            .map_err(|problem| not_an_answer(&format!("the body is no message: {problem}"), text))?;
        self.warn_of_repair(was_repaired, out);
        self.whole(message, out).map_err(|error| match is_malformed(&error) {
            true => not_an_answer(error.message(), text),
            false => error,
        })
    }

    fn event(&mut self, event: Option<&str>, data: &str, cut: bool, out: &mut Vec<Event>) -> Result<()> {
        if data.is_empty() || event == Some("ping") {
            return Ok(());
        }
        self.events += 1;
        // No part of the reference any more, but some gateways end every stream so.
        if data == "[DONE]" {
            self.state = State::Done;
            return Ok(());
        }
        if event == Some("error") {
            let whole = serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok();
            return Err(if cut && !whole { interrupted() } else { errors::in_stream(data) });
        }
        let mut repaired = String::new();
        let outcome = match read(data, &mut repaired) {
            Ok((event, was_repaired)) => {
                self.warn_of_repair(was_repaired, out);
                self.stream_event(event, data, out)
            }
            // The last event is cut, but all that matters may have been said before it.
            Err(_) if cut && self.finished => Ok(()),
            Err(_) if cut => Err(interrupted()),
            Err(problem) => Err(malformed(problem)),
        };
        outcome.map_err(|error| match is_malformed(&error) {
            true => {
                let problem = error.message();
                let event = self.events;
                not_an_answer(&format!("event {event} of the stream is malformed: {problem}"), data)
            }
            false => error,
        })
    }

    fn stream_event(&mut self, event: StreamEvent<'_>, data: &str, out: &mut Vec<Event>) -> Result<()> {
        if let Some(error) = event.error.filter(|error| !is_nothing(error)) {
            return Err(errors::in_body(error, event.request_id.as_str()));
        }
        let index = event.index.as_ref().and_then(serde_json::Value::as_u64);
        match event.kind.as_str() {
            Some("message_start") => self.begin(event.message.unwrap_or_default(), out)?,
            Some("content_block_start") => {
                let fields = event.block.ok_or_else(|| malformed("content_block is missing".into()))?;
                self.started(out);
                self.blocks.open(index.unwrap_or_default(), fields, out)?;
            }
            Some("content_block_delta") => {
                let delta = event.delta.ok_or_else(|| malformed("delta is missing".into()))?;
                self.started(out);
                self.blocks.delta(index, delta, out)?;
            }
            Some("content_block_stop") => self.blocks.close(index, out),
            Some("message_delta") => {
                let extra = event.extra;
                self.message_delta(event.delta.unwrap_or_default(), event.usage, out)?;
                set_all(extra, out);
            }
            Some("message_stop") => self.state = State::Done,
            // A server that does not stream what was asked for in a stream.
            Some("message") => return self.whole_in_stream(data, out),
            // The reference: new kinds of events may come, and are to be passed over.
            _ => {}
        }
        Ok(())
    }

    fn whole_in_stream(&mut self, data: &str, out: &mut Vec<Event>) -> Result<()> {
        let mut repaired = String::new();
        let (message, _) = read(data, &mut repaired).map_err(malformed)?;
        self.whole(message, out)
    }

    fn whole(&mut self, mut message: Message<'_>, out: &mut Vec<Event>) -> Result<()> {
        if let Some(error) = message.error.take().filter(|error| !is_nothing(error)) {
            return Err(errors::in_body(error, message.request_id.as_str()));
        }
        let content = message.content.take().ok_or_else(|| malformed("the body has no content".into()))?;
        let end = Delta {
            stop_reason: std::mem::take(&mut message.stop_reason),
            stop_sequence: std::mem::take(&mut message.stop_sequence),
            stop_details: message.stop_details.take(),
            ..Delta::default()
        };
        let usage = message.usage.take();
        self.begin(message, out)?;
        for (index, fields) in (0..).zip(content) {
            self.blocks.open(index, fields, out)?;
            self.blocks.close(Some(index), out);
        }
        self.blocks.end(out);
        self.finished = true;
        self.message_delta(end, usage, out)?;
        self.state = State::Done;
        Ok(())
    }

    /// The head of the message. Blocks that are in it already, as some servers have it, are told at once.
    fn begin(&mut self, message: Message<'_>, out: &mut Vec<Event>) -> Result<()> {
        for (name, value) in [("id", message.id), ("model", message.model)] {
            if let Some(value) = text(value, || name.into())? {
                out.push(Event::set(name, value.into_owned()));
            }
        }
        self.started(out);
        set_all(message.extra, out);
        for (index, fields) in (0..).zip(message.content.into_iter().flatten()) {
            self.blocks.open(index, fields, out)?;
        }
        self.take_usage(message.usage, out);
        Ok(())
    }

    /// There is a message.
    fn started(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::set_message(0, "role", "assistant"));
        }
    }

    fn message_delta(&mut self, delta: Delta<'_>, usage: Option<Map>, out: &mut Vec<Event>) -> Result<()> {
        self.started(out);
        let reason = text(delta.stop_reason, || "stop_reason".into())?.filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            if !std::mem::replace(&mut self.finished, true) {
                self.blocks.end(out);
            }
            stop::finish_reason(&reason, out);
        }
        if let Some(sequence) = text(delta.stop_sequence, || "stop_sequence".into())? {
            out.push(Event::set_choice(0, "stop_sequence", sequence.into_owned()));
        }
        if let Some(details) = delta.stop_details {
            out.push(Event::set_choice(0, "stop_details", details));
        }
        set_all(delta.extra, out);
        self.take_usage(usage, out);
        Ok(())
    }

    fn take_usage(&mut self, new: Option<Map>, out: &mut Vec<Event>) {
        if let Some(new) = new {
            usage::merge(&mut self.usage, new);
            out.push(Event::set("usage", usage::usage(&self.usage)));
        }
    }

    fn warn_of_repair(&mut self, was_repaired: bool, out: &mut Vec<Event>) {
        if was_repaired {
            self.warn("lone surrogates in the answer were replaced by U+FFFD", out);
        }
    }

    fn warn(&mut self, warning: &str, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.warned, true) {
            out.push(Event::set("warning", warning));
        }
    }
}

/// What is not known belongs to the answer as a whole (`container`, `context_management`, …).
fn set_all(extra: Extra, out: &mut Vec<Event>) {
    out.extend(
        extra.into_iter().map(|(name, value)| Event::Set { path: Path::Response(name.into()), value }),
    );
}
