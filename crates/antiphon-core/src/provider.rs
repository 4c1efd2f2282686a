//! A provider is a struct of values, built the same from a constant, a config table or arguments.

use crate::{Operation, Role};

/// How a request proves who sends it. The secret itself is never in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// The key as the value of this header (`x-api-key`).
    Header(&'static str),
    /// The key as the value of this header, and as the user name of basic authentication with no password:
    /// LLM Engine's first servers look at the one, its later ones at the other.
    HeaderAndBasic(&'static str),
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
    /// Id of the dialect of raw prompts (`openai-completions`); where there is none, a chat is asked.
    pub completions: Option<&'static str>,
    /// Id of the dialect of embeddings (`openai-embeddings`), where the provider has them.
    pub embeddings: Option<&'static str>,
    /// Id of the dialect of reranking (`rerank`), where the provider has it.
    pub rerank: Option<&'static str>,
    /// Environment variables that may hold the key, the first that is set wins.
    pub key_variables: &'static [&'static str],
    /// Environment variables that may hold a token to be sent as `Authorization: Bearer`, whatever `auth`
    /// says; looked at where no key is found.
    pub token_variables: &'static [&'static str],
    /// Environment variables that may hold another base URL.
    pub url_variables: &'static [&'static str],
    /// Whether it also answers without a key (servers of one's own).
    pub key_optional: bool,
    /// What is sent as the key where there is none, to a server that wants to see one and checks none.
    pub anonymous_key: Option<&'static str>,
    /// Headers that every request carries, names in lower case.
    pub headers: &'static [(&'static str, &'static str)],
    /// Headers whose values come from environment variables, where those are set: variable, then header.
    pub header_variables: &'static [(&'static str, &'static str)],
    /// Headers that are lists: a caller's value is joined to that of the dialect, and does not replace it.
    pub list_headers: &'static [&'static str],
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
    /// Where chats are asked, below the base URL (LLM Engine has them at `/v2/chat/completions`).
    pub chat_path: &'static str,
    /// Where documents are reranked, below the base URL (Cohere has that at `/v2/rerank`, its chats elsewhere).
    pub rerank_path: &'static str,
    /// The body's name for the output limit. OpenAI deprecates `max_tokens` and refuses it for
    /// reasoning models; most compatible servers know only `max_tokens` (OpenAI API reference, chat).
    pub max_tokens_field: &'static str,
    /// Whether `stream_options.include_usage` is understood, so that usage can always be asked for.
    pub stream_options: bool,
    /// Whether `response_format` of type `json_schema` is understood natively. Where it is not, a forced
    /// tool stands in.
    pub json_schema: Support,
    /// Whether a model decides itself how long it thinks, guided by an effort (Anthropic's `thinking` of type
    /// `adaptive` and `output_config.effort`). Where it does not, an effort becomes a budget of tokens.
    pub adaptive_thinking: Support,
    /// Whether `response_format` of type `json_object` is understood. Where it is not, the schema of any object
    /// stands in, or a forced tool where there are no schemas (LM Studio and Perplexity answer 400).
    pub json_object: bool,
    /// Which models can be made to call a tool, any or one by name. Models that think often cannot (DeepSeek,
    /// Moonshot and Z.ai answer 400); where the caller turned thinking off, they are asked all the same.
    pub forced_tool: Support,
    /// Whether the role `developer` is understood; else it is sent as `system`.
    pub developer_role: bool,
    /// Roles whose messages may have a `name`; that of others is left out (xAI takes it from users alone).
    pub named_roles: &'static [Role],
    /// Field in which a message's reasoning goes back to who gave it: DeepSeek and Moonshot ask for it as
    /// `reasoning_content`, Cerebras knows it as `reasoning`. `None` leaves it out (Mistral and Groq refuse it).
    pub reasoning_field: Option<&'static str>,
    /// Whether fields of Anthropic's that this dialect has no word for (`cache_control`, `citations`, …) may
    /// stand in messages and tools. Where an unknown field is an error (OpenAI, Groq, Mistral), they are left
    /// out: they change nothing of what is asked.
    pub anthropic_fields: bool,
    /// Parameters that have another name here: ours, then theirs (Mistral's `random_seed`).
    pub renamed: &'static [(&'static str, &'static str)],
    /// Whether the `cost` of an answer's usage is what the call cost, in dollars: a number (OpenRouter), or an
    /// object with its `total_cost` (Perplexity, which adds a fee for searching to the price of the tokens).
    pub reports_cost: bool,
    /// Known parameters that this provider refuses, by their names in [`crate::params::PARAMS`].
    pub unsupported: &'static [&'static str],
    /// Which models go on from a raw prompt, where the provider has an endpoint for those; the others are
    /// asked by a chat (OpenAI's chat models answer 404 there).
    pub raw_prompts: Support,
    /// Whether several raw prompts go into one request; else each has one of its own (Together, OpenRouter).
    pub prompt_lists: bool,
    /// In whose words `guided_json`, `guided_regex`, `guided_choice` and `guided_grammar` are asked for.
    pub guided: Guided,
    /// Whether vectors can be had as base64 of their floats, which is a third of their size as numbers.
    pub base64_embeddings: bool,
    /// Whether to speak HTTP/2 where the server offers it. Off by default: a server allows about 100 streams
    /// on a connection, and more of them than that would wait for each other.
    pub h2: bool,
}

