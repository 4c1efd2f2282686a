//! OpenAI. Keys, address and dialect: its API reference.

use antiphon_core::Provider;

pub(super) const PROVIDER: Provider = Provider {
    id: "openai",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    key_variables: &["OPENAI_API_KEY"],
    url_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    ..Provider::DEFAULT
};
