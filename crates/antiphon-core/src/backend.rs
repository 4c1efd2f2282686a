//! The one interface behind which every model stands, hosted or local.

use std::pin::Pin;

use futures_core::Stream;

use crate::{Error, Event, Request};

/// The events of one call, in batches as they became known (per socket read, per decoded token).
///
/// An `Err` ends the stream. Dropping it cancels the call: a connection is closed, a local sequence
/// leaves its batch.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<Vec<Event>, Error>> + Send>>;

/// Something that answers requests: a provider over HTTP, the local engine, or a wrapper of one.
pub trait Backend: Send + Sync {
    /// Starts a call. What goes wrong, even at once, is an `Err` item of the stream.
    fn call(&self, request: Request) -> EventStream;
}
