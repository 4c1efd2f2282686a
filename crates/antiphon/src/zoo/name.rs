//! What is asked for: a name of the catalogue or a repository, either with `:WHICH`, a file of it or a
//! quantisation.

use antiphon_core::{Error, Kind, Result};

use super::{Model, choose};
use crate::names::nearest;

/// Weights that somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    name: String,
    model: Option<&'static Model>,
    repository: String,
    which: Option<String>,
}

impl Wanted {
    /// Reads `NAME`, `NAME:WHICH`, `ORG/REPO` or `ORG/REPO:WHICH`.
    pub fn parse(name: &str) -> Result<Self> {
        let (bare, which) = match name.split_once(':') {
            Some((bare, which)) => (bare, Some(which)),
            None => (name, None),
        };
        if let Some(which) = which {
            check_path(which)?;
        }
        let which = which.map(str::to_owned);
        if bare.contains('/') {
            check_repository(bare)?;
            return Ok(Self { name: name.to_owned(), model: None, repository: bare.to_owned(), which });
        }
        let model = super::model(bare).ok_or_else(|| unknown(bare))?;
        let own_file = || (!model.file.is_empty()).then(|| model.file.to_owned());
        let which = which.or_else(own_file);
        Ok(Self { name: name.to_owned(), model: Some(model), repository: model.repository.to_owned(), which })
    }

    /// The name, as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The model of the catalogue, where it is one.
    pub fn model(&self) -> Option<&'static Model> {
        self.model
    }

    /// `ORG/REPO`; empty where a model of the catalogue has none that runs here.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The file among these paths that is meant. Where only the catalogue says which, and that one is not there,
    /// the usual choice is as good.
    pub(super) fn choose<'a>(&self, paths: &[&'a str]) -> Option<&'a str> {
        let is_told = self.model.is_none() || self.name.contains(':');
        let other = || choose::choose(paths, None).filter(|_| !is_told);
        choose::choose(paths, self.which()).or_else(other)
    }

    /// The file or the quantisation that was asked for.
    pub(super) fn which(&self) -> Option<&str> {
        self.which.as_deref()
    }
}

fn unknown(name: &str) -> Error {
    let error = Error::new(Kind::NotFound, format!("model: there is no {name:?} in the zoo")).param("model");
    match nearest(name, super::models().iter().map(|model| model.name)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint("`antiphon zoo list` shows what there is; any repository goes by ORG/REPO"),
    }
}

/// A repository's name becomes part of an address and of a folder: it is held to what the hub allows.
pub(super) fn check_repository(name: &str) -> Result<()> {
    let wrong = |what: &str| Err(Error::invalid("model", format_args!("{name:?} {what}")));
    let Some((organisation, repository)) = name.split_once('/') else {
        return wrong("is no repository: write ORG/REPO");
    };
    for part in [organisation, repository] {
        if part.contains('/') {
            return wrong("is no repository: write ORG/REPO, and a file as ORG/REPO:FILE");
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if part.is_empty() || part.len() > 96 || !part.chars().all(allowed) {
            return wrong("is no repository: names have letters, digits, \"-\", \"_\" and \".\"");
        }
        if part.contains("..") || part.contains("--") || part.starts_with(['.', '-']) {
            return wrong(
                "is no repository: no name begins with \".\" or \"-\", or has two of them in a row",
            );
        }
    }
    Ok(())
}

/// A file's name becomes a path below the hub's folder, whether a user or a hub says it: it may not leave that.
pub(super) fn check_path(path: &str) -> Result<()> {
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':' | '?' | '#' | '%');
    let is_step = |part: &str| part.is_empty() || part == "." || part == "..";
    if path.len() > 500 || path.contains(odd) || path.split('/').any(is_step) {
        return Err(Error::invalid("model", format_args!("{path:?} is no file of a repository")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_catalogue_or_of_a_repository() {
        for (name, expected) in [
            ("falcon-7b", Ok(("maddes8cht/tiiuae-falcon-7b-gguf", Some("tiiuae-falcon-7b-Q4_K_M.gguf")))),
            ("falcon-7b:Q8_0", Ok(("maddes8cht/tiiuae-falcon-7b-gguf", Some("Q8_0")))),
            ("mpt-7b", Ok(("maddes8cht/mosaicml-mpt-7b-gguf", None))),
            ("flan-t5-xxl", Ok(("", None))),
            ("a/b", Ok(("a/b", None))),
            ("a/b:c/d.gguf", Ok(("a/b", Some("c/d.gguf")))),
            ("falcon-7", Err("did you mean falcon-7b?")),
            ("nothing-like-it", Err("antiphon zoo list")),
            ("", Err("there is no \"\"")),
            ("../../etc", Err("no repository")),
            ("a/..", Err("no repository")),
            ("..", Err("there is no \"..\"")),
            ("a/b/c", Err("ORG/REPO:FILE")),
            ("a/b--c", Err("no repository")),
            ("a/b c", Err("letters, digits")),
            ("https://huggingface.co/a/b", Err("no file of a repository")),
            ("a/b:../../x.gguf", Err("no file of a repository")),
            ("a/b:/etc/passwd", Err("no file of a repository")),
            ("a/b:", Err("no file of a repository")),
            ("a/b:x\\..\\y", Err("no file of a repository")),
        ] {
            let found = Wanted::parse(name);
            match (&found, expected) {
                (Ok(found), Ok((repository, which))) => {
                    assert_eq!((found.repository(), found.which()), (repository, which), "{name}");
                }
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{name}: {error}")
                }
                _ => panic!("{name}: {found:?}"),
            }
        }
    }
}
