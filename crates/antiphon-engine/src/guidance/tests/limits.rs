//! Schemas and grammars that would take for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use antiphon_core::Kind;
use serde_json::{Map, Value, json};

use super::{compiled, guidance, walk};
use crate::guidance::{Grammar, Guidance, Guide};
use crate::random::Random;

/// Those that compile may be too much for a mask; that is an error, too.
fn check(grammar: Grammar, expected: &str) {
    let what: String = format!("{grammar:?}").chars().take(80).collect();
    match compiled(grammar) {
        Err(error) => {
            assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("form")), "{what}");
            assert!(error.message().contains(expected) && expected != "ok", "{what}: {}", error.message());
        }
        Ok(compiled) => {
            assert_eq!(expected, "ok", "{what}");
            if let Err(reason) = walk(&compiled.matcher, &mut Random::new(3), 300) {
                assert!(!reason.contains("panic"), "{what}: {reason}");
            }
        }
    }
}

fn schemas(count: usize, schema: impl Fn(usize) -> (String, Value)) -> Map<String, Value> {
    (0..count).map(schema).collect()
}

fn nested(levels: usize, around: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(json!({"type": "string"}), |inner, _| around(inner))
}

#[test]
fn schemas_that_explode() {
    let words = |count: usize| (0..count).map(|i| Value::from(format!("word {i}"))).collect::<Vec<_>>();
    let chain = |length: usize| {
        let mut definitions =
            schemas(length, |i| (format!("a{i}"), json!({"$ref": format!("#/$defs/a{}", i + 1)})));
        definitions.insert(format!("a{length}"), json!({"type": "boolean"}));
        json!({"$defs": definitions, "$ref": "#/$defs/a0"})
    };
    let choices =
        |i: usize| json!({"anyOf": [{"required": [format!("a{i}")]}, {"required": [format!("b{i}")]}]});
    for (schema, expected) in [
        (json!({"enum": words(5000)}), "ok"),
        (json!({"enum": words(100_000)}), "is too large"),
        (json!({"const": "x".repeat(10 << 20)}), "is too large"),
        (json!({"type": "string", "minLength": 1_000_000}), "ok"),
        (json!({"type": "string", "maxLength": 1_000_000}), "ok"),
        (json!({"type": "array", "items": {"type": "null"}, "maxItems": 1_000_000}), "ok"),
        (json!({"type": "array", "items": {"type": "null"}, "minItems": 1_000_000}), "ok"),
        (json!({"type": "string", "pattern": "^(a{1000}){1000}$"}), "pattern: repeats repetitions too often"),
        (json!({"type": "string", "pattern": "^(a|b)*a(a|b){40}$"}), "ok"),
        (json!({"type": "string", "pattern": "(x+x+)+y"}), "ok"),
        (json!({"type": "string", "pattern": "(?=a)b"}), "lookahead"),
        (nested(40, |inner| json!({"type": "object", "properties": {"a": inner}})), "ok"),
        (nested(200, |inner| json!({"type": "array", "items": inner})), "is too deep"),
        (chain(900), "ok"),
        (chain(5000), "more than 1000 definitions"),
        (json!({"allOf": (0..30).map(choices).collect::<Vec<_>>()}), "does not compile: schema too large"),
        (json!({"properties": schemas(300, |i| (format!("p{i}"), json!({"type": "null"})))}), "ok"),
        (
            json!({"patternProperties": schemas(200, |i| (format!("^p{i}x"), json!({})))}),
            "patternProperties: may have 50",
        ),
        (json!({"type": "integer", "multipleOf": 1_000_003}), "multipleOf: cannot be enforced above 10000"),
        (json!({"minimum": 1e300}), "minimum: "),
        (json!({"const": 9_007_199_254_740_993_u64}), "const: 9007199254740993 is not below 2^53"),
        (json!({"$ref": "#"}), "$ref: a schema refers to itself"),
        (json!({"anyOf": [{"$ref": "#"}, {"type": "null"}]}), "$ref: a schema refers to itself"),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}}),
            "$ref: a schema refers to itself",
        ),
        // It has no end, as its answers have none.
        (json!({"type": "array", "items": {"$ref": "#"}, "minItems": 1}), "ok"),
        (json!({"$ref": "https://example.com/x.json"}), "nothing is fetched"),
        (
            json!({"properties": {"a": {"$ref": "#/$defs/none"}}}),
            "$ref: there is no \"#/$defs/none\" in the schema (at /properties/a)",
        ),
        (json!({"$dynamicRef": "#x"}), "$dynamicRef: is not supported"),
        (json!({"type": "strin"}), "is no JSON schema: \"strin\""),
        (json!({"required": true}), "is no JSON schema"),
        (json!({"properties": [1]}), "properties: must be an object"),
        (json!({"const": "a\u{0}"}), "const: control characters"),
        (json!(false), "no answer fits"),
        (json!({"type": "string", "minLength": 3, "maxLength": 2}), "does not compile: Unsatisfiable"),
    ] {
        check(Grammar::Json(schema), expected);
    }
}

