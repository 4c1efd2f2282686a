//! Names of one's own for models: the `[aliases]` table of `config.toml`.
//!
//! ```toml
//! [aliases]
//! fast = "openai/gpt-4o-mini"
//! "llama-7b" = "fast"                  # an alias may lead to another one
//! ```
//!
//! An alias goes before every other meaning of its name, whoever asks: Python, Rust, the shell or a server.

use std::collections::BTreeMap;

use antiphon_core::{Error, Kind, Result};

/// Models by the names that stand for them.
pub type Aliases = BTreeMap<String, String>;

/// The model that `name` stands for in the end; `name` itself where it is no alias.
pub(crate) fn target<'a>(aliases: &'a Aliases, name: &'a str) -> Result<&'a str> {
    let mut at = name;
    for _ in 0..=aliases.len() {
        match aliases.get(at) {
            None => return Ok(at),
            Some(next) => at = next,
        }
    }
    Err(wrong(name, "leads back to itself"))
}

/// Refuses names that could not be asked for over HTTP, and circles.
pub fn check(aliases: &Aliases) -> Result<()> {
    for (name, target_name) in aliases {
        check_name(name)?;
        if target_name.is_empty() {
            return Err(wrong(name, "stands for no model").hint("write ALIAS = \"provider/model\""));
        }
        target(aliases, name)?;
    }
    Ok(())
}

/// LLM Engine's clients put names into a query as they are: these characters would change or end one there.
pub fn check_name(name: &str) -> Result<()> {
    let odd = |c: char| matches!(c, '+' | '&' | '#' | '?' | '%') || c.is_whitespace() || c.is_control();
    match name.chars().find(|c| odd(*c)) {
        Some(odd) => Err(wrong(name, &format!("holds {odd:?}, which no URL brings over unchanged"))
            .hint("use letters, digits, \"-\", \"_\", \".\", \":\" and \"/\"")),
        None if name.is_empty() => Err(wrong(name, "is empty")),
        None => Ok(()),
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::new(Kind::Config, format!("aliases: {name:?} {what}")).param("aliases")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(pairs: &[(&str, &str)]) -> Aliases {
        pairs.iter().map(|(name, target)| ((*name).to_owned(), (*target).to_owned())).collect()
    }

    #[test]
    fn an_alias_may_lead_to_another() {
        let aliases = aliases(&[("a", "b"), ("b", "local/chorister")]);
        check(&aliases).unwrap();
        assert_eq!(target(&aliases, "a").unwrap(), "local/chorister");
        assert_eq!(target(&aliases, "c").unwrap(), "c");
    }

    #[test]
    fn circles_and_odd_names_are_refused() {
        for (pairs, expected) in [
            (&[("a", "a")][..], "back to itself"),
            (&[("a", "b"), ("b", "a")], "back to itself"),
            (&[("a b", "x")], "' '"),
            (&[("a+b", "x")], "'+'"),
            (&[("a&b", "x")], "'&'"),
            (&[("a#b", "x")], "'#'"),
            (&[("", "x")], "is empty"),
            (&[("a", "")], "no model"),
        ] {
            let error = check(&aliases(pairs)).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
