//! Stands in for `local.rs` in a build without the feature `local`: every local model is a clear error.

use antiphon_core::{Error, Kind, Result};

use crate::config::Config;

/// Whether this build runs local models.
pub const ENABLED: bool = false;

/// The code of the error of a model that takes more memory than models may have.
pub const TOO_LARGE: &str = "insufficient_memory";

/// The built-in model's name.
pub const BUILTIN: &str = "chorister";

/// How a local model is loaded; of no use in this build.
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

/// A model that would run here; none can be made in this build.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LocalModel {}

/// Says that this build has no local models.
pub fn find(name: &str, _: &Config) -> Result<LocalModel> {
    Err(Error::new(Kind::NotFound, format!("model: local/{name} needs a build with local models"))
        .param("model")
        .hint("build with the default cargo features (cmake, a C++ compiler and libclang are needed)"))
}

/// None.
pub fn names(_: &Config) -> Vec<String> {
    Vec::new()
}

/// A size of memory, of no use in this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "String")]
pub struct Size;

impl From<String> for Size {
    fn from(_: String) -> Self {
        Self
    }
}

/// None is.
pub fn is_here(_: &str, _: &Config) -> bool {
    false
}

/// How strongly an adapter works, of no use in this build.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Deserialize)]
#[serde(from = "f32")]
pub struct Scale;

impl From<f32> for Scale {
    fn from(_: f32) -> Self {
        Self
    }
}
