//! Mistral. Fields: its SDK `mistralai` 2.5.1 (2026-06), `ChatCompletionRequest`. Whatever is not among them
//! is answered with 422, "Extra inputs are not permitted", in messages too.
//!
//! Embeddings: docs.mistral.ai, "Embeddings Endpoints". Raw prompts: only `/fim/completions`, to fill in
//! code; here a chat answers.

use antiphon_core::{Provider, Quirks, Role};

/// What `ChatCompletionRequest` does not have.
const UNSUPPORTED: &[&str] = &[
    "logit_bias",
    "user",
    "logprobs",
    "top_logprobs",
    "verbosity",
    "modalities",
    "audio",
    "web_search_options",
    "service_tier",
    "store",
    "prompt_cache_retention",
    "safety_identifier",
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
    id: "mistral",
    name: "Mistral",
    base_url: "https://api.mistral.ai/v1",
    key_variables: &["MISTRAL_API_KEY"],
    url_variables: &["MISTRAL_API_BASE"],
    embeddings: Some("openai-embeddings"),
    quirks: Quirks {
        // avante-corp/avante.nvim issue 2347 (2025-06). Usage comes with the last chunk unasked.
        stream_options: false,
        // Gage-Technologies/mistral-go pull request 2 (2024-04); charmbracelet/crush issue 1590 (2025-12).
        named_roles: &[Role::Tool],
        reasoning_field: None,
        anthropic_fields: false,
        renamed: &[("seed", "random_seed"), ("dimensions", "output_dimension")],
        unsupported: UNSUPPORTED,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
