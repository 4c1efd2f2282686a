//! DeepSeek. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "deepseek",
    name: "DeepSeek",
    base_url: "https://api.deepseek.com",
    key_variables: &["DEEPSEEK_API_KEY"],
    url_variables: &["DEEPSEEK_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
