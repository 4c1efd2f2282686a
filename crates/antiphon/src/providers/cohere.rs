//! Cohere. Reranking, its address and keys: its SDK `cohere` 7.3.1 (`v2.rerank`, `CO_API_KEY`); chats: "Using Cohere
//! models via the OpenAI SDK" (docs.cohere.com), which also lists what they take; `COHERE_API_KEY`: LiteLLM 1.109.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "cohere",
    name: "Cohere",
    base_url: "https://api.cohere.com",
    key_variables: &["COHERE_API_KEY", "CO_API_KEY"],
    url_variables: &["COHERE_API_BASE", "CO_API_URL"],
    rerank: Some("rerank"),
    quirks: Quirks {
        chat_path: "/compatibility/v1/chat/completions",
        rerank_path: "/v2/rerank",
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
