//! Whole answers as JSON that no provider sends: mocks, and what a cache keeps.

use antiphon_core::dialects::openai_chat::OpenAiChat;
use antiphon_core::dialects::openai_completions::OpenAiCompletions;
use antiphon_core::dialects::openai_embeddings::OpenAiEmbeddings;
use antiphon_core::dialects::rerank::Rerank;
use antiphon_core::dialects::{Dialect, Mode};
use antiphon_core::frames::Frame;
use antiphon_core::{Fold, Operation, Response, Result};

/// The response that the bytes of an object stand for: of a `chat.completion`, a `text_completion`, a `list` of
/// embeddings, or a reranking.
pub(crate) fn response_of(operation: Operation, body: &[u8]) -> Result<Response> {
    let dialect: &dyn Dialect = match operation {
        Operation::Chat => &OpenAiChat,
        Operation::TextCompletion => &OpenAiCompletions,
        Operation::Embeddings => &OpenAiEmbeddings,
        Operation::Rerank => &Rerank,
    };
    let mut events = Vec::new();
    let mut decoder = dialect.decoder(Mode::Whole);
    decoder.push(&Frame::Body(body), &mut events)?;
    decoder.finish(&mut events)?;
    let mut fold = Fold::new();
    fold.extend(events);
    Ok(fold.finish())
}
