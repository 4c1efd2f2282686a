//! Moonshot AI. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "moonshot",
    name: "Moonshot AI",
    base_url: "https://api.moonshot.ai/v1",
    key_variables: &["MOONSHOT_API_KEY"],
    url_variables: &["MOONSHOT_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
