//! Prompt in, completion out: any model, hosted or local, called the same way.
//!
//! ```no_run
//! # async fn example() -> antiphon::Result<()> {
//! use antiphon::completion;
//!
//! let response = completion("how are you?").model("local/chorister").temperature(0.5).await?;
//! println!("{}", response.text());
//! # Ok(())
//! # }
//! ```
//!
//! Futures of this crate run in a Tokio runtime. A call is a [`Call`]: the [`Request`] that a model sees,
//! and [`Options`] that it does not. A [`Client`] finds the model, and every way of calling, whole or
//! streamed, goes through [`Client::events`].
#![forbid(unsafe_code)]

pub mod aliases;
mod attempt;
mod base_url;
pub mod batch;
mod builder;
pub mod cache;
mod call;
pub mod call_log;
pub mod catalog;
mod client;
pub mod config;
mod custom;
mod endpoints;
pub mod env_vars;
mod explain;
mod facts;
pub mod keys;
#[cfg(feature = "local")]
pub mod local;
#[cfg(not(feature = "local"))]
#[path = "local_missing.rs"]
pub mod local;
mod mock;
mod names;
mod policy;
mod prepare;
pub mod providers;
mod random;
mod rate_limit;
mod resolve;
mod stream;
mod structured;
mod tap;
mod telemetry;
mod text_by_chat;
pub mod tokens;
pub mod transport;
pub mod upstreams;
mod versions;
mod wire;
pub mod zoo;

pub use antiphon_core as core;
pub use antiphon_core::{
    Backend, Choice, Chunk, Chunker, Content, Embeddings, EncodingFormat, Error, Event, EventStream,
    FinishReason, Fold, FunctionCall, Input, Kind, Map, Message, Operation, Params, Part, PartKind, Ranked,
    Request, Response, ResponseFormat, Result, Role, Strict, Task, Tool, ToolCall, ToolChoice, Usage,
};
pub use base_url::BaseUrl;
pub use builder::{Completion, Prompt, completion};
pub use call::{Call, Fallback, Options, Waits};
pub use call_log::CallLog;
pub use client::Client;
pub use endpoints::{Inputs, embedding, rerank, text_completion};
pub use explain::{ExplainedRequest, Explanation};
pub use facts::Facts;
pub use mock::Mock;
pub use names::{is_call_option, nearest, option_names};
pub use policy::exchange::{Exchange, Payload};
pub use random::{answer_id, uuid as random_uuid};
pub use rate_limit::{RateLimit, RateLimits, Unit};
pub use resolve::{
    Credential, DEFAULT_EMBEDDING_MODEL, DEFAULT_MODEL, Hosted, OFFLINE_MODEL, Source, Target,
};
pub use secrecy::SecretString;
pub use stream::CompletionStream;
pub use tap::Tap;
pub use upstreams::{ServerStatus, UpstreamStatus};
