//! Text Generation Inference, of one's own, by its endpoints in OpenAI's words. Fields: `docs/openapi.json` and
//! `router/src/lib.rs` of 3.3 in `github.com/huggingface/text-generation-inference`.
//!
//! The model of a request is the name of an adapter there: `tgi/tgi` asks the model itself. What the endpoints
//! pass over in silence is refused.

use antiphon_core::{Guided, Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "tgi",
    name: "TGI",
    base_url: "http://localhost:8080/v1",
    key_variables: &["TGI_API_KEY"],
    key_optional: true,
    completions: Some("openai-completions"),
    quirks: Quirks {
        guided: Guided::Tgi,
        unsupported: &[
            "logit_bias",
            "top_k",
            "min_p",
            "guided_grammar",
            "skip_special_tokens",
            "include_stop_str_in_output",
            "ignore_eos",
            "priority",
        ],
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
