//! LM Studio. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "lm_studio",
    name: "LM Studio",
    base_url: "http://localhost:1234/v1",
    key_variables: &["LM_STUDIO_API_KEY"],
    url_variables: &["LM_STUDIO_API_BASE"],
    key_optional: true,
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
