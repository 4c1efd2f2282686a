//! Names that users type: the nearest known one, and the parameter that a misspelt one means.

use antiphon_core::params::PARAMS;
use antiphon_core::{Error, Result};

use crate::call::OPTIONS;

/// Parameters that are a field of [`antiphon_core::Request`] rather than a row of its table.
const REQUEST_FIELDS: &[&str] = &[
    "model",
    "messages",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "stream",
    "stream_options",
];

/// Every name that a call knows: of the request, of its parameters, of the options around it.
pub fn option_names() -> impl Iterator<Item = &'static str> {
    REQUEST_FIELDS
        .iter()
        .copied()
        .chain(PARAMS.iter().map(|(name, _)| *name))
        .chain(OPTIONS.iter().map(|(name, _)| *name))
}

/// Whether the name is that of an option around a call, which no model sees. A server honours none of them
/// from a body: they are keys, addresses, files and settings of this process.
pub fn is_call_option(name: &str) -> bool {
    OPTIONS.iter().any(|(option, _)| *option == name)
}

/// The candidate that `name` most likely means, if any is near enough.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(name.len().min(candidate.len())))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many slips of the finger a name of that length is granted.
fn allowed(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=5 => 1,
        6..=9 => 2,
        _ => 3,
    }
}

/// Refuses a name that is almost a known one: it would go to the provider and change nothing.
pub(crate) fn check_unknown(name: &str) -> Result<()> {
    match nearest(name, option_names()) {
        Some(known) => Err(Error::invalid(name, format_args!("is no parameter; did you mean {known:?}?"))
            .hint("a parameter of the provider's own with that name goes into extra_body")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found_and_strangers_are_not() {
        let cases = [
            ("temprature", Some("temperature")),
            ("max_token", Some("max_tokens")),
            ("top-p", Some("top_p")),
            ("mesages", Some("messages")),
            ("colour", None),
            ("k", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, option_names()), expected, "{name}");
        }
    }
}
