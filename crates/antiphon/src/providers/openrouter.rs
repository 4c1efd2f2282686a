//! OpenRouter. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "openrouter",
    name: "OpenRouter",
    base_url: "https://openrouter.ai/api/v1",
    key_variables: &["OPENROUTER_API_KEY"],
    url_variables: &["OPENROUTER_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
