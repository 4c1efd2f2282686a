//! What a call survives, against a scripted upstream on real sockets.
//!
//! A module a topic. Each test names the rows of the matrix of faults that it tries; what is decided under a
//! clock that stands still is tried in `tests/policy.rs`, and only its way through the sockets here. Time never
//! decides a test, except as a bound of ten times the figure.
#![expect(clippy::unwrap_used, reason = "what helps a test is one, too; clippy looks only inside of #[test]")]

mod answers;
mod cancel;
mod connections;
mod http2;
mod input;
mod proxies;
mod rig;
mod secrets;
mod streams;
mod switching;
mod tls;
