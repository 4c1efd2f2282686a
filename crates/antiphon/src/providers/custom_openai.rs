//! Any other server that follows OpenAI: its address is given by `base_url`.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "custom_openai",
    name: "OpenAI-like server",
    base_url: "",
    key_optional: true,
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
