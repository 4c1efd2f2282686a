//! OpenAI's older completions: a raw prompt in, the text that goes on from it out.
//!
//! Shapes are those of the official SDK's types (`openai.types.Completion`). Bodies, streams and errors are
//! read by the decoder of the chat dialect, which differs in where a choice's text stands, in who speaks
//! (nobody), and in the form of probabilities, kept as they came.

mod encode;

use super::openai_chat::{ChatDecoder, ChatStream, errors, serve};
use super::{Decoder, Dialect, Headers, Mode, ServeDialect, StreamEncoder, StreamHead, WireRequest};
use crate::frames::Framing;
use crate::{Error, Operation, Provider, Request, Response, Result};

/// The dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAiCompletions;

impl Dialect for OpenAiCompletions {
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
        Box::new(ChatDecoder::new(mode, Operation::TextCompletion))
    }

    fn decode_error(&self, status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
        errors::decode(status, headers, body)
    }
}

impl ServeDialect for OpenAiCompletions {
    fn decode_request(&self, body: &[u8]) -> Result<Request> {
        serve::decode_request(Operation::TextCompletion, body)
    }

    fn encode_response(&self, response: &Response, _: &Request) -> Vec<u8> {
        response.to_json().to_string().into_bytes()
    }

    fn stream(&self, head: StreamHead) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(ChatStream::new(head, Operation::TextCompletion)))
    }

    fn encode_error(&self, error: &Error) -> (u16, Vec<u8>) {
        (error.kind().row().status, errors::encode(error).to_string().into_bytes())
    }
}
