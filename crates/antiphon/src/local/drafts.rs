//! Drafts: small models that guess how the answers of large ones go on.

use std::path::PathBuf;

use antiphon_core::{Error, Result};

use crate::config::{self, Config};

/// The file of the draft that `[local.drafts]` gives the model of that name.
pub(super) fn of(name: &str, config: &Config) -> Result<Option<PathBuf>> {
    let mut drafts = config.local.drafts.iter();
    let own = drafts.find(|(model, _)| bare(model) == name);
    let wrong = |error: Error| super::of_config(&format!("drafts.{name}"), &error);
    own.map(|(_, draft)| file(draft, config).map_err(wrong)).transpose()
}

/// The file of the model of that name, as a draft.
pub(super) fn file(name: &str, config: &Config) -> Result<PathBuf> {
    let name = bare(name);
    if config.local.adapters.contains_key(name) {
        return Err(Error::invalid("draft", format_args!("{name} is an adapter, and a draft goes without"))
            .hint("name its model"));
    }
    match super::plain(name, config)?.path {
        Some(path) => Ok(std::path::absolute(&path).unwrap_or(path)),
        None => antiphon_engine::builtin_path(config::cache_dir().as_deref()),
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix("local/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use antiphon_core::Kind;

    use super::*;
    use crate::local::{LocalOptions, find};

    fn config(toml: &str, folder: &std::path::Path) -> Config {
        for name in ["big", "small", "other"] {
            std::fs::write(folder.join(format!("{name}.gguf")), "GGUF").unwrap();
        }
        let toml = format!("[local]\nmodels_dir = {:?}\n{toml}", folder.display().to_string());
        Config::parse(folder, &toml).unwrap()
    }

    /// The file names of a model and its draft.
    fn files(name: &str, config: &Config) -> Vec<String> {
        let model = find(name, config).unwrap();
        let paths = model.path.into_iter().chain(model.draft);
        paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_model_has_its_draft_and_an_adapter_that_of_its_model() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.gguf");
        let config = config(
            &format!(
                "[local.drafts]\nbig = \"local/small\"\n\"local/pirate\" = \"other\"\n\
                 [local.adapters.pirate]\nmodel = \"big\"\npath = {path:?}\n\
                 [local.adapters.sailor]\nmodel = \"local/big\"\npath = {path:?}\n"
            ),
            folder.path(),
        );
        assert_eq!(files("big", &config), ["big.gguf", "small.gguf"]);
        assert_eq!(files("small", &config), ["small.gguf"]);
        assert_eq!(files("pirate", &config), ["big.gguf", "other.gguf"]);
        assert_eq!(files("sailor", &config), ["big.gguf", "small.gguf"]);
        let named = LocalOptions { draft: Some("local/chorister".into()), ..LocalOptions::default() };
        let model = find("big", &config).unwrap().with_draft(&named, &config).unwrap();
        assert!(model.draft.unwrap().to_string_lossy().contains("chorister"));
        let missing = LocalOptions { draft: Some("nobody".into()), ..LocalOptions::default() };
        let error = find("big", &config).unwrap().with_draft(&missing, &config).unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound, "as of any model that is not there");
    }

    #[test]
    fn what_is_no_model_is_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.gguf");
        let config = config(
            &format!(
                "[local.drafts]\nbig = \"smal\"\nother = \"pirate\"\n\
                 [local.adapters.pirate]\nmodel = \"big\"\npath = {path:?}\n"
            ),
            folder.path(),
        );
        let missing = find("big", &config).unwrap_err();
        assert_eq!(missing.kind(), Kind::Config);
        assert!(missing.message().starts_with("local.drafts.big: model: there is no local model \"smal\""));
        assert!(missing.advice().unwrap().contains("did you mean"), "{missing:?}");
        let adapter = find("other", &config).unwrap_err();
        assert!(
            adapter.message().starts_with("local.drafts.other: draft: pirate is an adapter"),
            "{adapter}"
        );
    }
}
