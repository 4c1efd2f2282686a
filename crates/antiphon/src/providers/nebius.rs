//! Nebius. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "nebius",
    name: "Nebius",
    base_url: "https://api.studio.nebius.ai/v1",
    key_variables: &["NEBIUS_API_KEY"],
    url_variables: &["NEBIUS_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
