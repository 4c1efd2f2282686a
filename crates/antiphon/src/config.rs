//! The user's settings: `config.toml` in the configuration folder. Every field is optional.
//!
//! ```toml
//! model = "local/chorister"            # of a call that names none
//! call_log = "/var/log/calls.jsonl"    # one line for each call; ANTIPHON_CALL_LOG_PATH goes first
//!
//! [aliases]                            # see [`crate::aliases`]
//! fast = "openai/gpt-4o-mini"
//!
//! [upstreams."llama-3-8b"]             # several servers behind one name; see [`crate::upstreams`]
//!
//! [local]
//! models_dir = "/srv/models"           # where local/NAME looks for NAME.gguf
//! threads = 4
//! gpu_layers = 0
//! memory = "8GB"                       # of all models together; without it, three quarters of the machine's
//! max_waiting = 512                    # requests of a model; further ones are refused
//! own_process = ["NAME"]               # models whose crash takes nothing with it; true: all
//!
//! [local.adapters.pirate]              # local/pirate: another model with a LoRA adapter
//! model = "local/NAME"
//! path = "/srv/adapters/pirate.gguf"
//! scale = 1.0
//!
//! [local.drafts]                       # a small model that guesses how a large one goes on
//! "NAME" = "SMALL-NAME"
//!
//! [providers.openai]
//! api_key = "…"                        # better: antiphon keys set openai
//! base_url = "http://127.0.0.1:8080/v1"
//!
//! [providers.mine]                     # a name of your own: "mine/some-model"
//! base_url = "https://models.example.com/v1"
//! key_variable = "MINE_API_KEY"
//! dialect = "openai-chat"              # or anthropic-messages; this is what is left out
//! h2 = true                            # HTTP/2 where the server offers it; of antiphon's own providers, too
//!
//! [http]
//! proxy = "http://proxy.example.com:3128"   # else HTTPS_PROXY, HTTP_PROXY and NO_PROXY
//! ca_file = "/etc/ssl/own-ca.pem"      # trusted beside the system's; SSL_CERT_FILE replaces those
//!
//! [rate_limits]                        # requests; each model has its own count
//! default = "1000/min"
//! "openai/gpt-4o-mini" = "5/s"
//!
//! [serve]                              # of `antiphon serve`, which reads it by itself
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use antiphon_core::{Error, Kind, Result};
use etcetera::BaseStrategy;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::aliases::{self, Aliases};
use crate::base_url::BaseUrl;
use crate::env_vars;
use crate::local::{Scale, Size};
use crate::names::nearest;
use crate::rate_limit::RateLimit;
use crate::transport::HttpOptions;
use crate::upstreams::{self, UpstreamTable};

/// What `config.toml` says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The model of a call that names none.
    pub model: Option<String>,
    /// Names of one's own for models.
    pub aliases: Aliases,
    /// Several servers behind one name.
    pub upstreams: UpstreamTable,
    /// What only the server understands.
    pub serve: IgnoredAny,
    /// Models that run in this process.
    pub local: LocalConfig,
    /// Keys and addresses by provider.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// The network.
    pub http: HttpConfig,
    /// Rate limits by model; that of `default` is every other model's.
    pub rate_limits: BTreeMap<String, RateLimit>,
    /// File that each call leaves a line in.
    pub call_log: Option<PathBuf>,
}

/// The `[http]` table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// A proxy for every request. It may hold a password.
    pub proxy: Option<SecretString>,
    /// A PEM file of certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// The `[local]` table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalConfig {
    /// Folder of GGUF files.
    pub models_dir: Option<PathBuf>,
    /// Threads that a model runs on.
    pub threads: Option<u32>,
    /// Layers to put on the GPU.
    pub gpu_layers: Option<u32>,
    /// Tokens of context.
    pub context: Option<u32>,
    /// Memory that all models together may take; who was not used for the longest time goes first.
    pub memory: Option<Size>,
    /// Answers of a model that are written at once.
    pub sequences: Option<u32>,
    /// Tokens that a model's cache has room for, of all requests together.
    pub cache_tokens: Option<u32>,
    /// Whether a request finds the start of its prompt where an earlier one left it.
    pub prefix_cache: Option<bool>,
    /// Requests that may wait for a model.
    pub max_waiting: Option<u32>,
    /// Models that run in a process of their own, and take nothing with them where they crash.
    pub own_process: OwnProcess,
    /// Models that are another one with a LoRA adapter, by their names.
    pub adapters: BTreeMap<String, AdapterConfig>,
    /// Models, each with a small one of the same vocabulary that guesses how its answers go on.
    pub drafts: BTreeMap<String, String>,
}

/// A `[local.adapters.NAME]` table: a model that is another one, changed by a LoRA adapter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterConfig {
    /// The local model that it was trained on.
    pub model: String,
    /// Its file, a GGUF.
    pub path: PathBuf,
    /// How strongly it works: 0 not at all, 1 (where it is not said) as it was trained.
    #[serde(default)]
    pub scale: Scale,
}

