//! The zoo: open models by short names, and their weights from a Hugging Face hub.
//!
//! `models.tsv` is the catalogue: those that people run today, and every name of LLM Engine's Model Zoo, so that
//! its programs keep theirs. Repositories and files were looked up on 2026-11-21 in the gallery of LocalAI
//! (github.com/mudler/LocalAI, of 2026-08-22), in the model matrix of LLMKube (github.com/defilantech/LLMKube, of
//! 2026-05-11) and in the model cards that public projects link; parameters, context and licence are those of the
//! model cards. A size is there where a card tells one, else it is estimated, and said to be. Two of LLM Engine's
//! own entries are not repeated: its `llama-2-7b` was a repository of LLaMA 1, and a Gemma 2 of 7b does not exist.
//!
//! Weights lie in the folder that every client of the hub shares (`~/.cache/huggingface/hub`). Nothing is fetched
//! but by [`crate::Client::pull`]: a call of a model whose weights are not here is an error that says how to get
//! them.

mod choose;
mod hub;
mod name;
mod pull;
mod store;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use antiphon_core::{Error, Kind, Map, Result};
use serde_json::{Value, json};

use crate::aliases;
use crate::config::Config;

pub use name::Wanted;
pub use pull::{Progress, Pulled, State};
pub use store::folder;

/// Bytes that a parameter takes in Q4_K_M, in the mean: what a file has whose size nobody told.
const BYTES_A_PARAMETER: f64 = 0.61;

/// A model of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Its short name.
    pub name: &'static str,
    /// Which zoo it is of.
    pub zoo: Zoo,
    /// What it was trained to do.
    pub purpose: Purpose,
    /// Parameters, in billions.
    pub parameters: f64,
    /// Tokens of context that it was trained for.
    pub context: u32,
    /// Its licence, in the hub's word; empty where none is told.
    pub licence: &'static str,
    /// The family of its chat template; empty where it has none.
    pub template: &'static str,
    /// The repository of the original weights.
    pub source: &'static str,
    /// The repository of the GGUF files that run here; empty where none is known.
    pub repository: &'static str,
    /// The file in it; empty where the usual choice is good.
    pub file: &'static str,
    /// Its size in gigabytes, where that is told.
    pub gigabytes: Option<f64>,
    /// What it is good for.
    pub good_for: &'static str,
}

/// Which zoo a model is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zoo {
    /// Models that people run today.
    Today,
    /// The names of LLM Engine's Model Zoo.
    LlmEngine,
}

/// What a model was trained to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To go on with a text.
    Base,
    /// To follow instructions and chat.
    Instruct,
    /// To make vectors of texts.
    Embedding,
    /// To tell how well documents answer a query.
    Reranker,
}

impl Zoo {
    const NAMES: &[(&str, Zoo)] = &[("today", Zoo::Today), ("llm-engine", Zoo::LlmEngine)];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, zoo)| *zoo == self).map_or("", |(name, _)| name)
    }
}

impl Purpose {
    const NAMES: &[(&str, Purpose)] = &[
        ("base", Purpose::Base),
        ("instruct", Purpose::Instruct),
        ("embedding", Purpose::Embedding),
        ("reranker", Purpose::Reranker),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, purpose)| *purpose == self).map_or("", |(name, _)| name)
    }
}

impl Model {
    /// What has to be fetched, in gigabytes: as it is told, else an estimate.
    pub fn size(&self) -> f64 {
        self.gigabytes.unwrap_or(self.parameters * BYTES_A_PARAMETER)
    }

    /// The size in words; an estimate says so.
    pub fn size_in_words(&self) -> String {
        let about = if self.gigabytes.is_some() { "" } else { "about " };
        format!("{about}{}", gigabytes(self.size()))
    }

    /// Memory that it takes with some thousand tokens of context, in gigabytes; always an estimate.
    pub fn memory(&self) -> f64 {
        self.size() * 1.1 + 0.3
    }

