//! The server over sockets: who may ask, what is answered, what is refused, and how it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod access;
mod answers;
mod input;
mod leaving;
mod life;
#[cfg(feature = "local")]
mod local;
mod page;
mod rerank;
mod rig;
mod upstreams;
mod walk;
