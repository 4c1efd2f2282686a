//! The mirror: a caller's body becomes a request, events become the bytes that the caller reads.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::errors;
use crate::dialects::excerpt::excerpt;
use crate::dialects::{StreamEncoder, StreamHead};
use crate::{Chunk, Chunker, Error, Event, Kind, Map, Operation, Request, Result};

/// An object that says nothing twice. Two readers of a doubled key may each believe another value, so that
/// what was checked is not what is run.
struct Body(Map);

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Body, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(serde::de::Error::custom(format_args!("the key {key:?} is given twice")));
            }
            map.insert(key, access.next_value()?);
        }
        Ok(Body(map))
    }
}

/// Reads and checks a caller's request. A body nested too deeply is refused by the parser's own limit.
pub(in crate::dialects) fn decode_request(operation: Operation, body: &[u8]) -> Result<Request> {
    Request::read(operation, read_object(body)?)
}

/// The object that a caller's body is.
pub(in crate::dialects) fn read_object(body: &[u8]) -> Result<Map> {
    let Body(map) = serde_json::from_slice(body).map_err(|problem| {
        let problem = excerpt(&problem.to_string());
        Error::new(Kind::InvalidRequest, format!("the body is no request: {problem}"))
    })?;
    Ok(map)
}

/// Writes one answer as `chat.completion.chunk` events, or those of a text completion.
pub(in crate::dialects) struct ChatStream {
    chunker: Chunker,
    include_usage: bool,
    ended: bool,
}

impl ChatStream {
    pub(in crate::dialects) fn new(head: StreamHead, operation: Operation) -> Self {
        let StreamHead { id, created, model, include_usage } = head;
        let chunker = Chunker::new(id, created, model, include_usage).of(operation);
        Self { chunker, include_usage, ended: false }
    }

    /// With usage asked for, every chunk has the field, null in all but the last.
    fn write(&self, chunk: &Chunk, out: &mut Vec<u8>) {
        let mut value = chunk.to_json();
        if self.include_usage
            && let Value::Object(map) = &mut value
        {
            map.entry("usage").or_insert(Value::Null);
        }
        event(&value.to_string(), out);
    }
}

impl StreamEncoder for ChatStream {
    fn push(&mut self, events: &[Event], out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        for chunk in self.chunker.push(events) {
            self.write(&chunk, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some(chunk) = self.chunker.finish() {
            self.write(&chunk, out);
        }
        event("[DONE]", out);
    }

    /// No `[DONE]` follows: who waits for it must not take the answer for complete.
    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.ended, true) {
            event(&errors::encode(error).to_string(), out);
        }
    }

    /// Not every server ends its streams as OpenAI does.
    fn finish_passed(&mut self, tail: &[u8], out: &mut Vec<u8>) {
        self.ended = true;
        if !tail.trim_ascii_end().ends_with(b"[DONE]") {
            event("[DONE]", out);
        }
    }

    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b": keep-alive\n\n");
    }
}

fn event(data: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data.as_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        let error = decode_request(Operation::Chat, body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidRequest);
        assert!(error.message().contains(expected), "{:?} has no {expected:?}", error.message());
    }

    #[test]
    fn a_bad_body_is_the_callers_error() {
        check("", "EOF");
        check("[]", "expected a JSON object");
        check("{\"model\": \"a\", \"messages\": \"hi\", \"model\": \"b\"}", "\"model\" is given twice");
        check("{\"model\": \"a\", \"messages\": \"hi\"} x", "trailing characters");
        check("{\"messages\": \"hi\", \"temperature\": 1e400}", "out of range");
        check("{\"messages\": \"hi\", \"temperature\": NaN}", "expected value");
        check(&format!("{{\"messages\": \"hi\", \"x\": {}", "[".repeat(100_000)), "recursion limit");
        check("{\"messages\": [{\"role\": \"user\", \"content\": 5}]}", "messages[0].content");
        assert!(decode_request(Operation::Chat, b"{\"messages\": \"\xFF\"}").is_err());
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut stream = ChatStream::new(StreamHead::default(), Operation::Chat);
        let mut out = Vec::new();
        stream.push(&[Event::text("hi")], &mut out);
        stream.error(&Error::new(Kind::StreamInterrupted, "cut"), &mut out);
        let end = out.len();
        stream.push(&[Event::text("more")], &mut out);
        stream.finish(&mut out);
        stream.error(&Error::new(Kind::Internal, "again"), &mut out);
        assert_eq!(out.len(), end);
        assert!(!String::from_utf8_lossy(&out).contains("[DONE]"));
    }
}
