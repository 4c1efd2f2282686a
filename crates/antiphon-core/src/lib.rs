//! The vocabulary of a completion and the wire dialects that speak it.
//!
//! Bytes go in, events come out. Nothing in this crate does I/O, reads the environment or looks at a
//! clock, so every test of it is a byte string. The flow of a call, whole or streamed:
//!
//! ```text
//! Request ─Dialect::encode→ WireRequest … bytes ─frames→ Frame ─Decoder::push→ Event* ─Fold→ Response
//! ```
//!
//! [`Response`] is *defined* as the [`Fold`] of [`Event`]s; a whole JSON body decodes into the same
//! events as a stream does.
#![forbid(unsafe_code)]

mod backend;
pub mod chunk;
pub mod dialects;
pub mod embeddings;
pub mod error;
pub mod event;
pub mod fold;
pub mod frames;
mod json;
pub mod message;
pub mod params;
pub mod provider;
pub mod request;
pub mod rerank;
pub mod response;
pub mod schema;
pub mod task;
pub mod text_answer;
pub mod usage;

pub use backend::{Backend, EventStream};
pub use chunk::{Chunk, Chunker};
pub use embeddings::Embeddings;
pub use error::{Error, Kind, Result};
pub use event::{Event, Path};
pub use fold::Fold;
pub use message::{Content, FunctionCall, Message, Part, PartKind, Role, ToolCall};
pub use params::Params;
pub use provider::{Auth, Guided, OPEN_MODEL_PARAMS, Provider, Quirks, Support};
pub use request::{Request, ResponseFormat, Strict, Tool, ToolChoice};
pub use rerank::Ranked;
pub use response::{Choice, FinishReason, Logprobs, Meta, Response, TokenLogprob, TopLogprob};
pub use task::{EmbeddingTask, EncodingFormat, Input, Operation, RerankTask, Task, TextTask};
pub use text_answer::{TextAnswer, TextLogprobs};
pub use usage::Usage;

/// A JSON object that keeps the order of its keys.
pub type Map = serde_json::Map<String, serde_json::Value>;
