//! llamafile, of one's own, which is llama.cpp's server. Address: its README; variables: LiteLLM 1.109.
//!
//! Raw prompts, embeddings and reranking: llama.cpp's README of its server.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "llamafile",
    name: "llamafile",
    base_url: "http://127.0.0.1:8080/v1",
    key_variables: &["LLAMAFILE_API_KEY"],
    url_variables: &["LLAMAFILE_API_BASE"],
    key_optional: true,
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    rerank: Some("rerank"),
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
