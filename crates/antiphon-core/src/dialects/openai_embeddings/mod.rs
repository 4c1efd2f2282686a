//! OpenAI's embeddings: texts in, a vector for each out.
//!
//! Shapes are those of the official SDK's types (`openai.types.CreateEmbeddingResponse`). As that SDK does,
//! vectors are asked for as base64 where the provider has that; a list of numbers is read all the same.
//! Nothing is streamed.

mod decode;
mod encode;
mod wire;

use super::openai_chat::{errors, serve};
use super::whole::WholeDecoder;
use super::{Decoder, Dialect, Headers, Mode, ServeDialect, StreamEncoder, StreamHead, WireRequest};
use crate::embeddings::List;
use crate::frames::Framing;
use crate::{EncodingFormat, Error, Operation, Provider, Request, Response, Result, Task};

/// The dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAiEmbeddings;

impl Dialect for OpenAiEmbeddings {
    fn encode(&self, request: &Request, provider: &Provider) -> Result<WireRequest> {
        encode::encode(request, &provider.quirks)
    }

    fn framing(&self, _: Mode) -> Framing {
        Framing::LongBody
    }

    fn decoder(&self, _: Mode) -> Box<dyn Decoder> {
        Box::new(WholeDecoder::new("embeddings came as a stream", decode::body))
    }

    fn decode_error(&self, status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
        errors::decode(status, headers, body)
    }
}

impl ServeDialect for OpenAiEmbeddings {
    fn decode_request(&self, body: &[u8]) -> Result<Request> {
        serve::decode_request(Operation::Embeddings, body)
    }

    fn encode_response(&self, response: &Response, request: &Request) -> Vec<u8> {
        let format = match &request.task {
            Task::Embed(task) => task.encoding_format,
            _ => None,
        };
        let list = List { response, format: format.unwrap_or(EncodingFormat::Float) };
        serde_json::to_vec(&list).unwrap_or_default()
    }

    fn stream(&self, _: StreamHead) -> Option<Box<dyn StreamEncoder>> {
        None
    }

    fn encode_error(&self, error: &Error) -> (u16, Vec<u8>) {
        (error.kind().row().status, errors::encode(error).to_string().into_bytes())
    }
}
