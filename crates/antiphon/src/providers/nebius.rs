//! Nebius Token Factory, once AI Studio. Address and key: docs.tokenfactory.nebius.com, "Quickstart" (2026).
//!
//! Raw prompts and embeddings: the API reference there, "Create completion" and "Create embeddings".

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "nebius",
    name: "Nebius",
    base_url: "https://api.tokenfactory.nebius.com/v1",
    key_variables: &["NEBIUS_API_KEY"],
    url_variables: &["NEBIUS_API_BASE"],
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
