//! JSON Schema as far as structured outputs and strict tools take it.
//!
//! The subset is that of the documentation ("Structured outputs", JSON Schema limitations), kept where it and
//! the official SDK's own reduction agree. What is not in it goes into the description, where the model
//! can still read it; whether the answer fits is checked by us in any case.

use serde_json::Value;

use crate::Map;

/// Keywords that are kept as they are.
const KEPT: &[&str] = &["type", "enum", "const", "title", "description", "required", "$ref"];

/// Keywords that hold schemas by name.
const NAMED: &[&str] = &["properties", "$defs", "definitions"];

/// Keywords that say nothing about a value.
const DROPPED: &[&str] = &["$schema", "$id", "$comment", "$anchor"];

/// Formats of strings that are taken.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema with nothing in it that the API refuses.
pub(super) fn subset(schema: &Value) -> Value {
    let Value::Object(given) = schema else { return schema.clone() };
    // Beside a reference nothing else is read, but for the definitions of the root.
    let is_reference = given.contains_key("$ref");
    let is_read = |name: &str| !is_reference || name == "$ref" || NAMED.contains(&name);
    let mut out = Map::new();
    let mut said = Vec::new();
    for (name, value) in given.iter().filter(|(name, _)| is_read(name)) {
        match taken(name, value, given) {
            Some((name, value)) => drop(out.insert(name.into(), value)),
            None if says_nothing(name, value) => {}
            None => said.push(format!("{name}: {value}")),
        }
    }
    if is_object(given) && !is_reference {
        out.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        out.insert("additionalProperties".into(), false.into());
    }
    describe(&mut out, &said);
    Value::Object(out)
}

/// A keyword as it is sent, where it is.
fn taken<'a>(name: &'a str, value: &Value, schema: &Map) -> Option<(&'a str, Value)> {
    let subsets = |schemas: &[Value]| schemas.iter().map(subset).collect::<Vec<_>>().into();
    let sent = match (name, value) {
        (_, Value::Object(schemas)) if NAMED.contains(&name) => {
            schemas.iter().map(|(name, schema)| (name.clone(), subset(schema))).collect::<Map>().into()
        }
        ("items", _) => subset(value),
        ("anyOf" | "allOf", Value::Array(schemas)) => subsets(schemas),
        // One of several and any of several differ only in values that fit two of them.
        ("oneOf", Value::Array(schemas)) if !schema.contains_key("anyOf") => {
            return Some(("anyOf", subsets(schemas)));
        }
        ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => value.clone(),
        ("minItems", value) if *value == 0 || *value == 1 => value.clone(),
        _ if KEPT.contains(&name) => value.clone(),
        _ => return None,
    };
    Some((name, sent))
}

fn says_nothing(name: &str, value: &Value) -> bool {
    DROPPED.contains(&name) || (name == "additionalProperties" && *value == false)
}

fn is_object(schema: &Map) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => schema.contains_key("properties"),
    }
}

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

    fn check(given: Value, expected: Value) {
        assert_eq!(subset(&given), expected, "{given}");
    }

    #[test]
    fn objects_are_closed_at_every_level() {
        check(
            json!({"type": "object", "properties": {"a": {"type": "object"}, "b": {"type": "array", "items":
                {"type": "object", "properties": {}}}}, "required": ["a"]}),
            json!({"type": "object", "properties": {
                "a": {"type": "object", "properties": {}, "additionalProperties": false},
                "b": {"type": "array", "items":
                    {"type": "object", "properties": {}, "additionalProperties": false}}},
                "required": ["a"], "additionalProperties": false}),
        );
        check(
            json!({"type": ["object", "null"], "additionalProperties": {"type": "integer"}}),
            json!({"type": ["object", "null"], "properties": {}, "additionalProperties": false,
                "description": "(additionalProperties: {\"type\":\"integer\"})"}),
        );
    }

    #[test]
    fn limits_go_into_the_description() {
        check(
            json!({"type": "integer", "minimum": 1, "maximum": 9, "description": "Stars"}),
            json!({"type": "integer", "description": "Stars (minimum: 1, maximum: 9)"}),
        );
        check(
            json!({"type": "string", "format": "date", "minLength": 2}),
            json!({"type": "string", "format": "date", "description": "(minLength: 2)"}),
        );
        check(
            json!({"type": "array", "items": {"type": "string", "format": "colour"}, "minItems": 1}),
            json!({"type": "array", "minItems": 1,
                "items": {"type": "string", "description": "(format: \"colour\")"}}),
        );
        check(
            json!({"type": "array", "minItems": 2}),
            json!({"type": "array", "description": "(minItems: 2)"}),
        );
    }

    #[test]
    fn choices_and_references() {
        check(json!({"oneOf": [{"type": "null"}]}), json!({"anyOf": [{"type": "null"}]}));
        check(
            json!({"$schema": "x", "$defs": {"A": {"type": "object"}}, "$ref": "#/$defs/A", "title": "t"}),
            json!({"$defs": {"A": {"type": "object", "properties": {}, "additionalProperties": false}},
                "$ref": "#/$defs/A"}),
        );
        check(json!({"enum": ["a", null]}), json!({"enum": ["a", null]}));
        check(json!(true), json!(true));
    }

    #[test]
    fn a_property_may_bear_the_name_of_a_keyword() {
        check(
            json!({"type": "object", "properties": {"minimum": {"type": "string"}}}),
            json!({"type": "object", "properties": {"minimum": {"type": "string"}},
                "additionalProperties": false}),
        );
    }
}
