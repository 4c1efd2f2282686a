//! OpenAI. Keys, address, dialect and headers: its API reference and its official SDK.

use antiphon_core::{OPEN_MODEL_PARAMS, Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "openai",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    key_variables: &["OPENAI_API_KEY"],
    url_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    header_variables: &[("OPENAI_ORG_ID", "openai-organization"), ("OPENAI_PROJECT_ID", "openai-project")],
    bare_names: &["gpt-", "chatgpt-", "o1", "o3", "o4"],
    quirks: Quirks {
        unsupported: OPEN_MODEL_PARAMS,
        // The reference's assistant messages have no such field, and an unknown one is an error 400.
        reasoning_field: None,
        ..Quirks::DEFAULT
    },
    ..Provider::DEFAULT
};
