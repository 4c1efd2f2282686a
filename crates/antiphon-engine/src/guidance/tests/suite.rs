//! The JSON Schema Test Suite: what can be written fits its schema, and what fits can be written.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Map, Value};

use super::{accepts, compiled, plain, walk};
use crate::guidance::Grammar;
use crate::guidance::schema::Schemas;
use crate::random::Random;

/// Keywords that a mask knows nothing of, or not all: they are checked in what was written.
const CHECKED: &[&str] = &[
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "format",
    "if",
    "maxContains",
    "maxProperties",
    "minContains",
    "minProperties",
    "multipleOf",
    "not",
    "oneOf",
    "propertyNames",
    "uniqueItems",
];

struct Group {
    what: String,
    schema: Value,
    tests: Value,
}

fn groups() -> Vec<Group> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/json_schema_test_suite");
    let mut all = Vec::new();
    for part in ["draft2020-12", "draft2020-12/format", "draft7"] {
        let entries = std::fs::read_dir(folder.join(part)).unwrap();
        let mut files: Vec<_> =
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
        files.sort();
        for file in files {
            let groups: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            for group in groups {
                let mut schema = group["schema"].clone();
                if part == "draft7" && schema.is_object() {
                    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
                }
                let file = file.file_stem().unwrap().to_str().unwrap();
                let what = format!("{part}/{file}: {}", group["description"].as_str().unwrap());
                all.push(Group { what, schema, tests: group["tests"].clone() });
            }
        }
    }
    assert!(all.len() > 250, "{} groups", all.len());
    all
}

fn is_checked_afterwards(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            map.iter().any(|(key, value)| CHECKED.contains(&key.as_str()) || is_checked_afterwards(value))
        }
        Value::Array(items) => items.iter().any(is_checked_afterwards),
        _ => false,
    }
}

/// How a model writes JSON, in every order of the keys, as far as those are not many.
fn written(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => {
            let lists = items.iter().map(written).fold(vec![Vec::new()], |lists: Vec<Vec<String>>, item| {
                let with = |list: &Vec<String>, item: &String| {
                    [list.as_slice(), std::slice::from_ref(item)].concat()
                };
                let longer = lists.iter().flat_map(|list| item.iter().map(move |item| with(list, item)));
                longer.take(200).collect()
            });
            lists.iter().map(|items| format!("[{}]", items.join(", "))).collect()
        }
        Value::Object(map) => {
            orders(map).iter().map(|members| format!("{{{}}}", members.join(", "))).collect()
        }
        scalar => vec![scalar.to_string()],
    }
}

fn orders(map: &Map<String, Value>) -> Vec<Vec<String>> {
    if map.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (key, value) in map {
        let rest =
            map.iter().filter(|(other, _)| *other != key).map(|(k, v)| (k.clone(), v.clone())).collect();
        for rest in orders(&rest) {
            for value in written(value) {
                let member = format!("{}: {value}", Value::from(key.as_str()));
                all.push([&[member], rest.as_slice()].concat());
                if all.len() > 200 {
                    return all;
                }
            }
        }
    }
    all
}

/// What differs is in the snapshot: schemas that are refused, and valid JSON that is not written, because of
/// how a number is written, because an object was closed, or because a format is narrower.
#[test]
fn what_can_be_written_fits_and_what_fits_can_be_written() {
    let mut differs = String::new();
    for Group { what, schema, tests } in groups() {
        let compiled = match compiled(Grammar::Json(schema.clone())) {
            Ok(compiled) => compiled,
            Err(error) => {
                let _ = writeln!(differs, "refused {what}: {}", error.message());
                continue;
            }
        };
        let mut schemas = Schemas::default();
        let root = schemas.add(&schema, "").unwrap();
        let validator = schemas.validator(&root).unwrap();
        let open = plain(schemas.with_options(&root).unwrap());
        for case in tests.as_array().unwrap() {
            let (data, is_valid) = (&case["data"], case["valid"].as_bool().unwrap());
            assert_eq!(validator.is_valid(data), is_valid, "{what}: {data}");
            let texts = written(data);
            let is_written = |matcher| texts.iter().any(|text| accepts(matcher, text));
            let (is_open, is_closed) = (is_written(&open), is_written(&compiled.matcher));
            if !is_valid {
                let is_excused = is_checked_afterwards(&schema);
                assert!(is_excused || !is_open && !is_closed, "{what}: {data} does not fit, and is written");
            } else if !is_open {
                let _ = writeln!(differs, "never written {what}: {data}");
            } else if !is_closed {
                let _ = writeln!(differs, "not written in a closed object {what}: {data}");
            }
        }
    }
    let expected = include_str!("../../../tests/json_schema_test_suite/differs.txt");
    assert!(differs == expected, "tests/json_schema_test_suite/differs.txt should be:\n{differs}");
}

#[test]
fn whatever_is_written_by_chance_fits() {
    let mut random = Random::new(7);
    let mut ended = 0;
    for Group { what, schema, .. } in groups() {
        let Ok(compiled) = compiled(Grammar::Json(schema.clone())) else { continue };
        let validator = compiled.checks.answer.as_ref().unwrap();
        for _ in 0..12 {
            let Some(text) = walk(&compiled.matcher, &mut random, 60).unwrap() else { continue };
            let value: Value = match serde_json::from_str(&text) {
                // A number of any size is JSON.
                Err(error) if error.to_string().starts_with("number out of range") => continue,
                outcome => outcome.unwrap_or_else(|error| panic!("{what}: {text}: {error}")),
            };
            ended += 1;
            assert!(
                is_checked_afterwards(&schema) || validator.is_valid(&value),
                "{what}: {text} does not fit {schema}"
            );
        }
    }
    assert!(ended > 1500, "only {ended} ended");
}
