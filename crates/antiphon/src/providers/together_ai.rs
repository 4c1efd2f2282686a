//! Together AI. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "together_ai",
    name: "Together AI",
    base_url: "https://api.together.ai/v1",
    key_variables: &["TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"],
    url_variables: &["TOGETHER_AI_API_BASE", "TOGETHER_BASE_URL"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
