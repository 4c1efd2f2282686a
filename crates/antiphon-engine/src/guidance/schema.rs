//! JSON schemas made ready for guidance.
//!
//! Whatever draft a schema is written in, it becomes one of draft 2020-12 without annotations, in which every
//! reference is to a definition at the root. From that come the checker of finished answers and the schema that
//! guidance follows.
//!
//! JSON is written as the built-in model learnt it and as most models write it: `", "` and `": "` between
//! things, no other white space, so that no model can lose itself in blanks. An object whose schema names
//! its properties and says nothing of others has no others: whatever is written so fits the schema, and a
//! small model is not led to invent keys.

use std::collections::{HashMap, HashSet};

use antiphon_core::Result;
use jsonschema::Validator;
use serde_json::{Map, Number, Value, json};

use super::compile::failed;
use super::regex;

/// At most so many definitions: to follow a chain of them takes stack.
const MAX_DEFINITIONS: usize = 1000;
/// Whole numbers below this are the same everywhere.
const MAX_NUMBER: f64 = 9_007_199_254_740_992.0;
/// Beyond this it takes seconds to find out what is a multiple.
const MAX_MULTIPLE: f64 = 10_000.0;
/// Each is held against each other one.
const MAX_PATTERN_PROPERTIES: usize = 50;

