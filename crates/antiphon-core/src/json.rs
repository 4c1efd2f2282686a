//! Taking JSON apart with errors that name the field.

use std::fmt::Display;

use serde_json::Value;

use crate::{Error, Map, Result};

/// What a value is, in words for an error message.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

pub(crate) fn wrong_type(path: impl Display + Copy, expected: &str, value: &Value) -> Error {
    Error::invalid(path, format_args!("must be {expected}, got {}", kind_of(value)))
}

pub(crate) fn string(path: impl Display + Copy, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(wrong_type(path, "a string", &other)),
    }
}

pub(crate) fn object(path: impl Display + Copy, value: Value) -> Result<Map> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(wrong_type(path, "an object", &other)),
    }
}

pub(crate) fn list(path: impl Display + Copy, value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(wrong_type(path, "a list", &other)),
    }
}

/// Removes `key`; an absent one and a null are both `None`.
pub(crate) fn take(map: &mut Map, key: &str) -> Option<Value> {
    map.shift_remove(key).filter(|value| !value.is_null())
}

pub(crate) fn take_string(map: &mut Map, key: &str, path: impl Display + Copy) -> Result<Option<String>> {
    take(map, key).map(|value| string(format_args!("{path}.{key}"), value)).transpose()
}

pub(crate) fn require_string(map: &mut Map, key: &str, path: impl Display + Copy) -> Result<String> {
    take_string(map, key, path)?.ok_or_else(|| missing(path, key))
}

pub(crate) fn missing(path: impl Display + Copy, key: &str) -> Error {
    Error::invalid(format!("{path}.{key}"), "is required")
}

/// Inserts a value that is there; an absent one leaves no key.
pub(crate) fn put<T: Into<Value>>(map: &mut Map, key: &str, value: Option<T>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}
