//! SGLang, of one's own. Address: docs.sglang.ai, "OpenAI APIs"; fields: `entrypoints/openai/protocol.py` in
//! `github.com/sgl-project/sglang`.

use antiphon_core::{Guided, Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "sglang",
    name: "SGLang",
    base_url: "http://localhost:30000/v1",
    key_variables: &["SGLANG_API_KEY"],
    key_optional: true,
    completions: Some("openai-completions"),
    embeddings: Some("openai-embeddings"),
    quirks: Quirks {
        guided: Guided::Sglang,
        renamed: &[("include_stop_str_in_output", "no_stop_trim")],
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
