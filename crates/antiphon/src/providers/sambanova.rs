//! SambaNova. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "sambanova",
    name: "SambaNova",
    base_url: "https://api.sambanova.ai/v1",
    key_variables: &["SAMBANOVA_API_KEY"],
    url_variables: &["SAMBANOVA_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
