//! Z.ai (Zhipu). Address and key: docs.z.ai, "Chat Completion". The coding plan has another address, to be
//! set as the URL.
//!
//! docs.z.ai has neither raw prompts nor embeddings (2026).

use antiphon_core::{Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "zai",
    name: "Z.ai",
    base_url: "https://api.z.ai/api/paas/v4",
    key_variables: &["ZAI_API_KEY"],
    url_variables: &["ZAI_API_BASE"],
    quirks: Quirks {
        // LiteLLM 1.109: others have only JSON objects.
        json_schema: Support::Models(&["glm-5.3"]),
        // "Tool choice must be auto": vectorize-io/hindsight issue 4246 (2026-09); glm-4.6 hangs instead.
        forced_tool: Support::None,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
