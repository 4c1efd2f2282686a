//! LLM Engine's completions: a raw prompt in, the text that goes on from it out.
//!
//! Shapes are those of the published clients `scale-llm-engine` 0.0.0b1 and 0.0.0b45 and of the server's source
//! (`scaleapi/llm-engine`). The model stands in the query (`model_endpoint_name`), and the path says whether the
//! answer is streamed, so neither is part of a body. The wire has no reason why an answer ended: one that is
//! there whole is told as `stop`. Fields that are not known are passed over, as the clients do.
//!
//! What is not said is asked for as LLM Engine's clients do: 20 tokens at a temperature of 0.2.

mod decode;
mod encode;
mod serve;
mod stream;
mod wire;

use self::decode::EngineDecoder;
use self::stream::EngineStream;
use super::openai_chat::errors;
use super::{Decoder, Dialect, Headers, Mode, ServeDialect, StreamEncoder, StreamHead, WireRequest};
use crate::frames::Framing;
use crate::{Error, Provider, Request, Response, Result};

/// The name of the query's field that holds the model.
pub const MODEL_FIELD: &str = "model_endpoint_name";

/// The most tokens of an answer where nobody says it.
const MAX_NEW_TOKENS: u64 = 20;

/// The temperature where nobody says it.
const TEMPERATURE: f64 = 0.2;

/// The dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct LlmEngine;

impl Dialect for LlmEngine {
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
        Box::new(EngineDecoder::new(mode))
    }

    fn decode_error(&self, status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
        errors::decode(status, headers, body)
    }
}

/// The model and whether to stream are the address's to say: who serves sets [`Request::model`] and
/// [`Request::stream`].
impl ServeDialect for LlmEngine {
    fn decode_request(&self, body: &[u8]) -> Result<Request> {
        serve::decode_request(body)
    }

    /// Of several prompts each output has counts of its own, taken from its choice's extra fields of the
    /// same names where they are there.
    fn encode_response(&self, response: &Response, _: &Request) -> Vec<u8> {
        serve::response(response).to_string().into_bytes()
    }

    fn stream(&self, head: StreamHead) -> Option<Box<dyn StreamEncoder>> {
        Some(Box::new(EngineStream::new(head)))
    }

    fn encode_error(&self, error: &Error) -> (u16, Vec<u8>) {
        serve::error(error)
    }
}
