//! MiniMax. Address, key and errors: platform.minimax.io/docs, "OpenAI compatible" and "Error Codes" (2026).
//! Outside China; for China set the URL. Errors may come with status 200, in `base_resp`.
//!
//! Its embeddings have a form of their own (`texts`, `type`), which is not spoken here; raw prompts it has
//! none.

use antiphon_core::{Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "minimax",
    name: "MiniMax",
    base_url: "https://api.minimax.io/v1",
    key_variables: &["MINIMAX_API_KEY"],
    url_variables: &["MINIMAX_API_BASE"],
    quirks: Quirks {
        // M2 and later ignore `response_format` without a word: MiniMax-AI/MiniMax-M2.5 issue 4 (2026-02).
        json_schema: Support::Models(&["MiniMax-Text-01"]),
        json_object: false,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
