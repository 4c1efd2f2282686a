//! Models that run in this process: `local/chorister`, `local/NAME`, `local/path/to/file.gguf`,
//! `local/ORG/REPO[:WHICH]`. A name is the file of the user's own models, else the zoo's.

mod adapters;
mod apart;
mod drafts;
mod engines;
mod memory;
mod model;

use std::path::{Path, PathBuf};
use std::time::Duration;

use antiphon_core::{Error, Kind, Result};
use antiphon_engine::EngineOptions;

use crate::config::{self, Config};
use crate::names::nearest;
use crate::zoo::{self, Wanted};

pub use self::apart::{ENGINE_PROCESS, run_engine_process, set_engine_command};
pub use antiphon_engine::{Adapter, ModelInfo, Scale, Stats, SystemInfo, system_info};
pub(crate) use engines::{Engines, Room};
pub use memory::Size;
pub(crate) use model::Loaded;

/// How long a call waits for room in memory, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Whether this build runs local models.
pub const ENABLED: bool = true;

/// The code of the error of a model that takes more memory than models may have: it says both, and nothing else.
pub const TOO_LARGE: &str = "insufficient_memory";

/// The built-in model's name.
pub const BUILTIN: &str = "chorister";

/// How a local model is loaded. What is `None` is left to the configuration, then to the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct LocalOptions {
    /// Layers to put on the GPU.
    pub gpu_layers: Option<u32>,
    /// Threads to run on.
    pub threads: Option<u32>,
    /// Tokens of context.
    pub context: Option<u32>,
    /// The local model that guesses how the answer goes on.
    pub draft: Option<String>,
}

/// A model that runs here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalModel {
    /// What responses call it.
    pub name: String,
    /// Its file; `None` is the built-in one.
    pub path: Option<PathBuf>,
    /// What its weights are changed by.
    pub adapter: Option<Adapter>,
    /// The file of the small model that guesses how its answers go on.
    pub draft: Option<PathBuf>,
}

impl LocalModel {
    fn new(name: impl Into<String>, path: Option<PathBuf>) -> Self {
        Self { name: name.into(), path, adapter: None, draft: None }
    }

    /// With the draft that a call names for it, in place of the configuration's.
    pub(crate) fn with_draft(self, options: &LocalOptions, config: &Config) -> Result<Self> {
        let Some(name) = &options.draft else { return Ok(self) };
        Ok(Self { draft: Some(drafts::file(name, config)?), ..self })
    }

    /// How it is loaded: `options`, with what is its own.
    fn own(&self, options: &EngineOptions) -> EngineOptions {
        EngineOptions { adapter: self.adapter.clone(), draft: self.draft.clone(), ..options.clone() }
    }
}

/// Finds the model of that name or path.
pub fn find(name: &str, config: &Config) -> Result<LocalModel> {
    let model = match config.local.adapters.get(name) {
        Some(adapted) => adapters::find(name, adapted, config)?,
        None => plain(name, config)?,
    };
    match drafts::of(name, config)? {
        None => Ok(model),
        draft => Ok(LocalModel { draft, ..model }),
    }
}

/// Finds a model that is no adapter.
fn plain(name: &str, config: &Config) -> Result<LocalModel> {
    if name == BUILTIN {
        return Ok(LocalModel::new(name, None));
    }
    if is_path(name) {
        let path = expand_home(name);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(LocalModel::new(stem, Some(path)));
    }
    match by_name(name, config) {
        Some(path) => Ok(LocalModel::new(name, Some(path))),
        None => Err(unknown(name, config)),
    }
}

/// Whether [`find`] finds a model by that name, which is no path: what a stranger may ask for.
pub fn is_here(name: &str, config: &Config) -> bool {
    name == BUILTIN
        || config.local.adapters.contains_key(name)
        || !is_path(name) && by_name(name, config).is_some()
}

/// The names that [`find`] knows: the built-in model, the files of the models folder, what of the zoo is here, and the
/// adapters.
pub fn names(config: &Config) -> Vec<String> {
    let mut names = files(&config::models_dir(config));
    names.extend(zoo::all_here().into_iter().map(|here| here.name));
    names.extend(config.local.adapters.keys().cloned());
    names.retain(|name| name != BUILTIN);
    names.sort();
    names.dedup();
    names.insert(0, BUILTIN.to_owned());
    names
}

/// A file of the user's own models, else weights of the zoo.
fn by_name(name: &str, config: &Config) -> Option<PathBuf> {
    if name.contains(['/', '\\', ':']) {
        return zoo::here(name);
    }
    let path = config::models_dir(config).join(format!("{name}.gguf"));
    if path.is_file() { Some(path) } else { zoo::here(name) }
}

/// Whether it names a file, rather than a repository or a model.
fn is_path(name: &str) -> bool {
    let is_suffixed = has_gguf_suffix(Path::new(name));
    if name.contains('\\') || name.starts_with(['/', '.', '~']) || is_suffixed && !name.contains(':') {
        return true;
    }
    name.contains('/') && (Wanted::parse(name).is_err() || Path::new(name).is_file())
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| has_gguf_suffix(path))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

fn has_gguf_suffix(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("gguf"))
}

fn expand_home(name: &str) -> PathBuf {
    match (name.strip_prefix("~/"), etcetera::home_dir()) {
        (Some(rest), Ok(home)) => home.join(rest),
        _ => PathBuf::from(name),
    }
}

fn unknown(name: &str, config: &Config) -> Error {
    if let Ok(wanted) = Wanted::parse(name) {
        return zoo::missing(&wanted);
    }
    let mut known = names(config);
    known.extend(zoo::models().iter().map(|model| model.name.to_owned()));
    let error = Error::new(Kind::NotFound, format!("model: there is no local model {name:?}")).param("model");
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean model=\"local/{near}\"?")),
        None => error.hint(format!(
            "put {name}.gguf into {}, give a path (local/path/to/file.gguf), or choose of `antiphon zoo list`",
            config::models_dir(config).display()
        )),
    }
}

/// The call's options over the configuration's.
pub(crate) fn engine_options(options: &LocalOptions, config: &Config) -> EngineOptions {
    let threads = options.threads.or(config.local.threads).map(|threads| threads as usize);
    EngineOptions {
        gpu_layers: options.gpu_layers.or(config.local.gpu_layers),
        threads,
        batch_threads: threads,
        context: options.context.or(config.local.context),
        sequences: config.local.sequences,
        cache_tokens: config.local.cache_tokens,
        prefix_cache: config.local.prefix_cache,
        max_waiting: config.local.max_waiting,
        adapter: None,
        draft: None,
    }
}

/// How much room local models have, and how long a call that may take `timeout` waits for it.
pub(crate) fn room(config: &Config, timeout: Option<Duration>) -> Room {
    // Before the call's own deadline, so that what it waited for is said.
    let patience = timeout.map_or(LONGEST_WAIT, |timeout| (timeout * 3 / 4).min(LONGEST_WAIT));
    Room { budget: config.local.memory.unwrap_or_else(Size::of_machine), patience }
}

/// What is wrong with the configuration is not for those who ask for the model.
fn of_config(place: &str, error: &Error) -> Error {
    let wrong = Error::new(Kind::Config, format!("local.{place}: {}", error.message()));
    match error.advice() {
        Some(advice) => wrong.hint(advice),
        None => wrong,
    }
}
