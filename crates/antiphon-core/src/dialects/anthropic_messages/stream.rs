//! An answer as this API streams it.
//!
//! The message begins with the first content, so that what the provider says of itself stands in its head. An
//! answer that comes all at once (from a cache, a mock, a provider that does not stream) is written block by
//! block as its body would have them. Of one that comes in pieces, blocks that our events have no word for,
//! and citations, are known at its end only: they stand there.

use serde_json::{Value, json};

use super::calls::{Calls, Key};
use super::events::{Blocks, Open, event_bytes};
use super::{answer, errors, usage};
use crate::dialects::{StreamEncoder, StreamHead};
use crate::event::{Event, Path};
use crate::{Choice, Error, Fold, Map, Message, Response};

/// Writes one answer.
pub(super) struct MessageStream {
    head: StreamHead,
    /// What is set, not what is appended.
    known: Fold,
    blocks: Blocks,
    calls: Calls,
    /// Thinking blocks that were written.
    thinking: usize,
    /// What came in the middle of a call's input, to be said after it.
    held: Vec<Event>,
    has_calls: bool,
    refused: bool,
    /// Fields of the answer as a whole that the head has shown.
    shown: Option<Map>,
    /// Whether the blocks were written from the whole answer.
    replayed: bool,
    ended: bool,
}

