//! `--schema`: JSON, a file of JSON, or a line of fields such as `name, age int, bio: one sentence`.
//!
//! The short form is that of the `llm` command: fields apart by commas or lines, each a name, a type
//! (`int`, `float`, `bool`, `str`; text where none is given) and a description after a colon.

use std::io::ErrorKind;

use antiphon::{Error, Map, Result};
use serde_json::{Value, json};

/// The value of `response_format` for what was written after `--schema`.
pub(crate) fn response_format(written: &str, multi: bool) -> Result<Value> {
    let (schema, strict) = read(written)?;
    let schema = if multi { list_of(schema) } else { schema };
    let mut format = json!({"name": "response", "schema": schema});
    if strict {
        format["strict"] = true.into();
    }
    Ok(json!({"type": "json_schema", "json_schema": format}))
}

/// The schema, and whether it is one that a provider can hold the model to exactly.
fn read(written: &str) -> Result<(Value, bool)> {
    let trimmed = written.trim();
    if trimmed.starts_with('{') {
        return parse(trimmed, "the text after --schema").map(|schema| (schema, false));
    }
    match std::fs::read_to_string(trimmed) {
        Ok(text) => parse(&text, trimmed).map(|schema| (schema, false)),
        Err(error) if looks_like_a_path(trimmed) || error.kind() == ErrorKind::InvalidData => {
            Err(Error::invalid("schema", format_args!("cannot read {trimmed}: {error}")))
        }
        Err(_) => fields(trimmed).map(|schema| (schema, true)),
    }
}

fn looks_like_a_path(text: &str) -> bool {
    !text.contains([' ', ',', '\n']) && (text.ends_with(".json") || text.contains(['/', '\\']))
}

fn parse(text: &str, place: &str) -> Result<Value> {
    match serde_json::from_str(text) {
        Ok(schema @ Value::Object(_)) => Ok(schema),
        Ok(_) => Err(Error::invalid("schema", format_args!("{place} is JSON, but no object"))),
        Err(error) => Err(Error::invalid("schema", format_args!("{place} is no JSON: {error}"))),
    }
}

fn list_of(schema: Value) -> Value {
    object(Map::from_iter([("items".to_owned(), json!({"type": "array", "items": schema}))]))
}

/// Every field is required and no other is allowed: a small model would go on inventing them.
fn object(properties: Map) -> Value {
    let required = properties.keys().cloned().collect::<Vec<_>>();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn fields(written: &str) -> Result<Value> {
    let separator = if written.contains('\n') { '\n' } else { ',' };
    let mut properties = Map::new();
    for written in written.split(separator).map(str::trim).filter(|field| !field.is_empty()) {
        let (name, schema) = field(written)?;
        if properties.insert(name.to_owned(), schema).is_some() {
            return Err(Error::invalid("schema", format_args!("names {name:?} twice")));
        }
    }
    if properties.is_empty() {
        return Err(Error::invalid("schema", "is empty").hint("such as --schema 'name, age int'"));
    }
    Ok(object(properties))
}

fn field(written: &str) -> Result<(&str, Value)> {
    let (head, description) = written.split_once(':').unwrap_or((written, ""));
    let mut words = head.split_whitespace();
    let Some(name) = words.next() else {
        return Err(Error::invalid("schema", format_args!("{written:?} has no name before the colon")));
    };
    let kind = match words.next() {
        None => "string",
        Some(word) => json_type(name, word)?,
    };
    if let Some(word) = words.next() {
        let message = format_args!("{word:?} follows the type of {name:?}");
        return Err(Error::invalid("schema", message).hint("a description goes after a colon"));
    }
    let mut schema = json!({"type": kind});
    if !description.trim().is_empty() {
        schema["description"] = description.trim().into();
    }
    Ok((name, schema))
}

const TYPES: &[(&str, &str)] =
    &[("int", "integer"), ("float", "number"), ("bool", "boolean"), ("str", "string")];

/// The short names, and JSON schema's own.
fn json_type(name: &str, word: &str) -> Result<&'static str> {
    TYPES.iter().find(|(short, long)| *short == word || *long == word).map(|(_, long)| *long).ok_or_else(
        || {
            Error::invalid("schema", format_args!("{name:?} has the unknown type {word:?}"))
                .hint("types are int, float, bool and str")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(written: &str) -> Value {
        fields(written).unwrap()["properties"].clone()
    }

    #[test]
    fn fields_become_properties() {
        let expected = json!({
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "bio": {"type": "string", "description": "one sentence"},
        });
        assert_eq!(properties("name, age int, bio: one sentence"), expected);
        assert_eq!(properties("name str\n\n age int\n bio: one sentence\n"), expected);
        assert_eq!(
            properties("at: now, or later\nhot bool\nweight float"),
            json!({
                "at": {"type": "string", "description": "now, or later"},
                "hot": {"type": "boolean"},
                "weight": {"type": "number"},
            })
        );
        assert_eq!(fields("b, a").unwrap()["required"], json!(["b", "a"]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("name text", "schema: \"name\" has the unknown type \"text\""),
            ("name, name int", "schema: names \"name\" twice"),
            (": lonely", "schema: \": lonely\" has no name before the colon"),
            ("age int years", "schema: \"years\" follows the type of \"age\""),
            (" , ", "schema: is empty"),
            (
                "{\"type\": ",
                "schema: the text after --schema is no JSON: EOF while parsing a value at line 1 column 8",
            ),
            ("no/such.json", "schema: cannot read no/such.json: No such file or directory (os error 2)"),
        ];
        for (written, message) in cases {
            assert_eq!(response_format(written, false).unwrap_err().message(), message);
        }
    }

    #[test]
    fn json_stays_as_it_is_and_multi_wraps() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let format = response_format(&schema.to_string(), false).unwrap();
        assert_eq!(format["json_schema"], json!({"name": "response", "schema": schema}));
        let format = response_format("a", true).unwrap();
        let items = &format["json_schema"]["schema"]["properties"]["items"];
        assert_eq!(items["items"]["properties"]["a"], json!({"type": "string"}));
    }
}
