//! Hugging Face. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "huggingface",
    name: "Hugging Face",
    base_url: "https://router.huggingface.co/v1",
    key_variables: &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
    url_variables: &["HUGGINGFACE_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
