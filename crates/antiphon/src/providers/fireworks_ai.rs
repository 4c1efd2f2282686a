//! Fireworks AI. Address and key: docs.fireworks.ai; other names of the key: LiteLLM 1.109. Schemas and
//! usage in streams: the SDK `@ai-sdk/fireworks` 3.0 (2026-08).
//!
//! Raw prompts and embeddings: docs.fireworks.ai, "Create Completion" and "Create embeddings".

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "fireworks_ai",
    name: "Fireworks AI",
    base_url: "https://api.fireworks.ai/inference/v1",
    key_variables: &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY"],
    url_variables: &["FIREWORKS_API_BASE"],
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
