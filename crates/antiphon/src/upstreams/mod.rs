//! Several servers behind one name: the `[upstreams]` table of `config.toml`.
//!
//! ```toml
//! [upstreams."llama-3-8b"]             # a name that is asked for as a model is, as aliases are
//! affinity = "prefix"                  # what stays on its server: "prefix", "user" or "none", the default
//! health = "/health"                   # a path of each server that has a base_url
//! wait_seconds = 300                   # how long a request waits while no server is ready; 0, the default: not
//! queue = 100                          # how many may wait; those beyond are refused with Retry-After
//!
//! [[upstreams."llama-3-8b".servers]]
//! model = "vllm/meta-llama/Meta-Llama-3-8B-Instruct"
//! base_url = "http://10.0.0.7:8000/v1"
//! weight = 2                           # twice the share of one with 1, the default
//! name = "a100"                        # what errors and metrics say; without it, the model
//! key_variable = "VLLM_KEY"            # or api_key; without both, the provider's
//!
//! [[upstreams."llama-3-8b".servers]]
//! model = "openai/gpt-4o-mini"
//! weight = 0                           # only where no other server answers
//! ```
//!
//! What is known of the servers (`pool`) is the client's, and outlives a reload that leaves the table as it was.
//! How a call goes through them stands in `policy::upstream`.

mod affinity;
mod health;
mod pool;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::{Error, Kind, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub(crate) use self::health::run as probe;
pub(crate) use self::pool::{Among, Fault, Lease, Pool, Waiting};
pub use self::pool::{ServerStatus, UpstreamStatus};
use crate::aliases;
use crate::base_url::BaseUrl;
use crate::config::Config;
use crate::names::nearest;
use crate::prepare::endpoint;
use crate::providers;

/// Upstreams by the names that are asked for.
pub type UpstreamTable = BTreeMap<String, UpstreamConfig>;

/// More than this is no balance but a mistake.
const MAX_WEIGHT: u32 = 10_000;

/// An `[upstreams.NAME]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// What stays on its server.
    #[serde(default)]
    pub affinity: Affinity,
    /// How many requests may wait while no server is ready.
    #[serde(default = "default_queue")]
    pub queue: u32,
    /// How long each of them may wait.
    #[serde(default)]
    pub wait_seconds: u32,
    /// The path that says whether a server is ready; without it, only answers say so.
    pub health: Option<String>,
    /// Who answers.
    #[serde(default)]
    pub servers: Vec<ServerConfig>,
}

/// What stays on its server, whose cache of prefixes then is of use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Affinity {
    /// Nothing.
    #[default]
    None,
    /// Whoever asks: `session_id`, or the request's `user`.
    User,
    /// A conversation: what it begins with.
    Prefix,
}

/// A `[[upstreams.NAME.servers]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// The model, as it would be asked for without the upstream.
    pub model: String,
    /// Where it is, if not where its provider is.
    pub base_url: Option<BaseUrl>,
    /// Its key, if not its provider's.
    pub api_key: Option<SecretString>,
    /// The environment variable of its key, likewise.
    pub key_variable: Option<String>,
    /// Its share; 0 is asked only where no other answers.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// What errors and metrics call it.
    pub name: Option<String>,
}

fn default_queue() -> u32 {
    100
}

fn default_weight() -> u32 {
    1
}

impl UpstreamConfig {
    /// How long a request may wait for a server.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_seconds.into())
    }

    /// What each server is called: by its own name, else by its model, with a number where it is not the only
    /// one.
    pub fn server_names(&self) -> Vec<String> {
        let alike = |model: &str| self.servers.iter().filter(|server| server.model == model).count();
        let name = |(place, server): (usize, &ServerConfig)| match &server.name {
            Some(name) => name.clone(),
            None if alike(&server.model) > 1 => format!("{}#{}", server.model, place + 1),
            None => server.model.clone(),
        };
        self.servers.iter().enumerate().map(name).collect()
    }
}

/// What there is to know of it, without a secret.
impl fmt::Display for UpstreamConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (server, name)) in self.servers.iter().zip(self.server_names()).enumerate() {
            f.write_str(if place == 0 { "" } else { ", " })?;
            let model = if name == server.model { String::new() } else { format!("{}, ", server.model) };
            let url = server.base_url.as_ref().map(|url| format!("{}, ", url.shown())).unwrap_or_default();
            match server.weight {
                0 => write!(f, "{name} ({model}{url}last resort)")?,
                weight => write!(f, "{name} ({model}{url}weight {weight})")?,
            }
        }
        match self.wait_seconds {
            0 => Ok(()),
            wait => write!(f, "; up to {} requests wait up to {wait} s", self.queue),
        }
    }
}

