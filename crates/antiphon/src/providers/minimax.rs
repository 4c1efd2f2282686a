//! MiniMax. Keys and address: its API reference.

use antiphon_core::{Provider, Quirks};

pub(super) const PROVIDER: Provider = Provider {
    id: "minimax",
    name: "MiniMax",
    base_url: "https://api.minimax.io/v1",
    key_variables: &["MINIMAX_API_KEY"],
    url_variables: &["MINIMAX_API_BASE"],
    quirks: Quirks::COMPATIBLE,
    ..Provider::DEFAULT
};
