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
    /// Environment variables that may hold a token to be sent as `Authorization: Bearer`, whatever `auth`
    /// says; looked at where no key is found.
    pub token_variables: &'static [&'static str],
    /// Environment variables that may hold another base URL.
    pub url_variables: &'static [&'static str],
    /// Whether it also answers without a key (servers of one's own).
    pub key_optional: bool,
    /// Headers that every request carries, names in lower case.
    pub headers: &'static [(&'static str, &'static str)],
    /// Headers whose values come from environment variables, where those are set: variable, then header.
    pub header_variables: &'static [(&'static str, &'static str)],
    /// Beginnings of model names that are known well enough to go without their provider.
    pub bare_names: &'static [&'static str],
    /// How it differs from the rest of its dialect.
    pub quirks: Quirks,
}

/// Where one provider differs from another of the same dialect. Each field says how it is known.
///
/// What a request asks for and a quirk rules out is [`crate::Kind::UnsupportedParams`] when it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// The body's name for the output limit. OpenAI deprecates `max_tokens` and refuses it for
    /// reasoning models; most compatible servers know only `max_tokens` (OpenAI API reference, chat).
    pub max_tokens_field: &'static str,
    /// Whether `stream_options.include_usage` is understood, so that usage can always be asked for.
    pub stream_options: bool,
    /// Whether `response_format` of type `json_schema` is understood natively. Where it is not, a forced
    /// tool stands in.
    pub json_schema: Support,
    /// Whether the role `developer` is understood; else it is sent as `system`.
    pub developer_role: bool,
    /// Known parameters that this provider refuses, by their names in [`crate::params::PARAMS`].
    pub unsupported: &'static [&'static str],
    /// Whether to speak HTTP/2 where the server offers it. Off by default: a server allows about 100 streams
    /// on a connection, and more of them than that would wait for each other.
    pub h2: bool,
}

/// Which models of a provider can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Every one.
    All,
    /// None.
    None,
    /// Those whose names begin so, in the provider's word.
    Models(&'static [&'static str]),
}

impl Support {
    /// Whether this model can.
    pub fn has(self, model: &str) -> bool {
        match self {
            Support::All => true,
            Support::None => false,
            Support::Models(beginnings) => beginnings.iter().any(|beginning| model.starts_with(beginning)),
        }
    }
}

/// Parameters that servers of open models take, and OpenAI answers with "Unrecognized request argument".
pub const OPEN_MODEL_PARAMS: &[&str] = &[
    "top_k",
    "min_p",
    "repetition_penalty",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "skip_special_tokens",
    "include_stop_str_in_output",
    "ignore_eos",
    "thinking",
];

impl Quirks {
    /// What OpenAI's chat reference says.
    pub const DEFAULT: Quirks = Quirks {
        max_tokens_field: "max_completion_tokens",
        stream_options: true,
        json_schema: Support::All,
        developer_role: true,
        unsupported: &[],
        h2: false,
    };

    /// What holds for most servers that follow OpenAI's dialect: the older name of the output limit, and no
    /// role `developer`.
    pub const COMPATIBLE: Quirks =
        Quirks { max_tokens_field: "max_tokens", developer_role: false, ..Quirks::DEFAULT };
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
        token_variables: &[],
        url_variables: &[],
        key_optional: false,
        headers: &[],
        header_variables: &[],
        bare_names: &[],
        quirks: Quirks::DEFAULT,
    };
}
