//! Providers that no row stands for: those of `config.toml`, and any address given with a call.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use antiphon_core::dialects;
use antiphon_core::{Auth, Error, Kind, Operation, Provider, Quirks, Result};

use crate::config::{Config, ProviderConfig};
use crate::providers;

/// Id of the row that stands for any OpenAI-like server, wherever it is.
const ANYWHERE: &str = "custom_openai";

/// The provider of a call that names an address and no provider.
pub(crate) fn anywhere() -> Option<&'static Provider> {
    providers::by_id(ANYWHERE)
}

/// The providers of every table that is sound.
pub(crate) fn of_config(config: &Config) -> HashMap<String, &'static Provider> {
    let sound = config.providers.iter().filter_map(|(id, table)| Some((id.clone(), of(id, table).ok()?)));
    sound.collect()
}

/// The provider of that id, as its table of `config.toml` has it.
pub(crate) fn of(id: &str, table: &ProviderConfig) -> Result<&'static Provider> {
    match providers::by_id(id) {
        Some(known) => Ok(adjusted(known, table)),
        None => configured(id, table),
    }
}

/// The provider that a table of `config.toml` describes: its address, and if it is not OpenAI's, its dialect.
pub(crate) fn configured(id: &str, config: &ProviderConfig) -> Result<&'static Provider> {
    let Some(base_url) = &config.base_url else {
        let message = format!("config.toml: providers.{id} is not known and has no base_url");
        return Err(Error::new(Kind::Config, message));
    };
    let dialect = config.dialect.as_deref().unwrap_or(Provider::DEFAULT.dialect);
    let chats = || dialects::DIALECTS.iter().filter(|row| row.operation == Operation::Chat).map(|row| row.id);
    if !chats().any(|id| id == dialect) {
        let known = chats().collect::<Vec<_>>().join(", ");
        let message =
            format!("config.toml: providers.{id}.dialect is {dialect:?}; it must be one of {known}");
        return Err(Error::new(Kind::Config, message));
    }
    Ok(kept(Table {
        id: id.to_owned(),
        base_url: base_url.to_string(),
        dialect: dialect.to_owned(),
        key_variable: config.key_variable.clone(),
        h2: config.h2.unwrap_or_default(),
    }))
}

/// One of antiphon's own providers, as its table of `config.toml` has it.
fn adjusted(known: &'static Provider, config: &ProviderConfig) -> &'static Provider {
    static ADJUSTED: OnceLock<Mutex<HashMap<&'static str, &'static Provider>>> = OnceLock::new();
    if config.h2.is_none_or(|h2| h2 == known.quirks.h2) {
        return known;
    }
    let mut adjusted = ADJUSTED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    adjusted.entry(known.id).or_insert_with(|| {
        let quirks = Quirks { h2: !known.quirks.h2, ..known.quirks };
        Box::leak(Box::new(Provider { quirks, ..known.clone() }))
    })
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Table {
    id: String,
    base_url: String,
    dialect: String,
    key_variable: Option<String>,
    h2: bool,
}

/// The id of a provider that answered a call of this process.
pub(crate) fn id(id: &str) -> Option<&'static str> {
    let known = providers::ids().find(|known| *known == id);
    known.or_else(|| tables().values().map(|provider| provider.id).find(|known| *known == id))
}

/// Rows are constants everywhere else, so each table that was ever read is kept for the life of the process:
/// there are as many as a configuration has.
fn tables() -> MutexGuard<'static, HashMap<Table, &'static Provider>> {
    static TABLES: OnceLock<Mutex<HashMap<Table, &'static Provider>>> = OnceLock::new();
    TABLES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn kept(table: Table) -> &'static Provider {
    tables().entry(table.clone()).or_insert_with(|| {
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let id = leak(table.id);
        // Its other endpoints are where OpenAI's are.
        let openai = table.dialect == Provider::DEFAULT.dialect;
        Box::leak(Box::new(Provider {
            id,
            name: id,
            base_url: leak(table.base_url),
            dialect: leak(table.dialect.clone()),
            auth: if openai { Auth::Bearer } else { Auth::Header("x-api-key") },
            key_variables: Box::leak(table.key_variable.into_iter().map(leak).collect()),
            key_optional: true,
            completions: openai.then_some("openai-completions"),
            embeddings: openai.then_some("openai-embeddings"),
            rerank: openai.then_some("rerank"),
            quirks: Quirks { h2: table.h2, ..Quirks::COMPATIBLE },
            ..Provider::DEFAULT
        }))
    })
}
