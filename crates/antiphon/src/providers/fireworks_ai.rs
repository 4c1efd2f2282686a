//! Fireworks AI. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "fireworks_ai",
    name: "Fireworks AI",
    base_url: "https://api.fireworks.ai/inference/v1",
    key_variables: &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY"],
    url_variables: &["FIREWORKS_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
