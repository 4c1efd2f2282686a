//! Whole answers as events, for those that no provider sends: mocks.

use antiphon_core::dialects::openai_chat::OpenAiChat;
use antiphon_core::dialects::{Dialect, Mode};
use antiphon_core::frames::Frame;
use antiphon_core::{Fold, Response, Result};

/// The response that the bytes of a `chat.completion` object stand for.
pub(crate) fn response_of(body: &[u8]) -> Result<Response> {
    let mut events = Vec::new();
    let mut decoder = OpenAiChat.decoder(Mode::Whole);
    decoder.push(&Frame::Body(body), &mut events)?;
    decoder.finish(&mut events)?;
    let mut fold = Fold::new();
    fold.extend(events);
    Ok(fold.finish())
}
