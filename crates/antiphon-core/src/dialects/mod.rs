//! One folder a wire dialect.
//!
//! A dialect is two directions. [`Dialect`] is the caller's: a request becomes bytes, bytes become events.
//! [`ServeDialect`] is the mirror for those that we serve: bytes become a request, events become bytes. Both
//! are stateless; what has state (a [`Decoder`], a [`StreamEncoder`]) is made for one call. A new dialect is
//! a folder and a row of the table here.

mod answer;
pub mod anthropic_messages;
pub mod body;
pub mod excerpt;
mod fault;
pub mod llm_engine;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_embeddings;
mod refuse;
pub mod rerank;
mod whole;
mod wire;

use std::borrow::Cow;

use crate::frames::{Frame, Framing};
use crate::{Error, Event, Operation, Provider, Request, Response, Result};

/// A request as it goes on the wire. It holds no secret: those are added by who sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct WireRequest {
    /// `POST`.
    pub method: &'static str,
    /// Appended to the provider's base URL; starts with a slash.
    pub path: String,
    /// Fields of the query, in order; encoded by who sends the request.
    pub query: Vec<(Cow<'static, str>, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Whether an answer is wanted whole or in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One body.
    Whole,
    /// A stream.
    Stream,
}

/// Looks up a header of an answer by its name in lower case.
pub type Headers<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How a provider is spoken to.
pub trait Dialect: Send + Sync {
    /// The request as the provider takes it. Refuses what the provider's quirks say it cannot take.
    fn encode(&self, request: &Request, provider: &Provider) -> Result<WireRequest>;

    /// How the answer's bytes are divided into frames.
    fn framing(&self, mode: Mode) -> Framing;

    /// Reads one answer.
    fn decoder(&self, mode: Mode) -> Box<dyn Decoder>;

    /// Reads an answer whose status says that the call failed.
    fn decode_error(&self, status: u16, headers: Headers<'_>, body: &[u8]) -> Error;
}

/// Turns the frames of one answer into events.
pub trait Decoder: Send {
    /// Takes in a frame; appends what became known. After an error, and after the end, frames are ignored.
    fn push(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) -> Result<()>;

    /// Says that the bytes are over. An error if the answer is not: [`crate::Kind::StreamInterrupted`] for a
    /// stream that was cut. Says nothing more after an error that [`Decoder::push`] gave.
    fn finish(&mut self, out: &mut Vec<Event>) -> Result<()>;

    /// Whether the answer is over, so that nothing more need be read.
    fn is_done(&self) -> bool;
}

/// How we speak to those who call us as they would call a provider.
pub trait ServeDialect: Send + Sync {
    /// Reads and checks a request. Every error is the caller's.
    fn decode_request(&self, body: &[u8]) -> Result<Request>;

    /// The body of a whole answer to `request`.
    fn encode_response(&self, response: &Response, request: &Request) -> Vec<u8>;

    /// Writes one streamed answer; `None` where answers are never streamed.
    fn stream(&self, head: StreamHead) -> Option<Box<dyn StreamEncoder>>;

    /// Status and body that say what went wrong.
    fn encode_error(&self, error: &Error) -> (u16, Vec<u8>);
}

/// What a streamed answer says of itself where the events do not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamHead {
    /// Id of the answer.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The model that answers.
    pub model: String,
    /// Whether the caller wants usage at the end.
    pub include_usage: bool,
}

/// Turns events into the bytes of a stream.
pub trait StreamEncoder: Send {
    /// Appends the bytes of a batch of events.
    fn push(&mut self, events: &[Event], out: &mut Vec<u8>);

    /// Appends the end of a complete answer.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// Appends the end of an answer that failed on the way.
    fn error(&mut self, error: &Error, out: &mut Vec<u8>);

    /// Appends what is missing at the end of a complete answer whose own bytes were passed on in place of its
    /// events; `tail` is the last of them.
    fn finish_passed(&mut self, tail: &[u8], out: &mut Vec<u8>) {
        let _ = (tail, out);
    }

    /// Appends a sign of life that says nothing.
    fn keep_alive(&mut self, out: &mut Vec<u8>);

    /// Says what time it is, in seconds since 1970, for dialects whose errors and signs of life tell it.
    /// Without it they tell when the answer was begun ([`StreamHead::created`]).
    fn set_time(&mut self, _seconds: u64) {}
}

/// One row of [`DIALECTS`].
pub struct Row {
    /// The name in [`Provider::dialect`] and its like, and of the folder under `fixtures/`.
    pub id: &'static str,
    /// What it is for.
    pub operation: Operation,
    /// How a provider is spoken to.
    pub dialect: &'static dyn Dialect,
    /// How we answer to it, where we do.
    pub serve: Option<&'static dyn ServeDialect>,
}

/// Every dialect.
pub static DIALECTS: &[Row] = &[
    Row {
        id: "openai-chat",
        operation: Operation::Chat,
        dialect: &openai_chat::OpenAiChat,
        serve: Some(&openai_chat::OpenAiChat),
    },
    Row {
        id: "openai-completions",
        operation: Operation::TextCompletion,
        dialect: &openai_completions::OpenAiCompletions,
        serve: Some(&openai_completions::OpenAiCompletions),
    },
    Row {
        id: "openai-embeddings",
        operation: Operation::Embeddings,
        dialect: &openai_embeddings::OpenAiEmbeddings,
        serve: Some(&openai_embeddings::OpenAiEmbeddings),
    },
    Row {
        id: "rerank",
        operation: Operation::Rerank,
        dialect: &rerank::Rerank,
        serve: Some(&rerank::Rerank),
    },
    Row {
        id: "llm-engine",
        operation: Operation::TextCompletion,
        dialect: &llm_engine::LlmEngine,
        serve: Some(&llm_engine::LlmEngine),
    },
    Row {
        id: "anthropic-messages",
        operation: Operation::Chat,
        dialect: &anthropic_messages::AnthropicMessages,
        serve: Some(&anthropic_messages::AnthropicMessages),
    },
];

/// The dialect of that name.
pub fn by_id(id: &str) -> Option<&'static dyn Dialect> {
    DIALECTS.iter().find(|row| row.id == id).map(|row| row.dialect)
}

/// The mirror of the dialect of that name, where we serve it.
pub fn serve_by_id(id: &str) -> Option<&'static dyn ServeDialect> {
    DIALECTS.iter().find(|row| row.id == id).and_then(|row| row.serve)
}
