//! Guidance: which tokens may come next, so that an answer follows a schema, expression or grammar.
//!
//! llguidance's [`Matcher`](llguidance::Matcher) is used directly: its mask goes into our own sampler, and what
//! it complains of is the request's error. What it would not hold an answer to is refused by name, or said of
//! the answer afterwards (`docs/structured-output.md` has the table).

mod compile;
mod environment;
mod gbnf;
mod regex;
mod schema;
#[cfg(test)]
mod tests;

use antiphon_core::{Error, Params, Request, ResponseFormat, Result};
use serde_json::{Map, Value, json};

pub(crate) use self::compile::{Checks, Compiled, Guidance, one_line};

/// vLLM's newer name for the `guided_*`, all in one object.
pub(crate) const STRUCTURED_OUTPUTS: &str = "structured_outputs";

/// What an answer has to follow, and the field that says so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guide {
    pub(crate) field: &'static str,
    pub(crate) grammar: Grammar,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Grammar {
    /// JSON of this schema.
    Json(Value),
    /// A call of one of these tools: name and schema of the arguments. `arguments` is the key of those.
    Calls {
        arguments: &'static str,
        tools: Vec<(String, Value)>,
    },
    Regex(String),
    Choice(Vec<String>),
    /// In llguidance's form of Lark, or in llama.cpp's GBNF.
    Context(String),
}

impl Guide {
    /// What `request` asks for; two at once are refused.
    pub(crate) fn of(request: &Request) -> Result<Option<Guide>> {
        let Params { guided_json, guided_regex, guided_choice, guided_grammar, .. } = &request.params;
        let format = match &request.response_format {
            Some(ResponseFormat::JsonObject) => Some(any_object()),
            Some(ResponseFormat::JsonSchema { schema, .. }) => Some(Grammar::Json(schema.clone())),
            _ => None,
        };
        let schema = guided_json.as_ref().map(|schema| parsed("guided_json", schema)).transpose()?;
        let candidates = [
            ("response_format", format),
            ("guided_json", schema),
            ("guided_regex", guided_regex.clone().map(Grammar::Regex)),
            ("guided_choice", guided_choice.clone().map(Grammar::Choice)),
            ("guided_grammar", guided_grammar.clone().map(Grammar::Context)),
            (STRUCTURED_OUTPUTS, structured_outputs(request)?),
        ];
        let mut given =
            candidates.into_iter().filter_map(|(field, grammar)| Some(Guide { field, grammar: grammar? }));
        let first = given.next();
        if let (Some(first), Some(second)) = (&first, given.next()) {
            let message = format_args!("cannot be combined with {}", first.field);
            return Err(Error::invalid(second.field, message).hint("give one of them"));
        }
        Ok(first)
    }

    /// The sentence that tells the model of it, where there is one.
    pub(crate) fn instruction(&self) -> Option<String> {
        match &self.grammar {
            grammar if *grammar == any_object() => Some("Answer in JSON.".into()),
            Grammar::Json(schema) => Some(format!("Answer in JSON with this schema: {schema}")),
            _ => None,
        }
    }
}

/// Whether `request` asks for guidance, of whatever kind.
pub(crate) fn is_asked(request: &Request) -> bool {
    !matches!(Guide::of(request), Ok(None))
}

fn any_object() -> Grammar {
    Grammar::Json(json!({"type": "object"}))
}

/// vLLM also takes the schema as text.
fn parsed(field: &str, schema: &Value) -> Result<Grammar> {
    match schema {
        Value::String(text) => serde_json::from_str(text)
            .map(Grammar::Json)
            .map_err(|error| Error::invalid(field, format_args!("is no JSON: {error}"))),
        Value::Object(_) | Value::Bool(_) => Ok(Grammar::Json(schema.clone())),
        _ => Err(Error::invalid(field, "must be a JSON schema (an object)")),
    }
}

/// What vLLM's object says: exactly one of its kinds.
fn structured_outputs(request: &Request) -> Result<Option<Grammar>> {
    let map = match request.extra.get(STRUCTURED_OUTPUTS) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(Error::invalid(STRUCTURED_OUTPUTS, "must be an object")),
    };
    let given: Map<String, Value> =
        map.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut given = given.into_iter();
    let path = |name: &str| format!("{STRUCTURED_OUTPUTS}.{name}");
    match (given.next(), given.next()) {
        (None, _) => Err(Error::invalid(STRUCTURED_OUTPUTS, "needs one of json, regex, choice, grammar")),
        (Some((first, _)), Some((second, _))) => {
            let message = format_args!("cannot be combined with {}", path(&first));
            Err(Error::invalid(path(&second), message).hint("give one of them"))
        }
        (Some((name, value)), None) => structured_output(&name, value)
            .map_err(|wanted| {
                let wanted =
                    wanted.unwrap_or("is not known to local models: give json, regex, choice or grammar");
                Error::invalid(path(&name), wanted)
            })
            .and_then(|grammar| match grammar {
                Grammar::Json(schema) => parsed(&path("json"), &schema).map(Some),
                grammar => Ok(Some(grammar)),
            }),
    }
}

fn structured_output(name: &str, value: Value) -> Result<Grammar, Option<&'static str>> {
    match (name, value) {
        ("json", schema) => Ok(Grammar::Json(schema)),
        ("json_object", Value::Bool(true)) => Ok(any_object()),
        ("json_object", _) => Err(Some("must be true")),
        ("regex", Value::String(regex)) => Ok(Grammar::Regex(regex)),
        ("grammar", Value::String(grammar)) => Ok(Grammar::Context(grammar)),
        ("regex" | "grammar", _) => Err(Some("must be a string")),
        ("choice", Value::Array(texts)) => {
            let texts = texts.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>();
            texts.map(Grammar::Choice).ok_or(Some("must be a list of strings"))
        }
        ("choice", _) => Err(Some("must be a list of strings")),
        _ => Err(None),
    }
}
