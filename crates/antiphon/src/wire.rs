//! Whole answers as events, for those that no provider sends: mocks.

use antiphon_core::dialects::openai_chat::OpenAiChat;
use antiphon_core::dialects::{Dialect, Mode};
use antiphon_core::frames::Frame;
use antiphon_core::{Event, Response, Result};
use serde_json::Value;

/// The events of a `chat.completion` object.
pub(crate) fn events_of_body(body: &Value) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut decoder = OpenAiChat.decoder(Mode::Whole);
    decoder.push(&Frame::Body(body.to_string().as_bytes()), &mut events)?;
    decoder.finish(&mut events)?;
    Ok(events)
}

/// The events of a response: those that its JSON decodes into.
pub(crate) fn events_of(response: &Response) -> Result<Vec<Event>> {
    events_of_body(&response.to_json())
}