    /// All of it, as JSON; what is not known is null.
    pub fn to_json(&self) -> Map {
        let known = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        let fields = json!({
            "name": self.name,
            "zoo": self.zoo.as_str(),
            "kind": self.purpose.as_str(),
            "parameters": (self.parameters * 1e9).round() as u64,
            "context": self.context,
            "licence": known(self.licence),
            "chat_template": known(self.template),
            "source": self.source,
            "repository": known(self.repository),
            "file": known(self.file),
            "size": (self.size() * 1e9).round() as u64,
            "size_is_estimate": self.gigabytes.is_none(),
            "memory": (self.memory() * 1e9).round() as u64,
            "good_for": self.good_for,
            "path": here(self.name).map(|path| path.display().to_string()),
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

/// A size as people say it.
pub fn gigabytes(gigabytes: f64) -> String {
    match gigabytes {
        ..0.00095 => format!("{:.0} kB", gigabytes * 1e6),
        ..0.95 => format!("{:.0} MB", gigabytes * 1000.0),
        ..100.0 => format!("{gigabytes:.1} GB"),
        _ => format!("{gigabytes:.0} GB"),
    }
}

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    // A row that is broken is left out, and a test sees that there is none.
    include_str!("models.tsv").lines().skip(1).filter_map(row).collect()
});

static BY_NAME: LazyLock<HashMap<&'static str, &'static Model>> =
    LazyLock::new(|| MODELS.iter().map(|model| (model.name, model)).collect());

fn row(line: &'static str) -> Option<Model> {
    let cells: [&'static str; 12] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let [
        name,
        zoo,
        purpose,
        parameters,
        context,
        licence,
        template,
        source,
        repository,
        file,
        size,
        good_for,
    ] = cells;
    Some(Model {
        name,
        zoo: Zoo::NAMES.iter().find(|(known, _)| *known == zoo)?.1,
        purpose: Purpose::NAMES.iter().find(|(known, _)| *known == purpose)?.1,
        parameters: parameters.parse().ok()?,
        context: context.parse().ok()?,
        licence,
        template,
        source,
        repository,
        file,
        gigabytes: if size.is_empty() { None } else { Some(size.parse().ok()?) },
        good_for,
    })
}

/// The catalogue: those of today first, small ones before large ones.
pub fn models() -> &'static [Model] {
    &MODELS
}

/// The model of that name.
pub fn model(name: &str) -> Option<&'static Model> {
    BY_NAME.get(name).copied()
}

/// The weights of a name, where they are here: a short name, `ORG/REPO`, either with `:WHICH`. Reads the hub's
/// folder, and asks nobody.
pub fn here(name: &str) -> Option<PathBuf> {
    store::find(&Wanted::parse(name).ok()?)
}

/// Weights that are here.
#[derive(Debug, Clone, PartialEq)]
pub struct Here {
    /// What they are called after `local/`: a name of the catalogue, else `ORG/REPO`.
    pub name: String,
    /// What is known of them, where they are of the catalogue.
    pub model: Option<&'static Model>,
    /// The file to load.
    pub path: PathBuf,
}

impl Here {
    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        store::files(&self.path).iter().filter_map(|path| Some(path.metadata().ok()?.len())).sum()
    }

    /// What is known of them, as JSON: of a model of the catalogue all of it, else name, size and path.
    pub fn to_json(&self) -> Map {
        if let Some(model) = self.model {
            return model.to_json();
        }
        let path = self.path.display().to_string();
        let fields =
            [("name", self.name.as_str().into()), ("size", self.bytes().into()), ("path", path.into())];
        fields.map(|(name, value): (&str, Value)| (name.to_owned(), value)).into_iter().collect()
    }
}

/// What is known of a name: of a model of the catalogue all that stands there, of any other what is here.
pub fn info(name: &str, config: &Config) -> Result<Map> {
    let wanted = wanted(name, config)?;
    if let Some(model) = wanted.model() {
        return Ok(model.to_json());
    }
    let path = store::find(&wanted).ok_or_else(|| missing(&wanted))?;
    Ok(Here { name: wanted.name().to_owned(), model: None, path }.to_json())
}

/// All weights that are here: the models of the catalogue in its order, then other repositories with a GGUF.
pub fn all_here() -> Vec<Here> {
    let mut repositories = store::repositories();
    // Names that share a repository are each named.
    let known = models()
        .iter()
        .filter(|model| repositories.binary_search_by(|there| (**there).cmp(model.repository)).is_ok());
    let mut all: Vec<Here> = known
        .filter_map(|model| {
            Some(Here { name: model.name.to_owned(), model: Some(model), path: here(model.name)? })
        })
        .collect();
    repositories
        .retain(|name| all.iter().all(|here| here.model.is_none_or(|model| model.repository != name)));
    all.extend(
        repositories.into_iter().filter_map(|name| Some(Here { path: here(&name)?, name, model: None })),
    );
    all
}

/// What a name of the user's wants: an alias of the configuration that stands for a local model means that one.
pub fn wanted(name: &str, config: &Config) -> Result<Wanted> {
    let meant = aliases::target(&config.aliases, name)?;
    if meant != name && meant.contains('/') && !meant.starts_with("local/") {
        let message =
            format_args!("{name:?} stands for {meant:?} in config.toml, which is not of this machine");
        return Err(Error::invalid("model", message));
    }
    Wanted::parse(meant.strip_prefix("local/").unwrap_or(meant))
}

