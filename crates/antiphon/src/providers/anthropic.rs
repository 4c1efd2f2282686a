//! Anthropic. Keys, address and header: its API reference.
//!
//! Raw prompts: "Text Completions" is a legacy endpoint in a form of its own, which no current model
//! answers. It has no embeddings; its page "Embeddings" sends readers to others.

use antiphon_core::{Auth, Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "anthropic",
    name: "Anthropic",
    base_url: "https://api.anthropic.com",
    auth: Auth::Header("x-api-key"),
    dialect: "anthropic-messages",
    key_variables: &["ANTHROPIC_API_KEY"],
    token_variables: &["ANTHROPIC_AUTH_TOKEN"],
    url_variables: &["ANTHROPIC_BASE_URL"],
    list_headers: &["anthropic-beta"],
    bare_names: &["claude-"],
    quirks: Quirks {
        json_schema: Support::Except(BEFORE_SCHEMAS),
        adaptive_thinking: Support::Except(BEFORE_ADAPTIVE_THINKING),
        forced_tool: Support::Except(NEVER_FORCED),
        ..Quirks::DEFAULT
    },
    ..Provider::DEFAULT
};

/// Models before 4.5, which have no structured outputs ("Structured outputs", supported models).
const BEFORE_SCHEMAS: &[&str] = &[
    "claude-instant",
    "claude-2",
    "claude-3",
    "claude-4-",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2",
];

/// Models before 4.6, which take a budget of tokens instead ("Effort" and "Adaptive thinking", supported
/// models).
const BEFORE_ADAPTIVE_THINKING: &[&str] = &[
    "claude-instant",
    "claude-2",
    "claude-3",
    "claude-4-",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2",
    "claude-sonnet-4-5",
    "claude-haiku-4",
];

/// Models that always think, and answer 400 to a tool that must be called ("What's new in Claude Opus 5.5",
/// "What's new in Claude Sonnet 5.5").
const NEVER_FORCED: &[&str] = &["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"];