/// How a server is told what form a guided answer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guided {
    /// By the names that the parameters have here, which are those of vLLM before 0.12.
    AsGiven,
    /// vLLM's, which depends on its version: 0.12 took those names away for one `structured_outputs`, and passes
    /// over what it does not know (docs.vllm.ai, "Structured Outputs").
    Vllm,
    /// SGLang's `regex`, `ebnf` and `json_schema` (its `entrypoints/openai/protocol.py`).
    Sglang,
    /// The `response_format` of TGI's chats, whose `type` and `value` are a grammar; its raw prompts have none
    /// (its `docs/openapi.json`, 3.3).
    Tgi,
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
    /// All but those whose names begin so: what older models lack, and a new one will not.
    Except(&'static [&'static str]),
}

impl Support {
    /// Whether this model can.
    pub fn has(self, model: &str) -> bool {
        let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| model.starts_with(beginning));
        match self {
            Support::All => true,
            Support::None => false,
            Support::Models(beginnings) => begins(beginnings),
            Support::Except(beginnings) => !begins(beginnings),
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
    "priority",
    "thinking",
];

impl Quirks {
    /// What OpenAI's chat reference says.
    pub const DEFAULT: Quirks = Quirks {
        chat_path: "/chat/completions",
        rerank_path: "/rerank",
        max_tokens_field: "max_completion_tokens",
        stream_options: true,
        json_schema: Support::All,
        adaptive_thinking: Support::All,
        json_object: true,
        forced_tool: Support::All,
        developer_role: true,
        named_roles: &Role::ALL,
        reasoning_field: Some("reasoning_content"),
        anthropic_fields: true,
        renamed: &[],
        reports_cost: false,
        unsupported: &[],
        raw_prompts: Support::All,
        prompt_lists: true,
        guided: Guided::AsGiven,
        base64_embeddings: false,
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
    /// Id of the dialect in which `model` is asked for it; `None` where there is no such endpoint for that model.
    pub fn dialect_of(&self, operation: Operation, model: &str) -> Option<&'static str> {
        match operation {
            Operation::Chat => Some(self.dialect),
            Operation::TextCompletion => self.completions.filter(|_| self.quirks.raw_prompts.has(model)),
            Operation::Embeddings => self.embeddings,
            Operation::Rerank => self.rerank,
        }
    }

    /// What most rows share: OpenAI's dialect with a bearer key.
    pub const DEFAULT: Provider = Provider {
        id: "",
        name: "",
        base_url: "",
        auth: Auth::Bearer,
        dialect: "openai-chat",
        completions: None,
        embeddings: None,
        rerank: None,
        key_variables: &[],
        token_variables: &[],
        url_variables: &[],
        key_optional: false,
        anonymous_key: None,
        headers: &[],
        header_variables: &[],
        list_headers: &[],
        bare_names: &[],
        quirks: Quirks::DEFAULT,
    };
}