/// Keywords that have one schema.
const ONE: &[&str] = &[
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that have a list of schemas.
const LIST: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that have schemas by name.
const NAMED: &[&str] = &["properties", "patternProperties", "dependentSchemas"];
/// Keywords that are kept as they are.
const KEPT: &[&str] = &[
    "type",
    "const",
    "enum",
    "required",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
/// Keywords that count something.
const COUNTS: &[&str] = &[
    "minProperties",
    "maxProperties",
    "minItems",
    "maxItems",
    "minContains",
    "maxContains",
    "minLength",
    "maxLength",
];
/// Keywords of the place itself whose schemas are of the same value.
const IN_PLACE: &[&str] = &["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

/// Schemas that go into one grammar, with the definitions that they share.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    definitions: Map<String, Value>,
}

impl Schemas {
    /// Takes in a schema of a caller; `path` is where it stands in the field. What comes back refers to the
    /// definitions here.
    pub(crate) fn add(&mut self, schema: &Value, path: &str) -> Result<Value> {
        let mut document = Document {
            old: is_old(schema),
            anchors: HashMap::new(),
            names: HashMap::new(),
            waiting: Vec::new(),
            first: self.definitions.len(),
        };
        document.find_anchors(schema, schema);
        let root = document.schema(schema, &Place { base: schema, path: path.to_owned() })?;
        while let Some((name, target, place)) = document.waiting.pop() {
            if self.definitions.len() >= MAX_DEFINITIONS {
                return Err(failed(format!("has more than {MAX_DEFINITIONS} definitions")));
            }
            let schema = document.schema(target, &place)?;
            self.definitions.insert(name, schema);
        }
        self.refuse_circles()?;
        Ok(root)
    }

    /// A definition that is itself, or a part of itself at the same place, says nothing and never ends.
    fn refuse_circles(&self) -> Result<()> {
        let mut done = HashSet::new();
        for start in self.definitions.keys() {
            // Depth first, with the way here: a definition on it is one that goes in a circle.
            let mut way: Vec<(&str, Vec<&str>)> = vec![(start, self.targets(start))];
            while let Some((name, targets)) = way.last_mut() {
                let name = *name;
                match targets.pop() {
                    None => {
                        done.insert(name);
                        way.pop();
                    }
                    Some(next) if way.iter().any(|(other, _)| *other == next) => {
                        return Err(failed("$ref: a schema refers to itself without going deeper"));
                    }
                    Some(next) if !done.contains(next) => way.push((next, self.targets(next))),
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    fn targets(&self, name: &str) -> Vec<&str> {
        let mut found = Vec::new();
        if let Some(schema) = self.definitions.get(name) {
            targets(schema, &mut found);
        }
        found
    }

    fn with_definitions(&self, root: &Value) -> Value {
        let mut root = match root {
            Value::Object(map) => map.clone(),
            Value::Bool(false) => return json!({"not": {}}),
            _ => Map::new(),
        };
        root.insert("$defs".into(), Value::Object(self.definitions.clone()));
        Value::Object(root)
    }

    /// What holds a finished answer against `root`. Formats are held to, too.
    pub(crate) fn validator(&self, root: &Value) -> Result<Validator> {
        jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&self.with_definitions(root))
            .map_err(|error| {
                let text: String = error.to_string().chars().take(200).collect();
                let path = error.instance_path();
                failed(format!("is no JSON schema: {text} (at {path})"))
            })
    }

    /// The schema that guidance follows.
    pub(crate) fn guided(mut self, mut root: Value) -> Result<Value> {
        let shared = self.shared(&root);
        close(&mut root, true);
        for (name, schema) in &mut self.definitions {
            close(schema, !shared.contains(name));
        }
        self.with_options(&root)
    }

    /// The schema with the options of guidance at its root.
    pub(super) fn with_options(&self, root: &Value) -> Result<Value> {
        let Value::Object(mut root) = self.with_definitions(root) else {
            return Err(failed("is no JSON schema"));
        };
        root.insert("x-guidance".into(), options());
        Ok(Value::Object(root))
    }

    /// The definitions whose objects have parts elsewhere.
    fn shared(&self, root: &Value) -> HashSet<String> {
        let mut found = Vec::new();
        for schema in std::iter::once(root).chain(self.definitions.values()) {
            parts(schema, true, &mut found);
        }
        let mut shared = HashSet::new();
        while let Some(name) = found.pop() {
            if shared.insert(name.to_owned()) {
                found.extend(self.targets(name));
            }
        }
        shared
    }
}

fn options() -> Value {
    json!({
        "whitespace_flexible": false,
        "item_separator": ", ",
        "key_separator": ": ",
        // What guidance does not know is checked afterwards.
        "lenient": true,
        // Without \u, a text can be written in one way only, and a key is what it looks like.
        "json_allowed_escapes": "nrbtf\\\"",
    })
}

/// A schema as a caller wrote it.
struct Document<'a> {
    /// Whether a reference stands for all that is beside it, as up to draft 7.
    old: bool,
    /// Anchors and ids: what they name, and the schema that references there start from.
    anchors: HashMap<String, (&'a Value, &'a Value)>,
    /// Definitions by the address of what they are.
    names: HashMap<usize, String>,
    /// Definitions that are not ready yet.
    waiting: Vec<(String, &'a Value, Place<'a>)>,
    first: usize,
}

/// Where in a document.
#[derive(Clone)]
struct Place<'a> {
    /// The schema that `#` means here.
    base: &'a Value,
    path: String,
}

impl<'a> Place<'a> {
    fn at(&self, name: &str) -> Place<'a> {
        Place { base: self.base, path: format!("{}/{name}", self.path) }
    }

    fn refuse(&self, keyword: &str, why: impl std::fmt::Display) -> antiphon_core::Error {
        let at = if self.path.is_empty() { String::new() } else { format!(" (at {})", self.path) };
        failed(format!("{keyword}: {why}{at}"))
    }
}

fn is_old(schema: &Value) -> bool {
    let draft = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
    ["draft-07", "draft-06", "draft-04", "draft-03"].iter().any(|old| draft.contains(old))
}

/// Whether references within a schema start from it.
fn is_resource(schema: &Map<String, Value>) -> bool {
    schema.get("$id").and_then(Value::as_str).is_some_and(|id| !id.starts_with('#'))
}

impl<'a> Document<'a> {
    fn find_anchors(&mut self, value: &'a Value, base: &'a Value) {
        let Value::Object(map) = value else {
            if let Value::Array(items) = value {
                items.iter().for_each(|item| self.find_anchors(item, base));
            }
            return;
        };
        let base = if is_resource(map) { value } else { base };
        for key in ["$id", "$anchor"] {
            let Some(name) = map.get(key).and_then(Value::as_str) else { continue };
            let name =
                if key == "$anchor" { format!("#{name}") } else { name.trim_end_matches('#').to_owned() };
            self.anchors.entry(name).or_insert((value, base));
        }
        for (key, value) in map {
            if !matches!(key.as_str(), "const" | "enum" | "default" | "examples") {
                self.find_anchors(value, base);
            }
        }
    }

    /// `value` in draft 2020-12.
    fn schema(&mut self, value: &'a Value, place: &Place<'a>) -> Result<Value> {
        let map = match value {
            Value::Bool(_) => return Ok(value.clone()),
            Value::Object(map) => map,
            _ => return Err(place.refuse("schema", "must be an object, true or false")),
        };
        let place =
            &Place { base: if is_resource(map) { value } else { place.base }, path: place.path.clone() };
        if self.old
            && let Some(reference) = map.get("$ref")
        {
            return Ok(json!({"$ref": self.reference(reference, place)?}));
        }
        let mut out = Map::new();
        for (key, value) in map {
            let here = place.at(key);
            let key = key.as_str();
            match key {
                "$ref" => drop(out.insert(key.into(), self.reference(value, place)?.into())),
                "$dynamicRef" | "$recursiveRef" => {
                    return Err(place.refuse(key, "is not supported: write $ref"));
                }
                "items" | "additionalItems" => self.items(key, map, &mut out, place)?,
                "dependencies" => self.dependencies(value, &mut out, &here)?,
                _ if ONE.contains(&key) => drop(out.insert(key.into(), self.schema(value, &here)?)),
                _ if LIST.contains(&key) => drop(out.insert(key.into(), self.list(value, &here)?)),
                _ if NAMED.contains(&key) => drop(out.insert(key.into(), self.named(key, value, &here)?)),
                _ if KEPT.contains(&key) => {
                    check_value(key, value, place)?;
                    keep(key, value, map, &mut out);
                }
                // A place is resolved by now, an annotation is not for a grammar, an unknown keyword says nothing.
                _ => {}
            }
        }
        settle(&mut out);
        Ok(Value::Object(out))
    }

    fn list(&mut self, value: &'a Value, place: &Place<'a>) -> Result<Value> {
        let Value::Array(schemas) = value else {
            return Err(place.refuse("schema", "must be a list of schemas"));
        };
        schemas.iter().enumerate().map(|(i, schema)| self.schema(schema, &place.at(&i.to_string()))).collect()
    }

    fn named(&mut self, key: &str, value: &'a Value, place: &Place<'a>) -> Result<Value> {
        let Value::Object(schemas) = value else {
            return Err(place.refuse(key, "must be an object of schemas"));
        };
        if key == "patternProperties" {
            if schemas.len() > MAX_PATTERN_PROPERTIES {
                return Err(place.refuse(key, format!("may have {MAX_PATTERN_PROPERTIES} patterns")));
            }
            for pattern in schemas.keys() {
                regex::check_pattern(pattern).map_err(|why| place.refuse(key, why))?;
            }
        }
        let schemas =
            schemas.iter().map(|(name, schema)| Ok((name.clone(), self.schema(schema, &place.at(name))?)));
        schemas.collect::<Result<Map<_, _>>>().map(Value::Object)
    }

    /// A list of `items` was what `prefixItems` is now, with `additionalItems` for the rest.
    fn items(
        &mut self,
        key: &str,
        map: &'a Map<String, Value>,
        out: &mut Map<String, Value>,
        place: &Place<'a>,
    ) -> Result<()> {
        let value = &map[key];
        let is_list = map.get("items").is_some_and(Value::is_array);
        match key {
            "items" if is_list => {
                out.insert("prefixItems".into(), self.list(value, &place.at(key))?);
            }
            "additionalItems" if is_list => {
                out.insert("items".into(), self.schema(value, &place.at(key))?);
            }
            "items" => {
                out.insert("items".into(), self.schema(value, &place.at(key))?);
            }
            // Without a list it says nothing.
            _ => {}
        }
        Ok(())
    }

    /// What was split into `dependentRequired` and `dependentSchemas`.
    fn dependencies(
        &mut self,
        value: &'a Value,
        out: &mut Map<String, Value>,
        place: &Place<'a>,
    ) -> Result<()> {
        let Value::Object(dependencies) = value else {
            return Err(place.refuse("dependencies", "must be an object"));
        };
        for (name, dependency) in dependencies {
            let (key, dependency) = match dependency {
                Value::Array(_) => ("dependentRequired", dependency.clone()),
                schema => ("dependentSchemas", self.schema(schema, &place.at(name))?),
            };
            if let Value::Object(all) = out.entry(key).or_insert(json!({})) {
                all.insert(name.clone(), dependency);
            }
        }
        Ok(())
    }

    fn reference(&mut self, reference: &'a Value, place: &Place<'a>) -> Result<String> {
        let Value::String(reference) = reference else {
            return Err(place.refuse("$ref", "must be a string"));
        };
        let (target, base) = self.resolve(reference, place.base).ok_or_else(|| {
            let why = match reference.starts_with('#') {
                true => format!("there is no {reference:?} in the schema"),
                false => {
                    format!("{reference:?} is not in the schema, and nothing is fetched: put it under $defs")
                }
            };
            place.refuse("$ref", why)
        })?;
        let address = std::ptr::from_ref(target).addr();
        let next = self.first + self.names.len();
        let name = self.names.entry(address).or_insert_with(|| {
            let name = format!("d{next}");
            let place = Place { base, path: reference.clone() };
            self.waiting.push((name.clone(), target, place));
            name
        });
        Ok(format!("#/$defs/{name}"))
    }

    /// What a reference means, and the schema that references there start from.
    fn resolve(&self, reference: &str, base: &'a Value) -> Option<(&'a Value, &'a Value)> {
        let (resource, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = match resource {
            "" => base,
            resource => self.anchors.get(resource)?.0,
        };
        let fragment = percent_decoded(fragment)?;
        match fragment.as_str() {
            "" => Some((base, base)),
            pointer if pointer.starts_with('/') => Some((base.pointer(pointer)?, base)),
            anchor => {
                let found = self.anchors.get(&format!("#{anchor}"))?;
                std::ptr::eq(found.1, base).then_some(*found)
            }
        }
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'%' => {
                let digits = std::str::from_utf8(after.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                &after[2..]
            }
            byte => {
                bytes.push(byte);
                after
            }
        };
    }
    String::from_utf8(bytes).ok()
}

/// Refuses a value that guidance would get wrong.
fn check_value(key: &str, value: &Value, place: &Place<'_>) -> Result<()> {
    match (key, value) {
        ("pattern", Value::String(pattern)) => {
            regex::check_pattern(pattern).map_err(|why| place.refuse("pattern", why))
        }
        ("multipleOf", Value::Number(number)) if !is_small_multiple(number) => {
            Err(place.refuse(key, "cannot be enforced above 10000, or with more than six decimals"))
        }
        _ => cannot_be_written(value).map_or(Ok(()), |why| Err(place.refuse(key, why))),
    }
}

fn is_small_multiple(number: &Number) -> bool {
    let Some(float) = number.as_f64() else { return false };
    let digits = (float * 1e6).fract() == 0.0 || number.to_string().len() <= 8;
    float > 0.0 && float <= MAX_MULTIPLE && digits
}

/// Why a value of a schema cannot be written exactly.
fn cannot_be_written(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.as_f64().is_none_or(|float| float.abs() >= MAX_NUMBER) => {
            Some(format!("{number} is not below 2^53, where numbers are exact"))
        }
        Value::String(text) => text.chars().any(regex::is_control).then(|| regex::CONTROL.to_owned()),
        Value::Array(items) => items.iter().find_map(cannot_be_written),
        Value::Object(map) => map.values().find_map(cannot_be_written),
        _ => None,
    }
}

/// Keeps a keyword, in today's spelling.
fn keep(key: &str, value: &Value, map: &Map<String, Value>, out: &mut Map<String, Value>) {
    let beside = match key {
        "exclusiveMinimum" => "minimum",
        "exclusiveMaximum" => "maximum",
        _ => "",
    };
    let value = match (value, map.get(beside)) {
        // Draft 4 says whether the bound beside it is exclusive.
        (Value::Bool(true), Some(bound)) => bound.clone(),
        (Value::Bool(_), _) if !beside.is_empty() => return,
        // 2.0 is a count, too.
        (Value::Number(number), _) if COUNTS.contains(&key) && number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float >= 0.0 => Value::from(float as u64),
            _ => value.clone(),
        },
        _ => value.clone(),
    };
    out.insert(key.into(), value);
}

/// Says simply what was said in a roundabout way.
fn settle(out: &mut Map<String, Value>) {
    let is_plain = !out.keys().any(|key| {
        IN_PLACE.contains(&key.as_str()) || matches!(key.as_str(), "$ref" | "dependentSchemas" | "contains")
    });
    for (evaluated, plain) in
        [("unevaluatedProperties", "additionalProperties"), ("unevaluatedItems", "items")]
    {
        if is_plain && let Some(value) = out.shift_remove(evaluated) {
            out.entry(plain).or_insert(value);
        }
    }
}

/// The definitions that `schema` refers to of the same value.
fn targets<'s>(schema: &'s Value, found: &mut Vec<&'s str>) {
    let Value::Object(map) = schema else { return };
    found.extend(map.get("$ref").and_then(Value::as_str).and_then(name_of));
    for key in IN_PLACE {
        match map.get(*key) {
            Some(Value::Array(schemas)) => schemas.iter().for_each(|schema| targets(schema, found)),
            Some(schema) => targets(schema, found),
            None => {}
        }
    }
    if let Some(Value::Object(schemas)) = map.get("dependentSchemas") {
        schemas.values().for_each(|schema| targets(schema, found));
    }
}

