//! OpenRouter. Address, errors and comments in streams: openrouter.ai/docs, "Errors and Debugging" and
//! "Streaming" (2026). It passes on what the model's own provider takes, and leaves out the rest.
//!
//! Raw prompts (one at a time) and embeddings: openrouter.ai/docs/api-reference, "Completion" and
//! "Embeddings".

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "openrouter",
    name: "OpenRouter",
    base_url: "https://openrouter.ai/api/v1",
    key_variables: &["OPENROUTER_API_KEY"],
    url_variables: &["OPENROUTER_API_BASE"],
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks {
        // Its own name for it, by which it finds the provider's: the profile of pydantic-ai (2026-08).
        reasoning_field: Some("reasoning"),
        prompt_lists: false,
        // openrouter.ai/docs, "Usage Accounting" (2026): every answer's usage has it, in credits of a dollar.
        reports_cost: true,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
