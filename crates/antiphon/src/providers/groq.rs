//! Groq. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "groq",
    name: "Groq",
    base_url: "https://api.groq.com/openai/v1",
    key_variables: &["GROQ_API_KEY"],
    url_variables: &["GROQ_API_BASE", "GROQ_BASE_URL"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
