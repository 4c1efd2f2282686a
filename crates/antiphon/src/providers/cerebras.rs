//! Cerebras. Address, keys and fields: its SDK `cerebras-cloud-sdk` 1.67.0 (2026-01). What is not among them
//! is answered with 400, `wrong_api_format`: proxysoul/Empryo pull request 209 (2026-09).
//!
//! Raw prompts: `completions` of the same SDK. It has no embeddings.

use antiphon_core::{Provider, Quirks};

/// What its page "OpenAI Compatibility" says is an error, then what servers of open models know and it does
/// not.
const UNSUPPORTED: &[&str] = &[
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "thinking",
    "top_k",
    "min_p",
    "repetition_penalty",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "skip_special_tokens",
    "include_stop_str_in_output",
    "ignore_eos",
    "priority",
];

pub(super) const PROVIDER: Provider = Provider {
    id: "cerebras",
    name: "Cerebras",
    base_url: "https://api.cerebras.ai/v1",
    key_variables: &["CEREBRAS_API_KEY"],
    url_variables: &["CEREBRAS_API_BASE"],
    completions: Some("openai-completions"),
    quirks: Quirks {
        max_tokens_field: "max_completion_tokens",
        // `reasoning_content` is refused: QwenLM/qwen-code issue 11045 (2026-09).
        reasoning_field: Some("reasoning"),
        unsupported: UNSUPPORTED,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
