//! A lone word close to a verb is a slip, not a prompt.

use std::ffi::OsString;

use antiphon::{Error, Kind};
use clap::CommandFactory;

use crate::args::Cli;

/// Refuses `antiphon modles` and `antiphon kyes list`, which would otherwise be sent to a model.
pub(crate) fn check(words: &[OsString]) -> Result<(), Error> {
    let words: Vec<&str> = words.iter().skip(1).map_while(|word| word.to_str()).collect();
    let (Some(first), second) = (words.first(), words.get(1)) else { return Ok(()) };
    let cli = Cli::command();
    let verbs = || cli.get_subcommands().map(clap::Command::get_name).chain(["help"]);
    if verbs().any(|verb| verb == *first) {
        return Ok(());
    }
    let Some(near) = antiphon::nearest(&first.to_lowercase(), verbs()) else { return Ok(()) };
    let has_second =
        |name: &&str| cli.find_subcommand(near).is_some_and(|verb| verb.find_subcommand(name).is_some());
    if words.len() > 1 && !second.is_some_and(has_second) {
        return Ok(());
    }
    let rest = words[1..].iter().map(|word| format!(" {word}")).collect::<String>();
    Err(Error::new(Kind::InvalidRequest, format!("{first:?} is no command")).hint(format!(
        "did you mean `antiphon {near}{rest}`?\nto send it as a prompt: `antiphon prompt {first}{rest}`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_prompts_are_not() {
        let cases = [
            ("modles", true),
            ("Models", true),
            ("kyes list", true),
            ("chta", true),
            ("models", false),
            ("help", false),
            ("hello", false),
            ("kyes please", false),
            ("-V", false),
            ("what is a model?", false),
            ("", false),
        ];
        for (line, slip) in cases {
            let words = ["antiphon"].into_iter().chain(line.split_whitespace()).map(OsString::from);
            assert_eq!(check(&words.collect::<Vec<_>>()).is_err(), slip, "{line}");
        }
    }
}
