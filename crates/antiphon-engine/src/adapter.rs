//! LoRA adapters: small files that change what a model has learnt.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use antiphon_core::{Error, Kind, Result};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};
use serde::{Deserialize, Serialize};

use crate::{gguf, system};

/// A LoRA adapter, and how strongly it works.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Adapter {
    /// Its file, a GGUF.
    pub path: PathBuf,
    /// What its change is multiplied by.
    pub scale: Scale,
}

/// What the change of an adapter is multiplied by: 1 is as it was trained.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Scale(f32);

impl Default for Scale {
    fn default() -> Self {
        Self(1.0)
    }
}

impl TryFrom<f32> for Scale {
    type Error = String;

    fn try_from(scale: f32) -> std::result::Result<Self, String> {
        if scale.is_finite() { Ok(Self(scale)) } else { Err(format!("scale: must be a number, got {scale}")) }
    }
}

impl From<Scale> for f32 {
    fn from(Scale(scale): Scale) -> Self {
        scale
    }
}

impl PartialEq for Scale {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Scale {}

impl Hash for Scale {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// Reads an adapter's file for a model.
pub(crate) fn load(model: &mut LlamaModel, adapter: &Adapter) -> Result<LlamaLoraAdapter> {
    gguf::check(&adapter.path)?;
    system::take_first_error();
    let read = model.lora_adapter_init(&adapter.path);
    read.map_err(|_| failed(&adapter.path, "does not fit the model"))
}

/// Puts a context's model under an adapter.
pub(crate) fn set(
    context: &mut LlamaContext<'_>,
    loaded: &mut LlamaLoraAdapter,
    adapter: &Adapter,
) -> Result<()> {
    let set = context.lora_adapter_set(loaded, adapter.scale.into());
    set.map_err(|_| failed(&adapter.path, "could not be put on the model"))
}

fn failed(path: &Path, what: &str) -> Error {
    let why = system::take_first_error().map(|line| format!(": {line}")).unwrap_or_default();
    Error::new(Kind::LocalModel, format!("{}: the adapter {what}{why}", path.display()))
        .hint("an adapter is a GGUF file made for this very model, by llama.cpp's convert_lora_to_gguf.py")
}
