//! GitHub Models. Keys and address: its API reference. The public service ended on 2026-07-30 (GitHub's
//! documentation of that page): the row serves those who have its API behind another address, and gives
//! everybody else the provider's own answer.
//!
//! Embeddings: docs.github.com/rest/models/embeddings. It has no endpoint for raw prompts.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "github",
    name: "GitHub Models",
    base_url: "https://models.github.ai/inference",
    key_variables: &["GITHUB_API_KEY", "GITHUB_TOKEN"],
    url_variables: &["GITHUB_API_BASE"],
    embeddings: Some("openai-embeddings"),
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