impl MessageStream {
    pub(super) fn new(head: StreamHead) -> Self {
        Self {
            head,
            known: Fold::new(),
            blocks: Blocks::default(),
            calls: Calls::default(),
            thinking: 0,
            held: Vec::new(),
            has_calls: false,
            refused: false,
            shown: None,
            replayed: false,
            ended: false,
        }
    }

    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { choice: 0, text } if !text.is_empty() => self.text(event, text, out),
            Event::Refusal { choice: 0, text } if !text.is_empty() => {
                self.refused = true;
                self.text(event, text, out);
            }
            Event::Reasoning { choice: 0, text } if !text.is_empty() => {
                self.reasoning(event, text, out);
            }
            Event::Arguments { choice: 0, call, text } => self.arguments(Key::Call(*call), text, out),
            Event::FunctionArguments { choice: 0, text } => self.arguments(Key::Function, text, out),
            Event::Set { path: Path::ToolCall(0, call, name), value } => {
                self.calls.set(Key::Call(*call), name, value);
            }
            Event::Set { path: Path::FunctionCall(0, name), value } => {
                self.calls.set(Key::Function, name, value);
            }
            Event::Set { path: Path::Response(_) | Path::Choice(0, _) | Path::Message(0, _), .. } => {
                self.set(event, out);
            }
            _ => {}
        }
    }

    fn set(&mut self, event: &Event, out: &mut Vec<u8>) {
        if let Event::Set { path: Path::Message(0, name), value } = event
            && name == "thinking_blocks"
            && !self.replayed
        {
            self.thought(value, out);
        }
        self.known.push(event.clone());
    }

    fn text(&mut self, event: &Event, text: &str, out: &mut Vec<u8>) {
        if self.make_room(event) {
            self.start(out);
            self.blocks.text(out);
            self.blocks.delta("text_delta", "text", text, out);
        }
    }

    fn reasoning(&mut self, event: &Event, text: &str, out: &mut Vec<u8>) {
        if self.make_room(event) {
            self.start(out);
            self.blocks.thinking(out);
            self.blocks.delta("thinking_delta", "thinking", text, out);
        }
    }

    fn arguments(&mut self, key: Key, piece: &str, out: &mut Vec<u8>) {
        if !piece.is_empty() {
            self.start(out);
            let id = self.id().to_owned();
            self.calls.push(key, piece, &id, &mut self.blocks, out);
        }
    }

    fn make_room(&mut self, event: &Event) -> bool {
        let room = self.calls.make_room();
        if !room {
            self.held.push(event.clone());
        }
        room
    }

    /// Thinking blocks that are whole now. The one that is open ends with its signature; those that nothing
    /// was shown of are written whole.
    fn thought(&mut self, blocks: &Value, out: &mut Vec<u8>) {
        let blocks = blocks.as_array().map(Vec::as_slice).unwrap_or_default();
        for block in blocks.iter().skip(self.thinking).filter(|block| answer::is_thinking(block)) {
            let is_open = self.blocks.open() == Some(Open::Thinking) && block["type"] == "thinking";
            if is_open {
                let signature = block["signature"].as_str().unwrap_or_default();
                if !signature.is_empty() {
                    self.blocks.delta("signature_delta", "signature", signature, out);
                }
                self.blocks.end(out);
            } else if self.is_news(block) && self.calls.make_room() {
                self.start(out);
                self.blocks.whole(block, out);
            }
        }
        self.thinking = self.thinking.max(blocks.len());
    }

    /// Whether a thinking block was not told in pieces. One that comes after the answer's other parts was.
    fn is_news(&self, block: &Value) -> bool {
        self.blocks.open() != Some(Open::Text)
            && (block["type"] != "thinking" || block["thinking"].as_str().is_some_and(str::is_empty))
    }

    fn id(&self) -> &str {
        match self.known.response().id.as_str() {
            "" => &self.head.id,
            id => id,
        }
    }

    /// Begins the message, unless it has begun.
    fn start(&mut self, out: &mut Vec<u8>) {
        if self.shown.is_some() {
            return;
        }
        let known = self.known.response();
        let model = if known.model.is_empty() { &self.head.model } else { &known.model };
        let mut message = answer::head(self.id(), model);
        message.insert("content".into(), json!([]));
        message.insert("stop_reason".into(), Value::Null);
        message.insert("stop_sequence".into(), Value::Null);
        message.insert("usage".into(), self.usage().into());
        answer::put_extra(&mut message, &known.extra);
        event_bytes("message_start", &json!({"type": "message_start", "message": message}), out);
        self.shown = Some(known.extra.clone());
    }

    fn usage(&self) -> Map {
        self.known.response().usage.as_ref().map_or_else(usage::unknown, usage::native)
    }

    /// Writes an answer that is whole.
    fn replay(&mut self, events: &[Event], out: &mut Vec<u8>) {
        let mut fold = Fold::new();
        fold.extend(events.iter().cloned());
        let Response { choices, .. } = fold.finish();
        let message = choices.into_iter().find(|choice| choice.index == 0).unwrap_or_default().message;
        let set = events.iter().filter(|event| {
            matches!(
                event,
                Event::Set { path: Path::Response(_) | Path::Choice(0, _) | Path::Message(0, _), .. }
            )
        });
        self.known.extend(set.cloned());
        self.start(out);
        for block in answer::content(&message, self.id()) {
            self.blocks.whole(&block, out);
        }
        self.has_calls = !message.tool_calls.is_empty() || message.function_call.is_some();
        self.refused = message.refusal.is_some();
        self.replayed = true;
    }

    fn message(&self) -> Option<&Message> {
        self.known.response().choices.first().map(|choice| &choice.message)
    }

    /// What was known at the end only.
    fn late(&mut self, out: &mut Vec<u8>) {
        let citations = self.message().map(answer::citations).unwrap_or_default();
        if self.blocks.open() == Some(Open::Text) {
            for citation in citations {
                self.blocks.delta("citations_delta", "citation", citation, out);
            }
        }
        let id = self.id().to_owned();
        self.calls.finish(&id, &mut self.blocks, out);
        for event in std::mem::take(&mut self.held) {
            self.event(&event, out);
        }
        let fields = self.message().and_then(|message| message.extra.get("provider_specific_fields"));
        let blocks = fields.and_then(|fields| fields.get("content_blocks")?.as_array()).cloned();
        let told = ["text", "thinking", "redacted_thinking", "tool_use"];
        for block in blocks.into_iter().flatten() {
            if block["type"].as_str().is_some_and(|kind| !told.contains(&kind)) {
                self.blocks.whole(&block, out);
            }
        }
        self.blocks.end(out);
    }
}

