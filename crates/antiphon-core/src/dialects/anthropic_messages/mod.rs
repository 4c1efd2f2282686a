//! Anthropic's Messages API.
//!
//! Shapes are those of the official SDK's types. The vocabulary is OpenAI's on our side, so a request and an
//! answer are translated, and what OpenAI has no word for is kept: thinking with its signatures as the
//! message's `thinking_blocks`, an answer that is more than thinking, text and calls as
//! `provider_specific_fields.content_blocks`, both of which go back unchanged in the next request.
//!
//! The older API version is asked for on purpose: the newer one differs for us only in that it refuses
//! sampling parameters for every model.

mod answer;
mod blocks;
mod calls;
mod content;
mod decode;
mod encode;
mod errors;
mod events;
mod messages;
mod params;
mod parts;
mod request;
mod schema;
mod stop;
mod stream;
mod tools;
mod turns;
mod usage;
mod wire;

use super::{Decoder, Dialect, Headers, Mode, ServeDialect, StreamEncoder, StreamHead, WireRequest, body};
use crate::frames::Framing;
use crate::{Error, Provider, Request, Response, Result};

/// The dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnthropicMessages;

impl Dialect for AnthropicMessages {
    fn encode(&self, request: &Request, provider: &Provider) -> Result<WireRequest> {
        encode::encode(request, &provider.quirks)
    }

    fn framing(&self, mode: Mode) -> Framing {
        match mode {
            Mode::Whole => Framing::Body,
            Mode::Stream => Framing::Sse,
        }
    }

    fn decoder(&self, mode: Mode) -> Box<dyn Decoder> {
        Box::new(decode::MessageDecoder::new(mode))
    }

    fn decode_error(&self, status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
        errors::decode(status, headers, body)
    }
}

impl ServeDialect for AnthropicMessages {
    fn decode_request(&self, body: &[u8]) -> Result<Request> {
        request::decode(body::object(body)?)
    }

    fn encode_response(&self, response: &Response, _: &Request) -> Vec<u8> {
        answer::encode(response).to_string().into_bytes()
    }

    fn stream(&self, head: StreamHead) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(stream::MessageStream::new(head)))
    }

    fn encode_error(&self, error: &Error) -> (u16, Vec<u8>) {
        let (status, body) = errors::encode(error);
        (status, body.to_string().into_bytes())
    }
}

impl AnthropicMessages {
    /// Reads a request whose tokens are to be counted: one for an answer, but for its output limit.
    pub fn decode_count_request(&self, body: &[u8]) -> Result<Request> {
        request::decode_prompt(body::object(body)?)
    }

    /// The body that tells how many tokens a prompt has.
    pub fn encode_token_count(&self, input_tokens: u64) -> Vec<u8> {
        serde_json::json!({"input_tokens": input_tokens}).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Frame;
    use crate::{Fold, Message};
    use serde_json::{Value, json};

    /// What an answer brings goes back as it came.
    fn check(content: Value) {
        // Plain text is sent as such.
        let blocks = match &content {
            Value::String(text) => json!([{"type": "text", "text": text}]),
            blocks => blocks.clone(),
        };
        let body = json!({"type": "message", "content": blocks, "stop_reason": "end_turn"}).to_string();
        let mut events = Vec::new();
        let mut decoder = AnthropicMessages.decoder(Mode::Whole);
        decoder.push(&Frame::Body(body.as_bytes()), &mut events).unwrap();
        decoder.finish(&mut events).unwrap();
        let mut fold = Fold::new();
        fold.extend(events);
        // By way of JSON, as a caller stores it.
        let answer = Message::from(&fold.finish()).to_json();
        let mut request = Request::new("m", "hi");
        request.messages.push(Message::from_json("messages[1]", answer).unwrap());
        request.messages.push(Message::user("go on"));
        let wire = AnthropicMessages.encode(&request, &Provider::DEFAULT).unwrap();
        let wire: Value = serde_json::from_slice(&wire.body).unwrap();
        assert_eq!(wire["messages"][1], json!({"role": "assistant", "content": content}));
    }

    #[test]
    fn an_answer_goes_back_as_it_came() {
        let text = json!({"type": "text", "text": "Hi"});
        let thinking = json!({"type": "thinking", "thinking": "Hm \u{1f914}", "signature": "c2ln+/="});
        let input = json!({"b": [1.5, null], "a": "ü"});
        let caller = json!({"type": "direct"});
        let call =
            json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": input, "caller": caller});
        let server =
            json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}});
        let result = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []});
        let cited = json!({"type": "text", "text": "so", "citations":
            [{"type": "char_location", "cited_text": "so", "document_index": 0, "document_title": null,
              "start_char_index": 0, "end_char_index": 2}]});
        check(json!("Hi"));
        check(json!([thinking, text, call]));
        check(json!([{"type": "redacted_thinking", "data": "EmwK"}, thinking, call]));
        check(json!([text, thinking, text, call]));
        check(json!([text, server, result, thinking, cited, call]));
    }
}
