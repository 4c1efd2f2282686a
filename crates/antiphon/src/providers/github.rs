//! GitHub Models. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "github",
    name: "GitHub Models",
    base_url: "https://models.github.ai/inference",
    key_variables: &["GITHUB_API_KEY", "GITHUB_TOKEN"],
    url_variables: &["GITHUB_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
