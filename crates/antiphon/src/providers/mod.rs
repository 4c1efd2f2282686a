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
    openai,
}

/// Id of the provider that runs models in this process.
pub const LOCAL: &str = "local";

/// Bare model names that are known well enough to go without their provider.
static WELL_KNOWN: &[(&str, &str)] = &[
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("claude-", "anthropic"),
];

/// The provider of that id.
pub fn by_id(id: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.id == id)
}

/// Every provider's id, `local` included.
pub fn ids() -> impl Iterator<Item = &'static str> {
    std::iter::once(LOCAL).chain(PROVIDERS.iter().map(|provider| provider.id))
}

/// The provider that a bare model name belongs to.
pub(crate) fn of_bare_name(model: &str) -> Option<&'static Provider> {
    WELL_KNOWN.iter().find(|(prefix, _)| model.starts_with(prefix)).and_then(|(_, id)| by_id(id))
}
