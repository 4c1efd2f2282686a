//! One file a provider, one line here to register it.
//!
//! To add one: write `providers/NAME.rs` with a `pub const PROVIDER`, add `NAME` to the list below.

use antiphon_core::Provider;

macro_rules! providers {
    ($($module:ident),+ $(,)?) => {
        $(mod $module;)+

        /// Every provider that is called over HTTP, by id.
        pub static PROVIDERS: &[Provider] = &[$($module::PROVIDER),+];
    };
}

providers! {
    anthropic,
    cerebras,
    cohere,
    custom_openai,
    dashscope,
    deepinfra,
    deepseek,
    fireworks_ai,
    github,
    groq,
    hosted_vllm,
    huggingface,
    llamafile,
    llm_engine,
    lm_studio,
    minimax,
    mistral,
    moonshot,
    nebius,
    nvidia_nim,
    openai,
    openrouter,
    perplexity,
    sambanova,
    sglang,
    tgi,
    together_ai,
    vllm,
    xai,
    zai,
}

/// Id of the provider that runs models in this process.
pub const LOCAL: &str = "local";

/// The provider of that id.
pub fn by_id(id: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.id == id)
}

/// Every provider's id, `local` included.
pub fn ids() -> impl Iterator<Item = &'static str> {
    std::iter::once(LOCAL).chain(PROVIDERS.iter().map(|provider| provider.id))
}

/// The provider that a bare model name belongs to.
pub fn of_bare_name(model: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.bare_names.iter().any(|name| model.starts_with(name)))
}

/// The providers whose models have bare names.
pub(crate) fn with_bare_names() -> impl Iterator<Item = &'static Provider> {
    PROVIDERS.iter().filter(|provider| !provider.bare_names.is_empty())
}
