//! Every environment variable that antiphon reads, in one place. Providers' key variables stand in their
//! rows under [`crate::providers`].

/// The model of a call that names none (`provider/model`).
pub const ANTIPHON_MODEL: &str = "ANTIPHON_MODEL";
/// The model of embeddings that name none (`provider/model`).
pub const ANTIPHON_EMBEDDING_MODEL: &str = "ANTIPHON_EMBEDDING_MODEL";
/// Folder of `config.toml`, `keys.json` and the history of `antiphon chat`; by default `antiphon` in the
/// user's configuration folder.
pub const ANTIPHON_CONFIG_DIR: &str = "ANTIPHON_CONFIG_DIR";
/// Folder in which `local/NAME` looks for `NAME.gguf`; by default `antiphon/models` in the user's data folder.
pub const ANTIPHON_MODELS_DIR: &str = "ANTIPHON_MODELS_DIR";
/// Folder in which answers are kept; without it, and without `cache_path`, none are.
pub const ANTIPHON_CACHE_PATH: &str = "ANTIPHON_CACHE_PATH";
/// File that each call leaves a line in, without any of its text; without it, none does.
pub const ANTIPHON_CALL_LOG_PATH: &str = "ANTIPHON_CALL_LOG_PATH";
/// Log filter of the command, as in `antiphon=debug`.
pub const ANTIPHON_LOG: &str = "ANTIPHON_LOG";

/// Address of the Hugging Face hub; by default `https://huggingface.co`.
pub const HF_ENDPOINT: &str = "HF_ENDPOINT";
/// Token for the hub, for repositories that ask for one.
pub const HF_TOKEN: &str = "HF_TOKEN";
/// File of that token; by default `token` in `HF_HOME`.
pub const HF_TOKEN_PATH: &str = "HF_TOKEN_PATH";
/// Folder of the hub's clients; by default `huggingface` in the user's cache folder.
pub const HF_HOME: &str = "HF_HOME";
/// Folder of what was fetched from the hub; by default `hub` in `HF_HOME`.
pub const HF_HUB_CACHE: &str = "HF_HUB_CACHE";
/// Whether nothing is to be fetched from the hub (`1`).
pub const HF_HUB_OFFLINE: &str = "HF_HUB_OFFLINE";

/// Proxies, as curl reads them; the HTTP client reads their values itself.
const PROXIES: &[&str] =
    &["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Whether the environment names a proxy.
pub(crate) fn has_proxy() -> bool {
    PROXIES.iter().any(|name| read(name).is_some())
}

/// The value of a variable, where it is set to something.
pub fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
