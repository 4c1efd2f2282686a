//! OpenAI's chat completions, and what the many servers that follow it make of them.
//!
//! Shapes are those of the official SDK's types; what differs in the field is noted where it is handled.
//! Usage is always asked for, whatever the caller asked. What is not known is kept, at every level, but for
//! nulls (which say no more than an absent field does), `object`, and the stream's `obfuscation` padding.

mod decode;
pub(super) mod encode;
pub(super) mod errors;
pub(super) mod serve;
mod tools;
mod usage;
mod wire;

pub(super) use self::decode::ChatDecoder;
pub(super) use self::serve::ChatStream;
use super::{Decoder, Dialect, Headers, Mode, ServeDialect, StreamEncoder, StreamHead, WireRequest};
use crate::frames::Framing;
use crate::{Error, Operation, Provider, Request, Response, Result};

/// The dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAiChat;

impl Dialect for OpenAiChat {
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
        Box::new(ChatDecoder::new(mode, Operation::Chat))
    }

    fn decode_error(&self, status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
        errors::decode(status, headers, body)
    }
}

impl ServeDialect for OpenAiChat {
    fn decode_request(&self, body: &[u8]) -> Result<Request> {
        serve::decode_request(Operation::Chat, body)
    }

    fn encode_response(&self, response: &Response, _: &Request) -> Vec<u8> {
        response.to_json().to_string().into_bytes()
    }

    fn stream(&self, head: StreamHead) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(ChatStream::new(head, Operation::Chat)))
    }

    fn encode_error(&self, error: &Error) -> (u16, Vec<u8>) {
        (error.kind().row().status, errors::encode(error).to_string().into_bytes())
    }
}
