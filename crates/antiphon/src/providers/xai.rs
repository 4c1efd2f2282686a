//! xAI. Address and fields: docs.x.ai, and the SDK `@ai-sdk/xai` 4.0 (2026-08).
//!
//! Raw prompts: docs.x.ai calls the endpoint legacy, and reasoning models refuse it; here a chat answers. It
//! has no embeddings (2026).

use antiphon_core::{Provider, Quirks, Role};

pub(super) const PROVIDER: Provider = Provider {
    id: "xai",
    name: "xAI",
    base_url: "https://api.x.ai/v1",
    key_variables: &["XAI_API_KEY"],
    url_variables: &["XAI_API_BASE"],
    quirks: Quirks {
        max_tokens_field: "max_completion_tokens",
        // BerriAI/litellm issue 9720: a name is taken from users alone.
        named_roles: &[Role::User],
        // "Model grok-… does not support parameter presencePenalty", though it be 0, of every model in the
        // list: miaoxworld/NativeTavern issue 83 (2026-09). Reasoning models refuse the other two likewise.
        unsupported: &["presence_penalty", "frequency_penalty", "stop"],
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
