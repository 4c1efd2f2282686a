//! LoRA adapters: models of the configuration that are another model with some weights changed.

use std::path::PathBuf;

use antiphon_core::{Error, Kind, Result};

use super::{Adapter, LocalModel};
use crate::config::{AdapterConfig, Config};

/// The model that `[local.adapters.NAME]` describes.
pub(super) fn find(name: &str, adapted: &AdapterConfig, config: &Config) -> Result<LocalModel> {
    let base = adapted.model.strip_prefix("local/").unwrap_or(&adapted.model);
    if config.local.adapters.contains_key(base) {
        return Err(wrong(name, "model", &format!("{base} is an adapter itself")));
    }
    let path = super::expand_home(&adapted.path.to_string_lossy());
    if !path.is_file() {
        return Err(wrong(name, "path", &format!("there is no file {}", path.display())));
    }
    let base = super::find(base, config)
        .map_err(|error| super::of_config(&format!("adapters.{name}: model"), &error))?;
    let adapter = Adapter { path: absolute(path), scale: adapted.scale };
    Ok(LocalModel { name: name.to_owned(), adapter: Some(adapter), ..base })
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn wrong(name: &str, field: &str, what: &str) -> Error {
    Error::new(Kind::Config, format!("local.adapters.{name}: {field}: {what}")).param("model")
}
