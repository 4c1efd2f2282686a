//! LLM Engine's face over sockets: status, words and bytes, and what survives.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod batches;
mod completions;
mod endpoints;
mod files;
mod life;
#[expect(dead_code, reason = "the server's own tests use more of it")]
#[path = "../serve/rig.rs"]
mod rig;
mod scene;
