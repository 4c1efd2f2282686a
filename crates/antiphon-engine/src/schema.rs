//! JSON schemas made ready for guidance.
//!
//! JSON is written as the built-in model learnt it and as most models write it: `", "` and `": "` between
//! things, no other white space, so that no model can lose itself in blanks. An object whose schema names
//! its properties and says nothing of others has no others: whatever is written so fits the schema, and a
//! small model is not led to invent keys.

use serde_json::{Map, Value, json};

/// The schema with the options of guidance at its root. `lenient` leaves out keywords that guidance does
/// not know instead of refusing them.
pub(crate) fn guided(mut schema: Value, lenient: bool) -> Value {
    close_objects(&mut schema);
    if schema == Value::Bool(true) {
        schema = json!({});
    }
    if let Value::Object(map) = &mut schema {
        map.insert("x-guidance".into(), options(lenient));
    }
    schema
}

fn options(lenient: bool) -> Value {
    json!({"whitespace_flexible": false, "item_separator": ", ", "key_separator": ": ", "lenient": lenient})
}

/// Keywords beside which `properties` alone does not say what an object may have.
const OPEN: &[&str] = &[
    "additionalProperties",
    "patternProperties",
    "unevaluatedProperties",
    "propertyNames",
    "minProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "$ref",
    "$dynamicRef",
    "dependentSchemas",
    "dependentRequired",
];

fn close_objects(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    if map.contains_key("properties")
        && !OPEN.iter().any(|key| map.contains_key(*key))
        && requires_only_named(map)
    {
        map.insert("additionalProperties".into(), Value::Bool(false));
    }
    for key in ["items", "additionalProperties", "contains"] {
        if let Some(inner) = map.get_mut(key) {
            close_objects(inner);
        }
    }
    for key in ["properties", "$defs", "definitions", "patternProperties"] {
        if let Some(Value::Object(inner)) = map.get_mut(key) {
            inner.values_mut().for_each(close_objects);
        }
    }
    // Branches of anyOf stand alone; those of allOf see each other's properties and stay as they are.
    for key in ["anyOf", "oneOf", "prefixItems"] {
        if let Some(Value::Array(inner)) = map.get_mut(key) {
            inner.iter_mut().for_each(close_objects);
        }
    }
}

fn requires_only_named(map: &Map<String, Value>) -> bool {
    let Some(Value::Array(required)) = map.get("required") else { return true };
    let named = map.get("properties").and_then(Value::as_object);
    required.iter().filter_map(Value::as_str).all(|name| named.is_some_and(|named| named.contains_key(name)))
}

/// Makes references within a schema good at its new place, `pointer`, in a larger one.
pub(crate) fn move_references(schema: &mut Value, pointer: &str) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(target) if key == "$ref" && target.starts_with('#') => {
                        target.insert_str(1, pointer);
                    }
                    value => move_references(value, pointer),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_references(item, pointer)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_where_that_is_safe() {
        let closed = |mut schema: Value| {
            close_objects(&mut schema);
            schema.get("additionalProperties").cloned()
        };
        assert_eq!(closed(json!({"properties": {"a": {}}})), Some(json!(false)));
        assert_eq!(closed(json!({"properties": {}, "additionalProperties": true})), Some(json!(true)));
        assert_eq!(closed(json!({"properties": {"a": {}}, "required": ["b"]})), None);
        assert_eq!(closed(json!({"properties": {}, "allOf": [{"properties": {"a": {}}}]})), None);
        assert_eq!(closed(json!({"type": "object"})), None);
    }

    #[test]
    fn references_follow_their_schema() {
        let mut schema = json!({"a": {"$ref": "#/$defs/x"}, "b": [{"$ref": "#"}, {"$ref": "other"}]});
        move_references(&mut schema, "/anyOf/0");
        let expected =
            json!({"a": {"$ref": "#/anyOf/0/$defs/x"}, "b": [{"$ref": "#/anyOf/0"}, {"$ref": "other"}]});
        assert_eq!(schema, expected);
    }
}
