//! Together AI. Keys and fields: its SDK `together` 1.5.34 (2025-12). Which models take a schema is not told
//! by their names; `logprobs` is a number there.
//!
//! Raw prompts (one at a time) and embeddings: `completions` and `embeddings` of the same SDK; reranking: its
//! `rerank`.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "together_ai",
    name: "Together AI",
    base_url: "https://api.together.ai/v1",
    key_variables: &["TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"],
    url_variables: &["TOGETHER_AI_API_BASE", "TOGETHER_BASE_URL"],
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    rerank: Some("rerank"),
    quirks: Quirks {
        prompt_lists: false,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
