//! The mirror: a caller's body becomes a request, events become the bytes that the caller reads.

use serde_json::Value;

use super::errors;
use crate::dialects::{StreamEncoder, StreamHead, body};
use crate::{Chunk, Chunker, Error, Event, Operation, Request, Result};

/// Reads and checks a caller's request.
pub(in crate::dialects) fn decode_request(operation: Operation, body: &[u8]) -> Result<Request> {
    Request::read(operation, body::object(body)?)
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
    use crate::Kind;

    #[test]
    fn a_bad_field_is_named() {
        let body = br#"{"messages": [{"role": "user", "content": 5}]}"#;
        let error = decode_request(Operation::Chat, body).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidRequest);
        assert!(error.message().contains("messages[0].content"), "{}", error.message());
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
