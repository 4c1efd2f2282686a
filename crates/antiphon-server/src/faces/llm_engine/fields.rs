//! Reading the fields of a body by name. A null is as good as nothing: the clients write every field.

use std::ops::RangeInclusive;

use antiphon::core::dialects::body;
use antiphon::{Error, Map, Result};
use serde_json::Value;

/// The fields of a body, or of an object in it.
pub(super) struct Fields {
    map: Map,
    /// What stands before the names in errors.
    path: String,
}

impl Fields {
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut map = body::object(bytes)?;
        map.retain(|_, value| !value.is_null());
        Ok(Self { map, path: String::new() })
    }

    fn wrong(&self, name: &str, what: impl std::fmt::Display) -> Error {
        Error::invalid(format_args!("{}{name}", self.path), what)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    /// A path of weights: the clients send an empty one where there is none, and any other is not taken.
    pub(super) fn no_checkpoint(&mut self) -> Result<()> {
        match self.take("checkpoint_path") {
            None => Ok(()),
            Some(Value::String(path)) if path.is_empty() => Ok(()),
            Some(_) => {
                Err(self
                    .wrong("checkpoint_path", "is not taken: a server reads no files that a request names"))
            }
        }
    }

    /// A string that says something.
    pub(super) fn required(&mut self, name: &str) -> Result<String> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(self.wrong(name, "is empty")),
            None => Err(self.wrong(name, "is required")),
        }
    }

    /// A whole number.
    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| range.contains(number));
        let expected = format!("must be a whole number of {} to {}, got {value}", range.start(), range.end());
        number.map(Some).ok_or_else(|| self.wrong(name, expected))
    }

    /// An object, whose own fields are read likewise.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Fields>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(mut map)) => {
                map.retain(|_, value| !value.is_null());
                Ok(Some(Self { map, path: format!("{}{name}.", self.path) }))
            }
            Some(_) => Err(self.wrong(name, "must be an object")),
        }
    }

    /// Names and texts.
    pub(super) fn labels(&mut self, name: &str) -> Result<Map> {
        let Some(labels) = self.object(name)? else { return Ok(Map::new()) };
        match labels.map.iter().find(|(_, value)| !value.is_string()) {
            Some((label, _)) => Err(labels.wrong(label, "must be a string")),
            None => Ok(labels.map),
        }
    }

    /// What has not been taken.
    pub(super) fn rest(self) -> Map {
        self.map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_is_named_with_its_place() {
        let body = br#"{"a": 1, "b": null, "n": 70, "o": {"x": 1}, "l": {"team": 5}, "e": ""}"#;
        let mut fields = Fields::read(body).unwrap();
        assert_eq!(fields.text("a").unwrap_err().message(), "a: must be a string");
        assert_eq!(fields.required("b").unwrap_err().message(), "b: is required");
        assert_eq!(fields.required("e").unwrap_err().message(), "e: is empty");
        let error = fields.number("n", 1..=64).unwrap_err();
        assert_eq!(error.message(), "n: must be a whole number of 1 to 64, got 70");
        let mut inner = fields.object("o").unwrap().unwrap();
        assert_eq!(inner.text("x").unwrap_err().message(), "o.x: must be a string");
        assert_eq!(fields.labels("l").unwrap_err().message(), "l.team: must be a string");
    }
}
