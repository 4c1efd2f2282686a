//! A provider is a struct of values, built the same from a constant, a config table or arguments.

/// How a request proves who sends it. The secret itself is never in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// The key as the value of this header (`x-api-key`).
    Header(&'static str),
    /// No key at all.
    None,
}

/// Who answers, and how to speak to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// The name before the slash in `provider/model`.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// URL that the dialect's paths are appended to, without a trailing slash.
    pub base_url: &'static str,
    /// How a request is authenticated.
    pub auth: Auth,
    /// Id of the dialect (`openai-chat`).
    pub dialect: &'static str,
    /// Environment variables that may hold the key, the first that is set wins.
    pub key_variables: &'static [&'static str],
    /// Environment variables that may hold another base URL.
    pub url_variables: &'static [&'static str],
    /// How it differs from the rest of its dialect.
    pub quirks: Quirks,
}

/// Where one provider differs from another of the same dialect. Each field says how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// The body's name for the output limit. OpenAI deprecates `max_tokens` and refuses it for
    /// reasoning models; most compatible servers know only `max_tokens` (OpenAI API reference, chat).
    pub max_tokens_field: &'static str,
    /// Whether `stream_options.include_usage` is understood, so that usage can always be asked for.
    pub stream_options: bool,
    /// Whether `response_format` of type `json_schema` is understood natively.
    pub json_schema: bool,
}

impl Quirks {
    /// What holds for OpenAI itself.
    pub const DEFAULT: Quirks =
        Quirks { max_tokens_field: "max_completion_tokens", stream_options: true, json_schema: true };
}

impl Default for Quirks {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Provider {
    /// What most rows share: OpenAI's dialect with a bearer key.
    pub const DEFAULT: Provider = Provider {
        id: "",
        name: "",
        base_url: "",
        auth: Auth::Bearer,
        dialect: "openai-chat",
        key_variables: &[],
        url_variables: &[],
        quirks: Quirks::DEFAULT,
    };
}