impl PartialEq for ServerConfig {
    fn eq(&self, other: &Self) -> bool {
        let key = |server: &Self| server.api_key.as_ref().map(|key| key.expose_secret().to_owned());
        (&self.model, &self.base_url, &self.key_variable, self.weight, &self.name)
            == (&other.model, &other.base_url, &other.key_variable, other.weight, &other.name)
            && key(self) == key(other)
    }
}

impl PartialEq for UpstreamConfig {
    fn eq(&self, other: &Self) -> bool {
        (self.affinity, self.queue, self.wait_seconds, &self.health, &self.servers)
            == (other.affinity, other.queue, other.wait_seconds, &other.health, &other.servers)
    }
}

/// Refuses tables that no call could go by.
pub fn check(config: &Config) -> Result<()> {
    config.upstreams.iter().try_for_each(|(name, upstream)| check_one(config, name, upstream))
}

fn check_one(config: &Config, name: &str, upstream: &UpstreamConfig) -> Result<()> {
    aliases::check_name(name).map_err(|error| wrong(name, "", error.message()))?;
    if config.aliases.contains_key(name) {
        return Err(wrong(name, "", "is an alias, too: one of them can have the name"));
    }
    if upstream.servers.is_empty() {
        let hint = format!("add [[upstreams.{name:?}.servers]] with model = \"provider/model\"");
        return Err(wrong(name, "servers", "there is none").hint(hint));
    }
    if upstream.queue == 0 {
        return Err(wrong(name, "queue", "must be at least 1; wait_seconds = 0 lets nothing wait"));
    }
    if let Some(path) = upstream.health.as_ref().filter(|path| !path.starts_with('/')) {
        return Err(wrong(name, "health", &format!("is {path:?}; it must be a path, as in \"/health\"")));
    }
    let names = upstream.server_names();
    for (place, server) in upstream.servers.iter().enumerate() {
        check_server(config, server).map_err(|error| {
            let field = format!("servers[{place}].{}", error.field().unwrap_or_default());
            let wrong = wrong(name, &field, error.message());
            error.advice().map(str::to_owned).into_iter().fold(wrong, Error::hint)
        })?;
        if names[..place].contains(&names[place]) {
            let message = format!("another server is called {:?}, too", names[place]);
            return Err(wrong(name, &format!("servers[{place}].name"), &message));
        }
    }
    Ok(())
}

fn check_server(config: &Config, server: &ServerConfig) -> Result<()> {
    let wrong = |field: &str, message: String| Error::new(Kind::Config, message).param(field);
    let model = aliases::target(&config.aliases, &server.model)?;
    if model.is_empty() {
        return Err(wrong("model", "is empty".to_owned()));
    }
    if config.upstreams.contains_key(model) {
        return Err(wrong("model", format!("{model:?} is an upstream itself, and they do not nest")));
    }
    if let Some(url) = &server.base_url {
        let parsed = endpoint(url, "/chat/completions", &[]);
        parsed.map_err(|error| {
            let why = error.message().trim_start_matches("base_url: ").to_owned();
            error.advice().map(str::to_owned).into_iter().fold(wrong("base_url", why), Error::hint)
        })?;
    }
    if server.weight > MAX_WEIGHT {
        return Err(wrong("weight", format!("must be at most {MAX_WEIGHT}")));
    }
    if server.api_key.is_some() && server.key_variable.is_some() {
        return Err(wrong("key_variable", "there is an api_key, too, and only one can be sent".to_owned()));
    }
    match model.split_once('/') {
        // At an address of its own a model may have any name.
        _ if server.base_url.is_some() => Ok(()),
        Some((id, rest)) => {
            if providers::ids().any(|known| known == id) || config.providers.contains_key(id) {
                return Ok(());
            }
            let error = wrong("model", format!("there is no provider {id:?}"));
            let mut known: Vec<&str> = providers::ids().collect();
            known.extend(config.providers.keys().map(String::as_str));
            Err(match nearest(id, known) {
                Some(near) => error.hint(format!("did you mean \"{near}/{rest}\"?")),
                None => error.hint("a server of one's own needs a base_url"),
            })
        }
        None if providers::of_bare_name(model).is_some() => Ok(()),
        None => {
            let error = wrong("model", format!("{model:?} is not known without its provider"));
            Err(error.hint(format!("write provider/model, as in \"vllm/{model}\", and its base_url")))
        }
    }
}

