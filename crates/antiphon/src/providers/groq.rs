//! Groq. Address, keys and fields: its SDK `groq` 1.6.0 (2026-08). Refused fields:
//! console.groq.com/docs/openai. Schemas: console.groq.com/docs/structured-outputs, and the models that
//! LiteLLM 1.109 marks.
//!
//! Its API reference has neither raw prompts nor embeddings (2026).

use antiphon_core::{Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "groq",
    name: "Groq",
    base_url: "https://api.groq.com/openai/v1",
    key_variables: &["GROQ_API_KEY"],
    url_variables: &["GROQ_API_BASE"],
    quirks: Quirks {
        max_tokens_field: "max_completion_tokens",
        // Older models answer "does not support response format `json_schema`".
        json_schema: Support::Models(&["openai/gpt-oss", "qwen/qwen3.8"]),
        // Each is an error 400: `messages[].name` by that page, `reasoning_content` by janhq/jan issue 8136
        // (2026-05).
        named_roles: &[],
        reasoning_field: None,
        anthropic_fields: false,
        unsupported: &["logprobs", "top_logprobs", "logit_bias"],
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