fn name_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/$defs/")
}

/// The definitions that are one part of an object among others. `alone` is whether `schema` is no such part.
fn parts<'s>(schema: &'s Value, alone: bool, found: &mut Vec<&'s str>) {
    let Value::Object(map) = schema else { return };
    let inside = alone && is_alone(map);
    if !inside {
        found.extend(map.get("$ref").and_then(Value::as_str).and_then(name_of));
    }
    for (key, value) in map {
        let alone = match key.as_str() {
            "anyOf" | "oneOf" => inside,
            key if IN_PLACE.contains(&key) || key == "dependentSchemas" => false,
            _ => true,
        };
        each_schema(key, value, &mut |schema| parts(schema, alone, found));
    }
}

/// Calls `work` with the schemas of a keyword.
fn each_schema<'s>(key: &str, value: &'s Value, work: &mut impl FnMut(&'s Value)) {
    match value {
        Value::Array(schemas) if LIST.contains(&key) => schemas.iter().for_each(work),
        Value::Object(schemas) if NAMED.contains(&key) => schemas.values().for_each(work),
        schema if ONE.contains(&key) => work(schema),
        _ => {}
    }
}

/// Whether what `$ref`, `anyOf` or `oneOf` of an object says is all that is said of it.
fn is_alone(map: &Map<String, Value>) -> bool {
    let sources = ["$ref", "anyOf", "oneOf"].iter().filter(|key| map.contains_key(**key)).count();
    sources == 1
        && map.keys().all(|key| matches!(key.as_str(), "$ref" | "anyOf" | "oneOf" | "type" | "$defs"))
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
    "dependentSchemas",
    "dependentRequired",
];