#[test]
fn expressions_and_grammars_that_explode() {
    for (regex, expected) in [
        ("(a{1000}){1000}", "repeats repetitions"),
        ("(a|b)*a(a|b){30}", "ok"),
        (".*a.{200}b.*c.{200}", "ok"),
        ("x{0,100000000}", "ok"),
        (r"(a)\1", "backreferences"),
        (r"\bfoo\b", "word boundary"),
    ] {
        check(Grammar::Regex(regex.into()), expected);
    }
    let alternatives = (0..3000).map(|i| format!("\"word {i}\"")).collect::<Vec<_>>().join(" | ");
    let deep = |i: usize| format!("r{i}: r{} r{} | \"x\"\n", i + 1, i + 1);
    for (grammar, expected) in [
        (format!("start: {alternatives}"), "ok"),
        ("start: e\ne: e e | \"x\"".into(), "ok"),
        ("start: \"a\"{1000000}".into(), "ok"),
        (format!("start: r0\n{}r60: \"y\"", (0..60).map(deep).collect::<String>()), "ok"),
        (format!("start: \"{}\"", "x".repeat(300 << 10)), "is longer than 256 KB"),
        (format!("start: {}\"a\"{}", "(".repeat(20_000), ")".repeat(20_000)), "too deep"),
        (format!("root ::= {}\"a\"{}", "(".repeat(20_000), ")".repeat(20_000)), "groups are too deep"),
        ("start: a".into(), "line 1, column 8: unknown name: \"a\""),
        ("start: a\na: \"b\" c\n".into(), "line 2, column 4: unknown name: \"c\""),
        ("start: A\nA: /(/".into(), "line 2, column 4: invalid regex"),
    ] {
        check(Grammar::Context(grammar), expected);
    }
    check(Grammar::Choice(Vec::new()), "must have 1 to 10000 texts");
    check(Grammar::Choice(vec!["x".into(); 20_000]), "must have 1 to 10000 texts");
}

#[test]
fn what_takes_too_long_is_given_up_and_counted() {
    let own = Guidance::new(guidance().vocabulary.clone());
    let end = Arc::new(AtomicBool::new(false));
    for _ in 0..4 {
        let end = end.clone();
        let outcome = own.within_deadline(move || {
            while !end.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        });
        assert_eq!(outcome.unwrap_err().message(), "takes too long to compile");
    }
    let guide = Guide { field: "guided_regex", grammar: Grammar::Regex("a".into()) };
    let error = own.compiled(&guide).err().unwrap();
    assert_eq!((error.kind(), error.field()), (Kind::RateLimit, Some("guided_regex")));
    // What was given up ends at last, and then there is room again.
    end.store(true, Ordering::Relaxed);
    while own.compiled(&guide).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn many_that_want_the_same_at_once_have_it() {
    let own = Guidance::new(guidance().vocabulary.clone());
    let guide = Guide { field: "guided_regex", grammar: Grammar::Regex("[a-z]{3,9}".into()) };
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..40).map(|_| scope.spawn(|| own.compiled(&guide).map(drop))).collect();
        for asked in asking {
            asked.join().unwrap().unwrap();
        }
    });
}

#[test]
fn a_panic_is_an_error() {
    let outcome = guidance().within_deadline(|| -> antiphon_core::Result<()> { panic!("oh") });
    assert_eq!(outcome.unwrap().unwrap_err().message(), "compiling the grammar panicked: oh");
}
