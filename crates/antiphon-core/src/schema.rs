//! JSON Schemas: how large one may be, and one made tight enough for a provider to hold its model to it.
//!
//! OpenAI enforces a schema (`strict`) only in a subset of the language ("Structured outputs", supported
//! schemas): every object is closed and has all its properties, and of the other keywords some are taken.
//! A schema that was generated from a type seldom looks like that, and mostly can.

use serde_json::Value;

use crate::Map;

/// Limits of a schema: the values in it, the bytes of its texts, its levels.
const MAX_VALUES: usize = 30_000;
const MAX_BYTES: usize = 1 << 20;
const MAX_LEVELS: usize = 100;

/// Whether schemas that go together are small enough to be compiled at once; else what is too much.
pub fn check_size<'a>(schemas: impl IntoIterator<Item = &'a Value>) -> Result<(), String> {
    let mut waiting: Vec<(&Value, usize)> = schemas.into_iter().map(|schema| (schema, 0)).collect();
    let (mut values, mut bytes) = (0, 0);
    while let Some((value, level)) = waiting.pop() {
        values += 1;
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(items) => waiting.extend(items.iter().map(|item| (item, level + 1))),
            Value::Object(map) => {
                bytes += map.keys().map(String::len).sum::<usize>();
                waiting.extend(map.values().map(|value| (value, level + 1)));
            }
            _ => {}
        }
        if values > MAX_VALUES {
            return Err(format!("is too large: a schema may have {MAX_VALUES} values"));
        }
        if bytes > MAX_BYTES {
            return Err(format!("is too large: a schema may have {} KB", MAX_BYTES >> 10));
        }
        if level > MAX_LEVELS {
            return Err(format!("is too deep: a schema may have {MAX_LEVELS} levels"));
        }
    }
    Ok(())
}

/// Keywords that are kept as they are.
const KEPT: &[&str] = &[
    "type",
    "enum",
    "const",
    "title",
    "description",
    "pattern",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
];

/// Keywords that say nothing about a value, or that follow from the rest.
const DROPPED: &[&str] = &["$schema", "$id", "$comment", "default", "examples", "discriminator", "required"];

/// Formats of strings that are enforced.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// Keywords whose meaning cannot be told in the subset.
const BEYOND: &[&str] = &[
    "not",
    "if",
    "then",
    "else",
    "prefixItems",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contains",
    "$dynamicRef",
];

/// The schema in the subset that is enforced exactly: whatever fits it fits `schema`, too, but for the limits
/// that go into a description. `None` where there is no such schema: an open dictionary, a tuple, no object at
/// the root.
pub fn tightened(schema: &Value) -> Option<Value> {
    let root = schema.as_object()?;
    if root.contains_key("anyOf") || root.contains_key("$ref") {
        return None;
    }
    let tight = tight(schema)?;
    (tight["type"] == "object").then_some(tight)
}

fn tight(schema: &Value) -> Option<Value> {
    let given = schema.as_object()?;
    if BEYOND.iter().any(|name| given.contains_key(*name)) {
        return None;
    }
    let mut out = Map::new();
    let mut said = Vec::new();
    for (name, value) in given {
        match (name.as_str(), value) {
            ("$ref", _) => drop(out.insert(name.clone(), value.clone())),
            ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
                let schemas = schemas.iter().map(|(name, schema)| Some((name.clone(), tight(schema)?)));
                out.insert(name.clone(), Value::Object(schemas.collect::<Option<_>>()?));
            }
            ("items", _) => drop(out.insert(name.clone(), tight(value)?)),
            ("anyOf" | "oneOf", Value::Array(schemas)) => any_of(&mut out, schemas)?,
            ("allOf", Value::Array(schemas)) if schemas.len() == 1 => any_of(&mut out, schemas)?,
            ("additionalProperties", Value::Bool(false)) => {}
            ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => {
                out.insert(name.clone(), value.clone());
            }
            ("additionalProperties" | "allOf", _) => return None,
            (name, _) if KEPT.contains(&name) => drop(out.insert(name.into(), value.clone())),
            (name, _) if DROPPED.contains(&name) => {}
            (name, value) => said.push(format!("{name}: {value}")),
        }
    }
    close(&mut out)?;
    describe(&mut out, &said);
    Some(Value::Object(out))
}

fn any_of(out: &mut Map, schemas: &[Value]) -> Option<()> {
    let schemas = schemas.iter().map(tight).collect::<Option<Vec<_>>>()?;
    out.insert("anyOf".into(), schemas.into()).is_none().then_some(())
}

