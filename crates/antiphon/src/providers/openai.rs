//! OpenAI. Keys, address, dialect and headers: its API reference and its official SDK.
//!
//! Raw prompts: the page "Completions" of the reference; other models answer 404 there, "This is a chat
//! model". Vectors as base64: what its own SDK asks for.

use antiphon_core::{OPEN_MODEL_PARAMS, Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "openai",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    key_variables: &["OPENAI_API_KEY"],
    url_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    header_variables: &[("OPENAI_ORG_ID", "openai-organization"), ("OPENAI_PROJECT_ID", "openai-project")],
    bare_names: &[
        "gpt-",
        "chatgpt-",
        "o1",
        "o3",
        "o4",
        "text-embedding-",
        "davinci-002",
        "babbage-002",
        "ft:",
    ],
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks {
        unsupported: OPEN_MODEL_PARAMS,
        // The reference's assistant messages have no such field, and an unknown one is an error 400.
        reasoning_field: None,
        anthropic_fields: false,
        raw_prompts: Support::Models(&[
            "gpt-3.5-turbo-instruct",
            "davinci-002",
            "babbage-002",
            "ft:gpt-3.5-turbo-instruct",
            "ft:davinci-002",
            "ft:babbage-002",
        ]),
        base64_embeddings: true,
        ..Quirks::DEFAULT
    },
    ..Provider::DEFAULT
};
