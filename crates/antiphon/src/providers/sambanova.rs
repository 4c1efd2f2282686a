//! SambaNova. Address and fields: docs.sambanova.ai, "OpenAI compatibility" (2026), by which what is not
//! known is ignored.
//!
//! Raw prompts and embeddings: its API reference, "Completions" and "Embeddings" (the latter on one's own
//! stack alone).

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "sambanova",
    name: "SambaNova",
    base_url: "https://api.sambanova.ai/v1",
    key_variables: &["SAMBANOVA_API_KEY"],
    url_variables: &["SAMBANOVA_API_BASE", "SAMBANOVA_BASE_URL"],
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
