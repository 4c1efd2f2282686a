//! Z.ai. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "zai",
    name: "Z.ai",
    base_url: "https://api.z.ai/api/paas/v4",
    key_variables: &["ZAI_API_KEY"],
    url_variables: &["ZAI_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