/// Which models run in a process of their own: all of them (`true`), none (`false`, as where nothing is said), or
/// those of these names.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "own_process: expected true, false, or a list of models' names")]
pub enum OwnProcess {
    /// All, or none.
    All(bool),
    /// Those of these names, as in `local/NAME`.
    Models(Vec<String>),
}

impl Default for OwnProcess {
    fn default() -> Self {
        Self::All(false)
    }
}

impl OwnProcess {
    /// Whether the model of that name does.
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Self::All(all) => *all,
            Self::Models(names) => {
                names.iter().any(|model| model.strip_prefix("local/").unwrap_or(model) == name)
            }
        }
    }
}

/// A `[providers.NAME]` table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// The key.
    pub api_key: Option<SecretString>,
    /// The address.
    pub base_url: Option<BaseUrl>,
    /// The dialect that it speaks, where no row of antiphon's own says it.
    pub dialect: Option<String>,
    /// The environment variable of its key, likewise.
    pub key_variable: Option<String>,
    /// Whether to speak HTTP/2 where the server offers it, in place of what antiphon's own row says.
    pub h2: Option<bool>,
}

impl Config {
    /// Reads `config.toml` in that folder; one that is not there is empty.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("config.toml");
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::new(Kind::Config, format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// Reads the text of the file at `path`, which only errors name.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let config: Self = parse(path, text)?;
        aliases::check(&config.aliases)?;
        upstreams::check(&config)?;
        Ok(config)
    }
}

/// Reads TOML. An unknown field is an error with a suggestion where the type of the table says so.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    // Only message and line: toml's own text shows the line itself, which may hold a key.
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        let message = format!("{}, line {line}: {}", path.display(), error.message());
        match meant(error.message()) {
            Some(field) => Error::new(Kind::Config, message).hint(format!("did you mean `{field}`?")),
            None => Error::new(Kind::Config, message),
        }
    })
}

/// The known field that an unknown one most likely means, by serde's message, which names all in backticks.
fn meant(message: &str) -> Option<&str> {
    let mut names = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    nearest(names.next()?, names)
}

impl Config {
    /// The file of the call log: the environment's, else the configuration's.
    pub(crate) fn call_log(&self) -> Option<PathBuf> {
        env_vars::read(env_vars::ANTIPHON_CALL_LOG_PATH).map(PathBuf::from).or_else(|| self.call_log.clone())
    }
}

impl HttpConfig {
    /// The network as the table says.
    pub(crate) fn options(&self) -> Result<HttpOptions> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|error| {
                Error::new(Kind::Config, format!("http.ca_file: cannot read {}: {error}", path.display()))
            })
        };
        Ok(HttpOptions { proxy: self.proxy.clone(), ca_pem: self.ca_file.as_ref().map(read).transpose()? })
    }
}

/// The configuration folder.
pub fn config_dir() -> PathBuf {
    folder(env_vars::ANTIPHON_CONFIG_DIR, "", |base| base.config_dir())
}

/// The folder of the user's own models.
pub fn models_dir(config: &Config) -> PathBuf {
    let configured = config.local.models_dir.clone();
    if let (Some(folder), None) = (configured, env_vars::read(env_vars::ANTIPHON_MODELS_DIR)) {
        return folder;
    }
    folder(env_vars::ANTIPHON_MODELS_DIR, "models", |base| base.data_dir())
}

/// The cache folder of the user; `None` where there is no home.
pub fn cache_dir() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.cache_dir().join("antiphon"))
}

fn folder(variable: &str, below: &str, place: impl Fn(&etcetera::base_strategy::Xdg) -> PathBuf) -> PathBuf {
    if let Some(path) = env_vars::read(variable) {
        return path.into();
    }
    // Where there is no home, the working folder stands in: a file that is not there is an empty one.
    let base = etcetera::base_strategy::Xdg::new().map(|base| place(&base)).unwrap_or_default();
    base.join("antiphon").join(below).components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_names_the_line_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Config::read(folder.path()).unwrap().model.is_none());
        fs::write(folder.path().join("config.toml"), "model = \"a\"\n[providers.x]\napi_key = canary\n")
            .unwrap();
        let error = Config::read(folder.path()).unwrap_err();
        assert!(error.message().contains("line 3"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
        fs::write(folder.path().join("config.toml"), "modle = \"a\"\n").unwrap();
        let error = Config::read(folder.path()).unwrap_err();
        assert!(error.message().contains("unknown field `modle`"), "{error}");
        assert_eq!(error.advice(), Some("did you mean `model`?"));
        fs::write(folder.path().join("config.toml"), "[aliases]\na = \"b\"\nb = \"a\"\n").unwrap();
        assert!(Config::read(folder.path()).unwrap_err().message().contains("back to itself"));
    }
}
