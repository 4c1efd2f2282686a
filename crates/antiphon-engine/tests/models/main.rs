//! Models that the tests make: small, random, of each architecture.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod adapters;
mod architectures;
mod ask;
mod draft;
mod embeddings;
mod rerank;
mod tiny_bert;
