//! LM Studio, of one's own. Address and fields: lmstudio.ai/docs, "OpenAI Compatibility"; variables: LiteLLM
//! 1.109. A tool is forced by `required`, and not by name.
//!
//! Raw prompts and embeddings: lmstudio.ai/docs, "OpenAI Compatible Endpoints".

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "lm_studio",
    name: "LM Studio",
    base_url: "http://localhost:1234/v1",
    key_variables: &["LM_STUDIO_API_KEY"],
    url_variables: &["LM_STUDIO_API_BASE"],
    key_optional: true,
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks {
        // "'response_format.type' must be 'json_schema' or 'text'": webai-at-home/webai-at-home issue 219
        // (0.4.20, 2026-08).
        json_object: false,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