/// Closes an object and asks for all of it. `None` for what could be anything.
fn close(out: &mut Map) -> Option<()> {
    if let Some(reference) = out.get("$ref").cloned()
        && out.keys().any(|name| !matches!(name.as_str(), "$ref" | "$defs" | "definitions"))
    {
        // Nothing may stand beside a reference but as a choice of one.
        out.shift_remove("$ref");
        out.insert("anyOf".into(), serde_json::json!([{"$ref": reference}]));
    }
    let may_be = |out: &Map, kind: &str| match out.get("type") {
        Some(Value::String(word)) => word == kind,
        Some(Value::Array(words)) => words.iter().any(|word| word == kind),
        _ => false,
    };
    if may_be(out, "object") || out.contains_key("properties") {
        let properties = out.get("properties")?.as_object()?;
        let names = properties.keys().map(|name| Value::from(name.as_str())).collect::<Vec<_>>();
        out.insert("required".into(), names.into());
        out.insert("additionalProperties".into(), false.into());
    }
    if may_be(out, "array") && !out.contains_key("items") {
        return None;
    }
    ["type", "enum", "const", "anyOf", "$ref"].iter().any(|name| out.contains_key(*name)).then_some(())
}

/// Puts what cannot be enforced where the model still reads it.
fn describe(schema: &mut Map, said: &[String]) {
    if said.is_empty() {
        return;
    }
    let said = format!("({})", said.join(", "));
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(description) if !description.is_empty() => format!("{description} {said}"),
        _ => said,
    };
    schema.insert("description".into(), description.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_has_limits() {
        let deep = |levels| (0..levels).fold(json!(true), |inner, _| json!([inner]));
        assert_eq!(check_size([&deep(100), &json!("x".repeat(1000))]), Ok(()));
        for (schema, expected) in [
            (deep(101), "is too deep: a schema may have 100 levels"),
            (json!("x".repeat(2 << 20)), "is too large: a schema may have 1024 KB"),
            (json!(vec![1; 40_000]), "is too large: a schema may have 30000 values"),
        ] {
            assert_eq!(check_size([&schema]), Err(expected.to_owned()));
        }
        let half = json!(vec![1; 20_000]);
        assert!(check_size([&half]).is_ok() && check_size([&half, &half]).is_err());
    }

    #[test]
    fn generated_schemas_become_exact() {
        let cases = [
            (
                json!({"title": "R", "type": "object", "required": ["name"], "properties": {
                    "name": {"title": "Name", "type": "string", "minLength": 1},
                    "size": {"type": "integer", "default": 3, "minimum": 0},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null},
                    "when": {"type": "string", "format": "date"},
                    "link": {"type": "string", "format": "uri"},
                }}),
                json!({"title": "R", "type": "object", "properties": {
                    "name": {"title": "Name", "type": "string", "description": "(minLength: 1)"},
                    "size": {"type": "integer", "minimum": 0},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "when": {"type": "string", "format": "date"},
                    "link": {"type": "string", "description": "(format: \"uri\")"},
                }, "required": ["name", "size", "note", "when", "link"], "additionalProperties": false}),
            ),
            (
                json!({"$defs": {"S": {"type": "object", "properties": {"a": {"type": "array", "items":
                    {"$ref": "#/$defs/S"}}}}}, "type": "object",
                    "properties": {"s": {"$ref": "#/$defs/S", "description": "d"}}}),
                json!({"$defs": {"S": {"type": "object", "properties": {"a": {"type": "array", "items":
                    {"$ref": "#/$defs/S"}}}, "required": ["a"], "additionalProperties": false}},
                    "type": "object", "properties": {"s": {"description": "d", "anyOf": [{"$ref": "#/$defs/S"}]}},
                    "required": ["s"], "additionalProperties": false}),
            ),
        ];
        for (schema, expected) in cases {
            let tight = tightened(&schema).unwrap();
            assert_eq!(tight, expected);
            assert_eq!(tightened(&tight), Some(expected), "once more changes nothing");
        }
    }

    #[test]
    fn what_cannot_be_enforced_is_left() {
        for schema in [
            json!({"type": "string"}),
            json!(true),
            json!({"type": "object"}),
            json!({"type": "object", "properties": {"a": {}}}),
            json!({"type": "object", "properties": {"a": {"type": "array"}}}),
            json!({"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "integer"}}}}),
            json!({"type": "object", "properties": {"a": {"type": "array", "prefixItems": [{"type": "string"}]}}}),
            json!({"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"type": "null"}]}}}),
            json!({"anyOf": [{"type": "object", "properties": {}}]}),
        ] {
            assert_eq!(tightened(&schema), None, "{schema}");
        }
    }
}
