//! Schemas as programs have them: whatever is written by chance fits.

use serde_json::{Value, json};

use super::{compiled, walk};
use crate::guidance::Grammar;
use crate::random::Random;

fn check(schema: Value) {
    let compiled = compiled(Grammar::Json(schema.clone())).unwrap();
    let validator = compiled.checks.answer.as_ref().unwrap();
    let mut random = Random::new(11);
    let mut ended = 0;
    for _ in 0..25 {
        let Some(text) = walk(&compiled.matcher, &mut random, 400).unwrap() else { continue };
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{text} does not fit {schema}: {faults:?}");
        ended += 1;
    }
    assert!(ended >= 10, "only {ended} ended of {schema}");
}

#[test]
fn objects_of_every_kind() {
    for schema in [
        // What pydantic writes.
        json!({"$defs": {"Colour": {"enum": ["red", "green"], "title": "Colour", "type": "string"},
            "Item": {"properties": {"name": {"maxLength": 8, "title": "Name", "type": "string"},
                "price": {"exclusiveMinimum": 0, "maximum": 99.5, "title": "Price", "type": "number"},
                "note": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}], "default": null}},
                "required": ["name", "price"], "title": "Item", "type": "object"}},
            "properties": {"items": {"items": {"$ref": "#/$defs/Item"}, "maxItems": 3, "type": "array"},
                "colour": {"$ref": "#/$defs/Colour", "description": "x"},
                "by_name": {"additionalProperties": {"type": "integer", "minimum": -5, "maximum": 1000}, "type": "object"},
                "pair": {"maxItems": 2, "minItems": 2, "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "type": "array"}},
            "required": ["items", "colour"], "title": "Order", "type": "object"}),
        // A union told apart by a constant.
        json!({"oneOf": [
            {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
            {"type": "object", "properties": {"kind": {"const": "b"}, "y": {"type": "boolean"}}, "required": ["kind", "y"]}]}),
        json!({"type": "object", "properties": {"a": {"type": "integer", "multipleOf": 7, "minimum": -50, "maximum": 50}},
            "additionalProperties": {"type": "string", "maxLength": 3}, "required": ["a"], "maxProperties": 3}),
        json!({"type": "object", "patternProperties": {"^n_": {"type": "number", "minimum": 0, "maximum": 1}, "^s_": {"type": "string", "maxLength": 3}},
            "additionalProperties": false, "maxProperties": 3}),
        // The names of further properties are never those that are taken, however written.
        json!({"type": "object", "properties": {"a": {"type": "integer"}, "b\"\\": {"type": "null"}},
            "additionalProperties": {"type": "boolean"}, "required": ["a"], "maxProperties": 4}),
        json!({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": {
            "a": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
            "b": {"type": "object", "properties": {"y": {"type": "boolean"}}, "required": ["y"]}},
            "properties": {"x": {"maximum": 9}}, "maxProperties": 3}),
        json!({"type": "object", "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}, "required": ["next"]}),
        json!({"const": {"a": [1, {"b": null}], "c": "ü\n\"", "d": -0.5}}),
        json!({"enum": [{"a": 1}, [1, 2], "x", 3, null, true]}),
        json!({"type": ["string", "integer"], "maxLength": 4, "minimum": 3, "exclusiveMaximum": 12}),
    ] {
        check(schema);
    }
}

#[test]
fn texts_and_numbers_of_every_kind() {
    for schema in [
        json!({"type": "string", "minLength": 3, "maxLength": 6}),
        json!({"type": "string", "pattern": "^[A-Z]{2}\\d{3}$"}),
        json!({"type": "string", "pattern": "\\p{Greek}ß", "maxLength": 6}),
        json!({"type": "string", "pattern": "^(\\w+\\s){1,3}[^a-z\\n]$", "maxLength": 20}),
        json!({"type": "string", "format": "uuid"}),
        json!({"type": "string", "format": "ipv4"}),
        json!({"type": "string", "format": "ipv6"}),
        json!({"type": "number", "minimum": -1.5, "exclusiveMaximum": 2.25}),
        json!({"type": "integer", "exclusiveMinimum": -12, "maximum": 1_000_001}),
        json!({"type": "integer", "minimum": 9_007_199_254_740_000_u64, "maximum": 9_007_199_254_740_991_u64}),
        json!({"type": "integer", "multipleOf": 12, "minimum": 0, "maximum": 10_000}),
        json!({"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 10}),
        json!({"type": "array", "items": {"enum": [1, 2.5, "x"]}, "minItems": 2, "maxItems": 4}),
        // Draft 4 and draft 7.
        json!({"type": "integer", "minimum": 3, "exclusiveMinimum": true, "maximum": 5}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"type": "boolean"}},
            "type": "array", "items": [{"$ref": "#/definitions/a"}, {"type": "null"}], "additionalItems": false, "minItems": 1}),
    ] {
        check(schema);
    }
}
