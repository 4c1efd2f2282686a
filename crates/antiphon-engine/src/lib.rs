//! Local GGUF models through llama.cpp, as one more [`Backend`](antiphon_core::Backend).
//!
//! An [`Engine`] is one loaded model. A thread of its own holds the model's context and runs one loop over
//! all requests, so that they share the model without blocking each other. What reaches that loop is a
//! plan that was already checked, rendered and tokenised:
//!
//! ```text
//! Request ─check→ Settings ─template→ text ─vocabulary→ tokens ─guidance→ Plan ─worker→ Event*
//! ```
//!
//! Special tokens are read as such only where the chat template writes them: where the caller's text contains
//! `<|im_end|>`, the model sees those ten characters. A raw prompt is taken as it is, special tokens and all.
//!
//! A model whose file names a pooling (BERT and its like, Qwen3-Embedding) gives vectors and generates nothing; one
//! whose pooling is a rank (bge-reranker, Qwen3-Reranker) ranks documents.
//!
//! Sampling is greedy where the call says nothing.

mod adapter;
mod admission;
mod builtin;
mod check;
mod clock;
mod draft;
mod embed;
mod encoder_decoder;
mod engine;
mod gather;
mod gguf;
mod guidance;
mod load;
mod pace;
mod prefix_cache;
mod prepare;
mod random;
mod raw;
mod reading_line;
mod rerank;
mod sampler;
mod sequence;
mod shape;
mod shelf;
mod speculation;
mod stats;
mod stops;
mod system;
mod template;
mod tools;
mod utf8;
mod vocabulary;
mod waiting_line;
mod worker;

pub use adapter::{Adapter, Scale};
pub use builtin::builtin_path;
pub use engine::{Engine, EngineOptions, ModelInfo};
pub use gguf::is_gguf;
pub use stats::Stats;
pub use system::{SystemInfo, system_info};
