//! Cerebras. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "cerebras",
    name: "Cerebras",
    base_url: "https://api.cerebras.ai/v1",
    key_variables: &["CEREBRAS_API_KEY"],
    url_variables: &["CEREBRAS_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
