//! Models that the tests make: small, random, of each architecture.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod architectures;
mod ask;
mod embeddings;
mod random_gguf;
mod rerank;
mod tiny_bert;
