//! OpenAI-like server. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "custom_openai",
    name: "OpenAI-like server",
    base_url: "",
    key_optional: true,
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