/// The weights of a name of the user's; where they are not here, the error says what gets them.
pub fn path(name: &str, config: &Config) -> Result<PathBuf> {
    let wanted = wanted(name, config)?;
    store::find(&wanted).ok_or_else(|| missing(&wanted))
}

/// Removes the weights of a name from the hub's folder, with what broken downloads of their repository left, and
/// returns how many bytes that frees. Another name with the same weights loses them, too.
pub fn remove(name: &str, config: &Config) -> Result<u64> {
    store::remove(&wanted(name, config)?)
}

/// That a model's weights are not here, and what gets them.
pub fn missing(wanted: &Wanted) -> Error {
    let name = wanted.name();
    let error = |message: String| Error::new(Kind::NotFound, message).param("model");
    let Some(model) = wanted.model() else {
        return error(format!("model: {name} is not here: `antiphon zoo pull {name}` gets it"));
    };
    if model.repository.is_empty() {
        return error(format!("model: no weights of {name} are known that run here")).hint(format!(
            "name an upstream that serves {source} in config.toml: [aliases] \"{name}\" = \"PROVIDER/{source}\"",
            source = model.source
        ));
    }
    let size = model.size_in_words();
    error(format!("model: {name} is not here: `antiphon zoo pull {name}` gets it ({size})"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const COLUMNS: &str =
        "name\tzoo\tkind\tparameters\tcontext\tlicence\ttemplate\tsource\tgguf\tfile\tgigabytes\tgood_for";

    #[test]
    fn every_row_is_read_and_sound() {
        let (heading, rows) = include_str!("models.tsv").split_once('\n').unwrap();
        assert_eq!(heading, COLUMNS);
        assert_eq!(rows.lines().count(), models().len());
        let mut names = HashSet::new();
        for model in models() {
            let name = model.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(!name.contains(['/', ':', ' ']) && aliases::check_name(name).is_ok(), "{name}");
            name::check_repository(model.source).unwrap();
            if !model.repository.is_empty() {
                name::check_repository(model.repository).unwrap();
            }
            assert!(model.file.is_empty() || model.file.ends_with(".gguf"), "{name}");
            assert!(!model.file.is_empty() || model.gigabytes.is_none() || !model.repository.is_empty());
            assert!(model.parameters > 0.0 && model.context >= 512 && !model.good_for.is_empty(), "{name}");
            if let Some(size) = model.gigabytes {
                let a_parameter = size / model.parameters;
                assert!((0.4..1.2).contains(&a_parameter), "{name}: {a_parameter} bytes a parameter");
            }
            let is_for_vectors = name.contains("embed") || name == "bge-m3";
            assert_eq!(model.purpose == Purpose::Embedding, is_for_vectors, "{name}");
            assert_eq!(model.purpose == Purpose::Reranker, name.contains("rerank"), "{name}");
        }
        let order = |model: &Model| {
            let last = model.purpose == Purpose::Reranker;
            (model.zoo, last, model.purpose == Purpose::Embedding)
        };
        assert!(models().is_sorted_by_key(order));
    }

    #[test]
    fn the_names_of_llm_engine_are_there_with_the_right_weights() {
        for (name, source) in [
            ("falcon-7b", "tiiuae/falcon-7b"),
            ("mpt-7b-instruct", "mosaicml/mpt-7b-instruct"),
            ("llama-7b", "huggyllama/llama-7b"),
            ("llama-2-7b", "meta-llama/Llama-2-7b-hf"),
            ("llama-3-1-405b-instruct", "meta-llama/Llama-3.1-405B-Instruct"),
            ("phi-3-medium-4-instruct", "microsoft/Phi-3-medium-4k-instruct"),
            ("deepseek-coder-v2-lite", "deepseek-ai/DeepSeek-Coder-V2-Lite-Base"),
            ("gemma-2-7b-instruct", "google/gemma-7b-it"),
        ] {
            let found = model(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((found.source, found.zoo), (source, Zoo::LlmEngine), "{name}");
        }
        assert_eq!(models().iter().filter(|model| model.zoo == Zoo::LlmEngine).count(), 73);
    }

    #[test]
    fn what_is_missing_says_what_gets_it() {
        let said = |name: &str| missing(&Wanted::parse(name).unwrap()).to_string();
        assert_eq!(
            said("falcon-7b"),
            "model: falcon-7b is not here: `antiphon zoo pull falcon-7b` gets it (about 4.4 GB)"
        );
        assert!(said("qwen3-0.6b").ends_with("gets it (639 MB)"));
        assert!(said("flan-t5-xxl").contains("[aliases] \"flan-t5-xxl\" = \"PROVIDER/google/flan-t5-xxl\""));
        assert!(said("some/repo-GGUF:Q8_0").contains("`antiphon zoo pull some/repo-GGUF:Q8_0` gets it"));
    }
}
