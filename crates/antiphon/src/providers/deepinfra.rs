//! DeepInfra. Address and fields: deepinfra.com/docs, "OpenAI API"; variables: LiteLLM 1.109.
//!
//! Raw prompts and embeddings: the same page lists both.

use antiphon_core::{Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "deepinfra",
    name: "DeepInfra",
    base_url: "https://api.deepinfra.com/v1/openai",
    key_variables: &["DEEPINFRA_API_KEY"],
    url_variables: &["DEEPINFRA_API_BASE"],
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks {
        // `tool_choice` is `auto` or `none`: deepinfra.com/docs, "Function calling", as LiteLLM cites it.
        forced_tool: Support::None,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