impl StreamEncoder for MessageStream {
    fn push(&mut self, events: &[Event], out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        let ends = |event: &Event| {
            let Event::Set { path: Path::Choice(0, name), .. } = event else { return false };
            name == "finish_reason"
        };
        if self.shown.is_none() && self.calls.is_empty() && events.iter().any(ends) {
            return self.replay(events, out);
        }
        for event in events {
            self.event(event, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.start(out);
        if !self.replayed {
            self.late(out);
        }
        let known = self.known.response();
        let nothing = Choice::default();
        let choice = known.choices.first().unwrap_or(&nothing);
        let mut delta = Map::new();
        answer::end(&mut delta, choice, self.has_calls || !self.calls.is_empty(), self.refused);
        let shown = self.shown.take().unwrap_or_default();
        let news = known.extra.iter().filter(|(name, value)| shown.get(*name) != Some(value));
        let news: Map = news.map(|(name, value)| (name.clone(), value.clone())).collect();
        answer::put_extra(&mut delta, &news);
        let event = json!({"type": "message_delta", "delta": delta, "usage": self.usage()});
        event_bytes("message_delta", &event, out);
        event_bytes("message_stop", &json!({"type": "message_stop"}), out);
    }

    /// No `message_stop` follows: who waits for it must not take the answer for complete.
    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.ended, true) {
            event_bytes("error", &errors::encode(error).1, out);
        }
    }

    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        event_bytes("ping", &json!({"type": "ping"}), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    /// The events of a stream, each as its type, index and what it brings.
    fn told(batches: &[&[Event]]) -> Vec<String> {
        let mut stream =
            MessageStream::new(StreamHead { id: "x".into(), model: "m".into(), ..StreamHead::default() });
        let mut out = Vec::new();
        batches.iter().for_each(|batch| stream.push(batch, &mut out));
        stream.finish(&mut out);
        let text = String::from_utf8(out).unwrap();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str::<Value>(data).unwrap())
            .map(|event| {
                let delta = &event["delta"];
                let brings = [
                    &delta["text"],
                    &delta["thinking"],
                    &delta["signature"],
                    &delta["partial_json"],
                    &delta["stop_reason"],
                    &event["content_block"]["type"],
                ];
                let brings = brings.into_iter().find_map(Value::as_str).unwrap_or_default();
                let index = event["index"].as_u64().map(|index| index.to_string()).unwrap_or_default();
                format!(
                    "{} {index} {brings}",
                    event["type"].as_str().unwrap_or_default().trim_start_matches("content_")
                )
            })
            .collect()
    }

    fn piece(call: u32, text: &str) -> Event {
        Event::Arguments { choice: 0, call, text: text.into() }
    }

    fn thought(text: &str) -> Event {
        Event::Reasoning { choice: 0, text: text.into() }
    }

    #[test]
    fn blocks_follow_each_other() {
        let blocks = json!([{"type": "thinking", "thinking": "Hm", "signature": "s"}]);
        let batches: &[&[Event]] = &[
            &[Event::set_message(0, "role", "assistant"), thought("H")],
            &[thought("m")],
            &[Event::set_message(0, "thinking_blocks", blocks)],
            &[Event::text("Hi")],
            &[Event::set_call(0, 0, "id", "a"), Event::set_call(0, 0, "name", "f")],
            &[piece(0, "{}"), Event::set_choice(0, "finish_reason", "tool_calls")],
        ];
        assert_eq!(
            told(batches),
            [
                "message_start  ",
                "block_start 0 thinking",
                "block_delta 0 H",
                "block_delta 0 m",
                "block_delta 0 s",
                "block_stop 0 ",
                "block_start 1 text",
                "block_delta 1 Hi",
                "block_stop 1 ",
                "block_start 2 tool_use",
                "block_delta 2 {}",
                "block_stop 2 ",
                "message_delta  tool_use",
                "message_stop  ",
            ]
        );
    }

    #[test]
    fn calls_by_turns_are_put_in_order() {
        let name = |call| Event::set_call(0, call, "name", "f");
        let batches: &[&[Event]] = &[
            &[name(0), name(1)],
            &[piece(0, "{\"a\"")],
            &[piece(1, "{}")],
            &[Event::text("between")],
            &[piece(0, ": 1}")],
        ];
        assert_eq!(
            told(batches),
            [
                "message_start  ",
                "block_start 0 tool_use",
                "block_delta 0 {\"a\"",
                "block_delta 0 : 1}",
                "block_stop 0 ",
                "block_start 1 tool_use",
                "block_delta 1 {}",
                "block_stop 1 ",
                "block_start 2 text",
                "block_delta 2 between",
                "block_stop 2 ",
                "message_delta  ",
                "message_stop  ",
            ]
        );
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut stream = MessageStream::new(StreamHead::default());
        let mut out = Vec::new();
        stream.push(&[Event::text("hi")], &mut out);
        stream.error(&Error::new(Kind::StreamInterrupted, "cut"), &mut out);
        let end = out.len();
        stream.push(&[Event::text("more")], &mut out);
        stream.finish(&mut out);
        stream.error(&Error::new(Kind::Internal, "again"), &mut out);
        assert_eq!(out.len(), end);
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("event: error\n") && !text.contains("message_stop"));
    }

    #[test]
    fn an_answer_of_nothing_is_one() {
        assert_eq!(told(&[]), ["message_start  ", "message_delta  ", "message_stop  "]);
    }
}
