//! Anthropic. Keys, address and header: its API reference.

use antiphon_core::{Auth, Provider};

pub(super) const PROVIDER: Provider = Provider {
    id: "anthropic",
    name: "Anthropic",
    base_url: "https://api.anthropic.com",
    auth: Auth::Header("x-api-key"),
    dialect: "anthropic-messages",
    key_variables: &["ANTHROPIC_API_KEY"],
    token_variables: &["ANTHROPIC_AUTH_TOKEN"],
    url_variables: &["ANTHROPIC_BASE_URL"],
    bare_names: &["claude-"],
    ..Provider::DEFAULT
};
