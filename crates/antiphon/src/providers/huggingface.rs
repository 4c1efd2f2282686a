//! Hugging Face's router, "Inference Providers". Address and key: huggingface.co/docs/inference-providers;
//! other names: LiteLLM 1.109. What a model takes is up to the provider that runs it.
//!
//! The router answers chats alone: "OpenAI-compatible endpoint" of that documentation.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "huggingface",
    name: "Hugging Face",
    base_url: "https://router.huggingface.co/v1",
    key_variables: &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
    url_variables: &["HUGGINGFACE_API_BASE", "HF_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
