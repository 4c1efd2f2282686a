//! What a provider says went wrong, read the same way for every dialect; each has its own rules for the kind.

use serde_json::Value;

use super::excerpt::excerpt;
use crate::{Error, Kind, Map};

/// Where a rule looks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Field {
    /// `error.code` or `error.type`, equal but for case: providers put the same words in either.
    Code,
    /// `error.message` has it, but for case.
    Message,
}

/// One row of a dialect's rules. The first that fits decides.
pub(super) struct Rule {
    field: Field,
    text: &'static str,
    /// Only for these statuses; empty for all. An error inside a stream has no status and fits each.
    statuses: &'static [u16],
    kind: Kind,
}

pub(super) const fn code(text: &'static str, kind: Kind) -> Rule {
    Rule { field: Field::Code, text, statuses: &[], kind }
}

pub(super) const fn message(text: &'static str, statuses: &'static [u16], kind: Kind) -> Rule {
    Rule { field: Field::Message, text, statuses, kind }
}

/// Statuses with which servers refuse a request for what is in it.
pub(super) const REFUSED: &[u16] = &[400, 413, 422];

/// The kind that the first fitting rule says.
pub(super) fn kind_by(rules: &[Rule], fault: &Fault, status: Option<u16>) -> Option<Kind> {
    rules.iter().find(|rule| fault.fits(rule, status)).map(|rule| rule.kind)
}

/// What a provider said, as far as it said it.
#[derive(Debug, Default)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) kind: String,
    pub(super) code: String,
    pub(super) param: String,
}

impl Fault {
    /// Finds the error in a body: under `error` by the reference; at the top (Mistral, older vLLM, Cerebras);
    /// under `detail` (FastAPI); first of a list (Gemini's compatible face).
    pub(super) fn from_body(body: Value) -> Option<Self> {
        match body {
            Value::Array(items) => items.into_iter().next().and_then(Self::from_body),
            Value::Object(mut map) => match map.shift_remove("error").filter(|error| !error.is_null()) {
                Some(Value::String(text)) if map.contains_key("message") => {
                    map.insert("code".into(), text.into());
                    Some(Self::from_map(map))
                }
                // xAI's words stand beside their code.
                Some(Value::String(text)) if map.contains_key("code") => {
                    map.insert("message".into(), text.into());
                    Some(Self::from_map(map))
                }
                Some(error) => Some(Self::from_error(error)),
                None => Some(Self::from_map(map)),
            },
            _ => None,
        }
    }

    pub(super) fn from_error(error: Value) -> Self {
        match error {
            Value::Object(map) => Self::from_map(map),
            Value::String(message) => Self { message, ..Self::default() },
            other => Self { message: other.to_string(), ..Self::default() },
        }
    }

    fn from_map(mut map: Map) -> Self {
        let mut field = |name: &str| map.shift_remove(name).map(words).unwrap_or_default();
        let message = [field("message"), field("detail"), field("error")];
        let mut fault = Self {
            message: message.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
            kind: field("type"),
            code: field("code"),
            param: field("param"),
        };
        // OpenRouter's "Provider returned error" says nothing without what that provider said.
        if let Some(raw) =
            map.get("metadata").and_then(|metadata| metadata.get("raw")).and_then(Value::as_str)
        {
            fault.message = format!("{}: {raw}", fault.message);
        }
        // Anthropic's place for a code of its own.
        if fault.code.is_empty()
            && let Some(code) = map.get("details").and_then(|details| details.get("error_code"))
        {
            fault.code = code.as_str().unwrap_or_default().to_owned();
        }
        fault
    }

    /// The error, of the kind that `classify` says; `text` is what was read, for who said too little.
    pub(super) fn into_error(
        self,
        status: Option<u16>,
        text: &str,
        classify: impl Fn(&Self, Option<u16>) -> Kind,
    ) -> Error {
        // An error inside an answer of status 200 may give the status that it stands for as its code.
        let status = status.or_else(|| self.code.parse().ok().filter(|code| (400..600).contains(code)));
        let kind = classify(&self, status);
        let message = match (excerpt(&self.message), status) {
            (message, _) if !message.is_empty() => message,
            (_, Some(status)) => join(&format!("the provider answered with status {status}"), text),
            (_, None) => join("the provider answered with an error", text),
        };
        let mut error = Error::new(kind, message);
        if let Some(status) = status {
            error = error.status(status);
        }
        let code = if self.code.is_empty() { self.kind } else { self.code };
        if !code.is_empty() {
            error = error.code(excerpt(&code));
        }
        if !self.param.is_empty() {
            error = error.param(excerpt(&self.param));
        }
        error
    }

    fn fits(&self, rule: &Rule, status: Option<u16>) -> bool {
        if !rule.statuses.is_empty() && status.is_some_and(|status| !rule.statuses.contains(&status)) {
            return false;
        }
        match rule.field {
            Field::Code => {
                [&self.code, &self.kind].into_iter().any(|word| word.eq_ignore_ascii_case(rule.text))
            }
            Field::Message => self.message.to_ascii_lowercase().contains(rule.text),
        }
    }
}

/// A field as words. What FastAPI found wrong is a list of places and messages, which Mistral and others put
/// into `message` or `detail`.
fn words(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(items) => items.into_iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Object(mut map) => match (map.get("msg").and_then(Value::as_str), map.get("loc")) {
            (Some(message), Some(Value::Array(place))) if place.len() > 1 => {
                format!("{}: {message}", path(place))
            }
            (Some(message), _) => message.to_owned(),
            (None, _) => match map.shift_remove("detail") {
                Some(detail) => words(detail),
                None => Value::Object(map).to_string(),
            },
        },
        other => other.to_string(),
    }
}

/// `["body", "messages", 0, "name"]` as `messages.0.name`.
fn path(place: &[Value]) -> String {
    let inside = place.iter().skip(usize::from(place.first().is_some_and(|first| first == "body")));
    inside.cloned().map(words).collect::<Vec<_>>().join(".")
}

fn join(problem: &str, text: &str) -> String {
    match excerpt(text) {
        text if text.is_empty() => problem.to_owned(),
        text => format!("{problem}: {text}"),
    }
}
