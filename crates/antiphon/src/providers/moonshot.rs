//! Moonshot AI. Address and key: platform.moonshot.ai/docs. Outside China; for China set the URL.
//!
//! Its API reference has neither raw prompts nor embeddings (2026).

use antiphon_core::{Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "moonshot",
    name: "Moonshot AI",
    base_url: "https://api.moonshot.ai/v1",
    key_variables: &["MOONSHOT_API_KEY"],
    url_variables: &["MOONSHOT_API_BASE"],
    quirks: Quirks {
        // The SDK `@ai-sdk/moonshotai` 3.0 (2026-08).
        json_schema: Support::Models(&["kimi-k"]),
        // "tool_choice 'required' is incompatible with thinking enabled", but for K3, which takes
        // `required`: UKGovernmentBEIS/inspect_ai pull request 5152 (2026-08).
        forced_tool: Support::Models(&["kimi-k3"]),
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
