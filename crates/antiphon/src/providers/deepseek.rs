//! DeepSeek. Address and fields: api-docs.deepseek.com, "Create Chat Completion" (2026).
//!
//! Raw prompts: only under `/beta`, to fill in code; here a chat answers. It has no embeddings.

use antiphon_core::{Provider, Quirks, Support};

pub(super) const PROVIDER: Provider = Provider {
    id: "deepseek",
    name: "DeepSeek",
    base_url: "https://api.deepseek.com",
    key_variables: &["DEEPSEEK_API_KEY"],
    url_variables: &["DEEPSEEK_API_BASE"],
    quirks: Quirks {
        // "This response_format type is unavailable now": llm-exe/llm-exe issue 662 (2026-07).
        json_schema: Support::None,
        // "Thinking mode does not support this tool_choice", and V4 thinks unless told otherwise:
        // deepseek-ai/DeepSeek-V3 issue 1376 (2026-05).
        forced_tool: Support::Models(&["deepseek-chat"]),
        ..Quirks::COMPATIBLE
    },
    ..Provider::DEFAULT
};
