//! A loaded model, in this process or in one of its own.

use std::path::Path;

use antiphon_core::{EventStream, Request, Result};
use antiphon_engine::{Engine, EngineOptions, ModelInfo, Stats};

use super::LocalModel;
use super::apart::Apart;
use crate::config;

/// A loaded model. Clones are the same one.
#[derive(Clone)]
pub(crate) enum Loaded {
    Here(Engine),
    Apart(Apart),
}

impl Loaded {
    /// Loads a model. Blocks until it is ready.
    pub(crate) fn load(model: &LocalModel, options: &EngineOptions, is_apart: bool) -> Result<Self> {
        let options = model.own(options);
        if is_apart {
            return Apart::load(model, options).map(Self::Apart);
        }
        load_here(model.path.as_deref(), &model.name, &options).map(Self::Here)
    }

    pub(crate) fn info(&self) -> &ModelInfo {
        match self {
            Self::Here(engine) => engine.info(),
            Self::Apart(process) => process.info(),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        match self {
            Self::Here(engine) => engine.stats(),
            Self::Apart(process) => process.stats(),
        }
    }

    /// How many handles and streams use it, this one among them.
    pub(crate) fn users(&self) -> usize {
        match self {
            Self::Here(engine) => engine.users(),
            Self::Apart(process) => process.users(),
        }
    }

    /// Whether it answers nobody any more.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Here(_) => false,
            Self::Apart(process) => process.is_gone(),
        }
    }

    pub(crate) fn call_for(&self, client: Option<&str>, request: Request) -> EventStream {
        match self {
            Self::Here(engine) => engine.call_for(client, request),
            Self::Apart(process) => process.call_for(client, &request),
        }
    }

    pub(crate) fn count_tokens(&self, request: &Request) -> Result<u64> {
        match self {
            Self::Here(engine) => engine.count_tokens(request),
            Self::Apart(process) => process.count_tokens(request),
        }
    }

    pub(crate) fn tokenize(&self, text: &str) -> Result<Vec<u32>> {
        match self {
            Self::Here(engine) => Ok(engine.tokenize(text)),
            Self::Apart(process) => process.tokenize(text),
        }
    }

    pub(crate) fn detokenize(&self, tokens: &[u32]) -> Result<String> {
        match self {
            Self::Here(engine) => Ok(engine.detokenize(tokens)),
            Self::Apart(process) => process.detokenize(tokens),
        }
    }
}

/// Loads a model in this process; without a file it is the built-in one.
pub(super) fn load_here(path: Option<&Path>, name: &str, options: &EngineOptions) -> Result<Engine> {
    match path {
        Some(path) => Engine::load(path, name, options),
        None => Engine::builtin_as(name, config::cache_dir().as_deref(), options),
    }
}
