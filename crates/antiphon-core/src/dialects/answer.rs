//! What is wrong with an answer, in the same words for every dialect.

use std::borrow::Cow;

use serde_json::Value;

use super::excerpt::excerpt;
use super::wire::Text;
use crate::{Error, Kind, Result};

pub(super) fn text<'a>(text: Text<'a>, path: impl Fn() -> String) -> Result<Option<Cow<'a, str>>> {
    text.string().map_err(|kind| malformed(format!("{} must be a string, got {kind}", path())))
}

/// Some servers send an empty `error` beside a good answer.
pub(super) fn is_nothing(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

pub(super) fn malformed(problem: String) -> Error {
    Error::new(Kind::ResponseValidation, problem)
}

/// Whether it is this decoder that complains; what a provider tells has a code or another kind.
pub(super) fn is_malformed(error: &Error) -> bool {
    error.kind() == Kind::ResponseValidation && error.provider_code().is_none()
}

pub(super) fn interrupted() -> Error {
    Error::new(Kind::StreamInterrupted, "the stream ended before the answer did")
}

pub(super) fn not_an_answer(problem: &str, text: &str) -> Error {
    let problem = excerpt(problem);
    let text = excerpt(text);
    let error = Error::new(
        Kind::ResponseValidation,
        if text.is_empty() { problem } else { format!("{problem}: {text}") },
    );
    if text.is_empty() { error } else { error.raw(text) }
}
