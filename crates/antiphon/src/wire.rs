//! Whole answers as events, for those that no provider sends: mocks.

use antiphon_core::{Error, Event, Kind, Response, Result};
use serde_json::Value;

pub(crate) fn events_of_body(_: &Value) -> Result<Vec<Event>> {
    Err(Error::new(Kind::Internal, "not wired yet"))
}

pub(crate) fn events_of(_: &Response) -> Vec<Event> {
    Vec::new()
}
