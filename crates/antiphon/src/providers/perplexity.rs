//! Perplexity. Address, keys and fields: its SDK `perplexityai` 0.38.0 (2026-06).
//!
//! Its vectors are base64 of signed bytes (docs.perplexity.ai, "Embeddings"), which is not spoken here; raw
//! prompts it has none.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "perplexity",
    name: "Perplexity",
    base_url: "https://api.perplexity.ai",
    key_variables: &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"],
    url_variables: &["PERPLEXITY_API_BASE", "PERPLEXITY_BASE_URL"],
    quirks: Quirks {
        // `response_format` is `text`, `json_schema` or `regex`; 567-labs/instructor issue 1005 shows the
        // 400.
        json_object: false,
        // The SDK's `UsageInfo.cost`.
        reports_cost: true,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
