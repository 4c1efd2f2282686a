//! SambaNova. Address and fields: docs.sambanova.ai, "OpenAI compatibility" (2026), by which what is not
//! known is ignored.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "sambanova",
    name: "SambaNova",
    base_url: "https://api.sambanova.ai/v1",
    key_variables: &["SAMBANOVA_API_KEY"],
    url_variables: &["SAMBANOVA_API_BASE", "SAMBANOVA_BASE_URL"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