fn wrong(name: &str, field: &str, message: &str) -> Error {
    let path = match field {
        "" => format!("upstreams.{name:?}"),
        field => format!("upstreams.{name:?}.{field}"),
    };
    Error::new(Kind::Config, format!("{path}: {message}")).param(path)
}

/// The upstreams of a client.
#[derive(Default)]
pub(crate) struct Upstreams(HashMap<String, Arc<Pool>>);

impl Upstreams {
    /// Those of the table; what `old` knows of one whose table is the same is kept.
    pub(crate) fn new(config: &Config, old: Option<&Upstreams>) -> Self {
        let pool = |(name, table): (&String, &UpstreamConfig)| {
            let kept = old.and_then(|old| old.0.get(name)).filter(|pool| pool.config == *table);
            let pool = kept.cloned().unwrap_or_else(|| Arc::new(Pool::new(name, table.clone())));
            (name.clone(), pool)
        };
        Self(config.upstreams.iter().map(pool).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Pool>> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<&Arc<Pool>> {
        let mut all: Vec<_> = self.0.values().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<Config> {
        Config::parse(Path::new("config.toml"), text)
    }

    const SERVER: &str = "[[upstreams.a.servers]]\nmodel = \"vllm/m\"\n";

    #[test]
    fn wrong_tables_say_what_to_do() {
        for (text, expected) in [
            ("[upstreams.a]\n", "upstreams.\"a\".servers: there is none"),
            ("[upstreams.a]\nafinity = \"none\"\n", "did you mean `affinity`?"),
            ("[upstreams.a]\naffinity = \"session\"\n", "unknown variant `session`"),
            ("[upstreams.a]\nqueue = 0\nSERVER", "queue: must be at least 1"),
            ("[upstreams.a]\nhealth = \"health\"\nSERVER", "health: is \"health\"; it must be a path"),
            ("[aliases]\na = \"openai/x\"\nSERVER", "is an alias, too"),
            ("[upstreams.\"a b\"]\n", "holds ' '"),
            ("[[upstreams.a.servers]]\nmodel = \"vlm/m\"\n", "did you mean \"vllm/m\"?"),
            ("[[upstreams.a.servers]]\nmodel = \"a\"\n", "they do not nest"),
            ("[[upstreams.a.servers]]\nmodel = \"m\"\n", "is not known without its provider"),
            ("[[upstreams.a.servers]]\nmodle = \"m\"\n", "did you mean `model`?"),
            ("SERVERbase_url = \"10.0.0.7:8000\"\n", "servers[0].base_url: "),
            ("SERVERweight = 10001\n", "servers[0].weight: must be at most"),
            (
                "SERVERname = \"x\"\nSERVERname = \"x\"\n",
                "servers[1].name: another server is called \"x\", too",
            ),
            ("SERVERapi_key = \"canary\"\nkey_variable = \"B\"\n", "only one can be sent"),
        ] {
            let error = read(&text.replace("SERVER", SERVER)).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            let shown = error.to_string();
            assert!(shown.contains(expected), "{shown:?} has no {expected:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn servers_are_told_apart() {
        let config = read(&format!(
            "{SERVER}base_url = \"http://a:1/v1\"\n{SERVER}base_url = \"http://b:1/v1\"\n\
             [[upstreams.a.servers]]\nmodel = \"openai/gpt-4o-mini\"\n{SERVER}name = \"x\"\n"
        ));
        let names = config.unwrap().upstreams["a"].server_names();
        assert_eq!(names, ["vllm/m#1", "vllm/m#2", "openai/gpt-4o-mini", "x"]);
    }

    #[test]
    fn what_is_known_outlives_a_reload_that_changes_nothing() {
        let text = |weight: u32| {
            format!(
                "{SERVER}weight = {weight}\napi_key = \"k\"\n[[upstreams.b.servers]]\nmodel = \"openai/m\"\n"
            )
        };
        let old = Upstreams::new(&read(&text(1)).unwrap(), None);
        let same = |new: &Upstreams, name| Arc::ptr_eq(new.get(name).unwrap(), old.get(name).unwrap());
        let new = Upstreams::new(&read(&text(1)).unwrap(), Some(&old));
        assert!(same(&new, "a") && same(&new, "b"));
        let new = Upstreams::new(&read(&text(2)).unwrap(), Some(&old));
        assert!(!same(&new, "a") && same(&new, "b"));
    }
}
