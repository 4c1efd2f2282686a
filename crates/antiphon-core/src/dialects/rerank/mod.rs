//! Reranking: a query and documents in, how well each answers out.
//!
//! The request and the results are those of Cohere (`POST /v2/rerank`, `cohere.v2.types.V2RerankResponse`), which
//! Jina, vLLM (`vllm.entrypoints.pooling.score.protocol`), Together and llama.cpp's server share; token counts are
//! in Cohere's `meta.tokens`, or in the `usage` of the others. The documents' texts are not asked for: the caller
//! has them. Nothing is streamed.

mod decode;
mod encode;
mod wire;

use super::openai_chat::{errors, serve};
use super::whole::WholeDecoder;
use super::{Decoder, Dialect, Headers, Mode, ServeDialect, StreamEncoder, StreamHead, WireRequest};
use crate::frames::Framing;
use crate::{Error, Operation, Provider, Request, Response, Result};

/// The dialect.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rerank;

impl Dialect for Rerank {
    fn encode(&self, request: &Request, provider: &Provider) -> Result<WireRequest> {
        encode::encode(request, &provider.quirks)
    }

    fn framing(&self, _: Mode) -> Framing {
        Framing::LongBody
    }

    fn decoder(&self, _: Mode) -> Box<dyn Decoder> {
        Box::new(WholeDecoder::new("a ranking came as a stream", decode::body))
    }

    fn decode_error(&self, status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
        errors::decode(status, headers, body)
    }
}

impl ServeDialect for Rerank {
    fn decode_request(&self, body: &[u8]) -> Result<Request> {
        serve::decode_request(Operation::Rerank, body)
    }

    fn encode_response(&self, response: &Response, _: &Request) -> Vec<u8> {
        response.to_json().to_string().into_bytes()
    }

    fn stream(&self, _: StreamHead) -> Option<Box<dyn StreamEncoder>> {
        None
    }

    fn encode_error(&self, error: &Error) -> (u16, Vec<u8>) {
        (error.kind().row().status, errors::encode(error).to_string().into_bytes())
    }
}
