//! DashScope. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "dashscope",
    name: "DashScope",
    base_url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    key_variables: &["DASHSCOPE_API_KEY"],
    url_variables: &["DASHSCOPE_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
