//! Models that run in this process: `local/chorister`, `local/NAME`, `local/path/to/file.gguf`,
//! `local/ORG/REPO[:WHICH]`. A name is the file of the user's own models, else the zoo's.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use antiphon_core::{Error, Kind, Result};
use antiphon_engine::{Engine, EngineOptions};
use tokio::sync::OnceCell;

use crate::config::{self, Config};
use crate::names::nearest;
use crate::zoo::{self, Wanted};

pub use antiphon_engine::{ModelInfo, SystemInfo, system_info};

/// Whether this build runs local models.
pub const ENABLED: bool = true;

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
}

/// A model that runs here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalModel {
    /// What responses call it.
    pub name: String,
    /// Its file; `None` is the built-in one.
    pub path: Option<PathBuf>,
}

/// Finds the model of that name or path.
pub fn find(name: &str, config: &Config) -> Result<LocalModel> {
    if name == BUILTIN {
        return Ok(LocalModel { name: name.to_owned(), path: None });
    }
    if is_path(name) {
        let path = expand_home(name);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(LocalModel { name: stem, path: Some(path) });
    }
    match by_name(name, config) {
        Some(path) => Ok(LocalModel { name: name.to_owned(), path: Some(path) }),
        None => Err(unknown(name, config)),
    }
}

/// Whether [`find`] finds a model by that name, which is no path: what a stranger may ask for.
pub fn is_here(name: &str, config: &Config) -> bool {
    name == BUILTIN || !is_path(name) && by_name(name, config).is_some()
}

/// The names that [`find`] knows: the built-in model, the files of the models folder, and what of the zoo is here.
pub fn names(config: &Config) -> Vec<String> {
    let mut names = files(&config::models_dir(config));
    names.extend(zoo::all_here().into_iter().map(|here| here.name));
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

/// The engines of a client, each loaded once, on first use.
#[derive(Default)]
pub(crate) struct Engines {
    cells: Mutex<HashMap<Key, Arc<OnceCell<Engine>>>>,
}

/// A model loaded in another way is another engine.
type Key = (LocalModel, EngineOptions);

impl Engines {
    /// The engine of `model`; calls that come while it loads wait for the one load.
    pub(crate) async fn get(&self, model: &LocalModel, options: EngineOptions) -> Result<Engine> {
        let key = (model.clone(), options);
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            cells.entry(key.clone()).or_default().clone()
        };
        let engine = cell.get_or_try_init(|| load(key)).await?;
        Ok(engine.clone())
    }
}

/// Loading blocks, so it has a thread of its own.
async fn load((model, options): Key) -> Result<Engine> {
    let target = model.name.clone();
    tokio::task::spawn_blocking(move || match &model.path {
        Some(path) => Engine::load(path, &model.name, &options),
        None => Engine::builtin(config::cache_dir().as_deref(), &options),
    })
    .await
    .unwrap_or_else(|panic| Err(Error::new(Kind::Internal, format!("loading the model panicked: {panic}"))))
    .map_err(|error| error.target(crate::providers::LOCAL, &target))
}

/// The call's options over the configuration's.
pub(crate) fn engine_options(options: &LocalOptions, config: &Config) -> EngineOptions {
    let threads = options.threads.or(config.local.threads).map(|threads| threads as usize);
    EngineOptions {
        gpu_layers: options.gpu_layers.or(config.local.gpu_layers),
        threads,
        batch_threads: threads,
        context: options.context.or(config.local.context),
        sequences: None,
    }
}
