//! Whole answers as events, for those that no provider sends: mocks.

use antiphon_core::dialects::openai_chat::OpenAiChat;
use antiphon_core::dialects::{Dialect, Mode};
use antiphon_core::frames::Frame;
use antiphon_core::{Fold, Response, Result};
use serde_json::Value;

/// The response that a `chat.completion` object stands for.
pub(crate) fn response_of(body: &Value) -> Result<Response> {
    let mut events = Vec::new();
    let mut decoder = OpenAiChat.decoder(Mode::Whole);
    decoder.push(&Frame::Body(body.to_string().as_bytes()), &mut events)?;
    decoder.finish(&mut events)?;
    let mut fold = Fold::new();
    fold.extend(events);
    Ok(fold.finish())
}