/// Closes objects. `alone` is whether nothing else is said of the value of this schema.
fn close(schema: &mut Value, alone: bool) {
    let Value::Object(map) = schema else { return };
    let is_open = OPEN.iter().any(|key| map.contains_key(*key));
    if alone && map.contains_key("properties") && !is_open && requires_only_named(map) {
        map.insert("additionalProperties".into(), Value::Bool(false));
    }
    count_afterwards(map);
    let inside = alone && is_alone(map);
    for (key, value) in map.iter_mut() {
        let alone = match key.as_str() {
            "anyOf" | "oneOf" => inside,
            key if IN_PLACE.contains(&key) || key == "dependentSchemas" => false,
            _ => true,
        };
        match value {
            Value::Array(schemas) if LIST.contains(&key.as_str()) => {
                schemas.iter_mut().for_each(|schema| close(schema, alone));
            }
            Value::Object(schemas) if NAMED.contains(&key.as_str()) => {
                schemas.values_mut().for_each(|schema| close(schema, alone));
            }
            schema if ONE.contains(&key.as_str()) => close(schema, alone),
            _ => {}
        }
    }
}

/// Guidance can count properties only where none is optional, and else takes the least number for that of
/// further ones, which a closed object cannot have.
fn count_afterwards(map: &mut Map<String, Value>) {
    let is_closed = map.get("additionalProperties") == Some(&Value::Bool(false));
    let least = map.get("minProperties").and_then(Value::as_u64).unwrap_or_default();
    let is_known_to_guidance = least == 1 && !map.contains_key("patternProperties");
    if is_closed && !is_known_to_guidance && map.contains_key("properties") {
        map.shift_remove("minProperties");
    }
}

fn requires_only_named(map: &Map<String, Value>) -> bool {
    let Some(Value::Array(required)) = map.get("required") else { return true };
    let named = map.get("properties").and_then(Value::as_object);
    required.iter().filter_map(Value::as_str).all(|name| named.is_some_and(|named| named.contains_key(name)))
}
