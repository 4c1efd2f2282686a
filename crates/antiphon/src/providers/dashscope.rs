//! DashScope (Alibaba Cloud Model Studio). Address and key: its page "OpenAI compatible - Chat". Outside
//! China; for China and the United States set the URL. A model that thinks refuses a forced tool; whether it
//! does is a field of the request.
//!
//! Embeddings: its page "OpenAI compatible - Embedding" (2026). Raw prompts: only the coder models in China,
//! by another address; here a chat answers.

use antiphon_core::{Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "dashscope",
    name: "DashScope",
    base_url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    key_variables: &["DASHSCOPE_API_KEY"],
    url_variables: &["DASHSCOPE_API_BASE"],
    embeddings: Some("openai-embeddings"),
    quirks: Quirks {
        // Only JSON objects before: langchain4j/langchain4j issue 4111 (2025-11). These by LiteLLM 1.109.
        json_schema: Support::Models(&["qwen3.8-", "qwen3.7-plus"]),
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
