//! Any other server that follows OpenAI: its address is given by `base_url`.
//!
//! Raw prompts and embeddings are asked where OpenAI's are, reranking at `/rerank` beside them; a server that lacks
//! one says so.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "custom_openai",
    name: "OpenAI-like server",
    base_url: "",
    key_optional: true,
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    rerank: Some("rerank"),
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
