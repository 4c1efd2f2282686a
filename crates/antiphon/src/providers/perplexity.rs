//! Perplexity. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "perplexity",
    name: "Perplexity",
    base_url: "https://api.perplexity.ai",
    key_variables: &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"],
    url_variables: &["PERPLEXITY_API_BASE", "PERPLEXITY_BASE_URL"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
