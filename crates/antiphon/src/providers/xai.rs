//! xAI. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "xai",
    name: "xAI",
    base_url: "https://api.x.ai/v1",
    key_variables: &["XAI_API_KEY"],
    url_variables: &["XAI_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
