//! vLLM, of one's own. Address and fields: docs.vllm.ai, "OpenAI-Compatible Server"; variables: LiteLLM
//! 1.109.
//!
//! Raw prompts, embeddings and their `encoding_format`, reranking: the same page.

use antiphon_core::{Guided, Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "hosted_vllm",
    name: "vLLM",
    base_url: "http://localhost:8000/v1",
    key_variables: &["HOSTED_VLLM_API_KEY"],
    url_variables: &["HOSTED_VLLM_API_BASE"],
    key_optional: true,
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    rerank: Some("rerank"),
    quirks: Quirks {
        guided: Guided::Vllm,
        base64_embeddings: true,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
