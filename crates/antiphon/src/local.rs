//! Models that run in this process: `local/chorister`, `local/NAME`, `local/path/to/file.gguf`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use antiphon_core::{Error, Kind, Result};
use antiphon_engine::{Engine, EngineOptions};
use tokio::sync::OnceCell;

use crate::config::{self, Config};
use crate::names::nearest;

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
    if name.contains(['/', '\\']) || has_gguf_suffix(Path::new(name)) {
        let path = expand_home(name);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(LocalModel { name: stem, path: Some(path) });
    }
    let path = config::models_dir(config).join(format!("{name}.gguf"));
    if path.is_file() {
        return Ok(LocalModel { name: name.to_owned(), path: Some(path) });
    }
    Err(unknown(name, config))
}

/// The names that [`find`] knows: the built-in model and the files of the models folder.
pub fn names(config: &Config) -> Vec<String> {
    let mut names = files(&config::models_dir(config));
    names.retain(|name| name != BUILTIN);
    names.sort();
    names.insert(0, BUILTIN.to_owned());
    names
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
    let known = names(config);
    let error = Error::new(Kind::NotFound, format!("model: there is no local model {name:?}")).param("model");
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean model=\"local/{near}\"?")),
        None => error.hint(format!(
            "put {name}.gguf into {}, or give a path: local/path/to/file.gguf",
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
