//! Mistral. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "mistral",
    name: "Mistral",
    base_url: "https://api.mistral.ai/v1",
    key_variables: &["MISTRAL_API_KEY"],
    url_variables: &["MISTRAL_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
