//! LLM Engine, of one's own: Scale's server, or `antiphon serve`. Addresses, fields and variables: the client
//! `scale-llm-engine` 0.0.0b45; which key it takes how: its `api_engine.py`, and the server's `dependencies.py`
//! (`github.com/scaleapi/llm-engine`).
//!
//! Raw prompts go to `/v1/llm/completions-sync` and `-stream`, chats to `/v2/chat/completions`, which older
//! servers lack. A server that checks no key still wants one to be sent: the client sends `root` where it has
//! none.

use antiphon_core::{Auth, Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "llm_engine",
    name: "LLM Engine",
    auth: Auth::HeaderAndBasic("x-api-key"),
    key_variables: &["SCALE_API_KEY"],
    url_variables: &["LLM_ENGINE_BASE_PATH"],
    key_optional: true,
    anonymous_key: Some("root"),
    completions: Some("llm-engine"),
    quirks: Quirks {
        chat_path: "/v2/chat/completions",
        prompt_lists: false,
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
