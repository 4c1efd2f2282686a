//! `guided_json`, `guided_regex`, `guided_choice` and `guided_grammar`: in the words of the server that is asked,
//! and held against its answer, for a server passes over in silence what it does not know.

use std::borrow::Cow;

use antiphon_core::{Error, FinishReason, Kind, Map, Request, ResponseFormat, Result, Strict, Task};
use jsonschema::Validator;
use serde_json::{Value, json};

use super::check::{compiled, told};

/// In whose words the form is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As it is given: vLLM's before 0.12, and LLM Engine's.
    AsGiven,
    /// vLLM's from 0.12 on.
    Nested,
    /// Both, for a vLLM whose version is not known: each passes over the other's.
    Both,
    /// SGLang's.
    Sglang,
    /// TGI's.
    Tgi,
}

/// Rewrites the request in these words. What they have no word for is [`Kind::UnsupportedParams`].
pub(crate) fn spell(request: &mut Request, spelling: Spelling) -> Result<()> {
    // Two of them are no request.
    let field = request.params.guided().next();
    let Some(field) = field else {
        if spelling == Spelling::Tgi {
            tgi_format(request);
        }
        return Ok(());
    };
    if request.response_format.is_some() {
        return Err(Error::invalid(field, "cannot be given together with response_format"));
    }
    match spelling {
        Spelling::AsGiven => Ok(()),
        Spelling::Nested => nested(request, field, true),
        Spelling::Both => nested(request, field, false),
        Spelling::Sglang => sglang(request, field),
        Spelling::Tgi => tgi(request, field),
    }
}

fn unsupported(field: &str, why: &str) -> Error {
    Error::new(Kind::UnsupportedParams, format!("{field}: {why}")).param(field)
}

/// The parameter's value, which it then has no more.
fn take(request: &mut Request, field: &str) -> Value {
    let value = request.params.to_json().remove(field).unwrap_or_default();
    // It is a parameter of that name that was set, so it can be unset.
    let _ = request.params.set(field, Value::Null);
    value
}

fn nested(request: &mut Request, field: &'static str, alone: bool) -> Result<()> {
    if request.extra.contains_key("structured_outputs") {
        return Err(Error::invalid(field, "cannot be given together with structured_outputs"));
    }
    let value = match alone {
        true => take(request, field),
        false => request.params.to_json().remove(field).unwrap_or_default(),
    };
    let kind = field.trim_start_matches("guided_");
    request.extra.insert("structured_outputs".into(), json!({kind: value}));
    Ok(())
}

fn sglang(request: &mut Request, field: &'static str) -> Result<()> {
    if field == "guided_grammar" && !request.params.guided_grammar.as_deref().is_some_and(is_ebnf) {
        return Err(unsupported(
            field,
            "SGLang takes a grammar in EBNF (`root ::= …`), not in Lark's notation",
        ));
    }
    let is_chat = request.task == Task::Chat;
    let value = take(request, field);
    match field {
        "guided_json" if is_chat => request.response_format = Some(schema_format(value)),
        "guided_json" => put(request, "json_schema", value.to_string().into()),
        "guided_choice" => put(request, "regex", alternation(&value).into()),
        "guided_regex" => put(request, "regex", value),
        _ => put(request, "ebnf", value),
    }
    Ok(())
}

fn put(request: &mut Request, name: &str, value: Value) {
    request.extra.insert(name.to_owned(), value);
}

/// Lark's rules are `name: …`.
fn is_ebnf(grammar: &str) -> bool {
    grammar.contains("::=")
}

fn schema_format(schema: Value) -> ResponseFormat {
    ResponseFormat::JsonSchema {
        name: "guided_json".to_owned(),
        description: None,
        schema,
        strict: Strict::Unsaid,
    }
}

fn tgi(request: &mut Request, field: &'static str) -> Result<()> {
    if request.task != Task::Chat {
        return Err(unsupported(field, "TGI's raw prompts have none; ask a chat"));
    }
    if field == "guided_grammar" {
        return Err(unsupported(field, "TGI has JSON schemas and regular expressions alone"));
    }
    let value = take(request, field);
    let (kind, value) = match field {
        "guided_json" => ("json", value),
        "guided_choice" => ("regex", alternation(&value).into()),
        _ => ("regex", value),
    };
    request.response_format = Some(tgi_grammar(kind, value));
    Ok(())
}

/// TGI's `response_format` has the names of OpenAI's, and other fields.
fn tgi_format(request: &mut Request) {
    request.response_format = match request.response_format.take() {
        Some(ResponseFormat::JsonSchema { name, schema, .. }) => {
            Some(tgi_grammar("json_schema", json!({"name": name, "schema": schema})))
        }
        Some(ResponseFormat::JsonObject) => Some(tgi_grammar("json_object", json!({"type": "object"}))),
        format => format,
    };
}

fn tgi_grammar(kind: &str, value: Value) -> ResponseFormat {
    let fields = [("type".to_owned(), kind.into()), ("value".to_owned(), value)];
    ResponseFormat::Other(fields.into_iter().collect::<Map>())
}

/// A regular expression that the choices match, and nothing else.
fn alternation(choices: &Value) -> String {
    let choices = choices.as_array().into_iter().flatten().filter_map(Value::as_str);
    format!("({})", choices.map(escaped).collect::<Vec<_>>().join("|"))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// vLLM also takes the schema as text.
fn parsed(schema: &Value) -> Result<Cow<'_, Value>> {
    let Some(text) = schema.as_str() else { return Ok(Cow::Borrowed(schema)) };
    let parsed = serde_json::from_str(text).map(Cow::Owned);
    parsed.map_err(|error| Error::invalid("guided_json", format_args!("is no JSON: {error}")))
}

/// What a server is asked to hold its model to.
#[derive(Debug)]
pub(super) struct Guided {
    form: Form,
    /// What ends an answer, and is then no part of it.
    stops: Vec<String>,
}

#[derive(Debug)]
enum Form {
    Json(Validator),
    /// A schema of texts that match.
    Regex(Validator),
    Choice(Vec<String>),
}

impl Guided {
    /// What can be checked of it: a grammar is the server's own affair, and so is a pattern in another dialect of
    /// regular expressions than ours.
    pub(super) fn of(request: &Request) -> Result<Option<Self>> {
        let params = &request.params;
        // An answer that repeats its prompt has another form.
        if matches!(&request.task, Task::Complete(task) if task.echo == Some(true)) {
            return Ok(None);
        }
        let form = match (&params.guided_json, &params.guided_regex, &params.guided_choice) {
            (Some(schema), ..) => Form::Json(compiled("guided_json", parsed(schema)?.as_ref())?),
            (None, Some(pattern), _) => {
                let schema = json!({"type": "string", "pattern": format!("^(?:{pattern})$")});
                match jsonschema::validator_for(&schema) {
                    Ok(validator) => Form::Regex(validator),
                    Err(_) => return Ok(None),
                }
            }
            (None, None, Some(choices)) => Form::Choice(choices.clone()),
            _ => return Ok(None),
        };
        Ok(Some(Self { form, stops: params.stop.clone().unwrap_or_default() }))
    }

    pub(super) fn field(&self) -> &'static str {
        match self.form {
            Form::Json(_) => "guided_json",
            Form::Regex(_) => "guided_regex",
            Form::Choice(_) => "guided_choice",
        }
    }

    /// What is wrong with an answer that ended so. One that was cut has its form as far as it goes.
    pub(super) fn check(&self, text: &str, reason: Option<&FinishReason>) -> Result<(), String> {
        if matches!(reason, Some(FinishReason::Length | FinishReason::ContentFilter)) {
            return Ok(());
        }
        let with_stop = self.stops.iter().any(|stop| self.fits(&format!("{text}{stop}")));
        let cut_by_stop = matches!(self.form, Form::Json(_)) && !self.stops.is_empty();
        if self.fits(text) || self.fits(text.trim()) || with_stop || cut_by_stop {
            return Ok(());
        }
        Err(match &self.form {
            Form::Json(validator) => match serde_json::from_str::<Value>(text) {
                Err(error) => format!("the answer is no JSON: {error}"),
                Ok(value) => validator.iter_errors(&value).take(1).map(|fault| told(&fault)).collect(),
            },
            Form::Regex(_) => "the answer does not match".to_owned(),
            Form::Choice(_) => "the answer is none of them".to_owned(),
        })
    }

    fn fits(&self, text: &str) -> bool {
        match &self.form {
            Form::Json(validator) => serde_json::from_str(text).is_ok_and(|value| validator.is_valid(&value)),
            Form::Regex(validator) => validator.is_valid(&text.into()),
            Form::Choice(choices) => choices.iter().any(|choice| choice == text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon_core::Operation;

    fn request(operation: Operation, extra: Value) -> Request {
        let mut map = match operation {
            Operation::Chat => json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
            _ => json!({"model": "m", "prompt": "hi"}),
        };
        map.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
        Request::read(operation, map.as_object().cloned().unwrap()).unwrap()
    }

    /// What the body has beside the prompt.
    fn spelt(operation: Operation, spelling: Spelling, extra: Value) -> Result<Value> {
        let mut request = request(operation, extra);
        spell(&mut request, spelling)?;
        let mut body = request.to_json();
        for name in ["model", "messages", "prompt"] {
            body.remove(name);
        }
        Ok(Value::Object(body))
    }

    #[test]
    fn each_server_is_asked_in_its_own_words() {
        use Operation::{Chat, TextCompletion as Text};
        use Spelling::{AsGiven, Both, Nested, Sglang, Tgi};
        let schema = json!({"type": "object"});
        let format = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}});
        let guided = json!({"type": "json_schema", "json_schema": {"name": "guided_json", "schema": schema}});
        let cases = [
            (Text, AsGiven, json!({"guided_regex": "a+"}), json!({"guided_regex": "a+"})),
            (Text, Nested, json!({"guided_regex": "a+"}), json!({"structured_outputs": {"regex": "a+"}})),
            (Chat, Nested, json!({"guided_json": schema}), json!({"structured_outputs": {"json": schema}})),
            (
                Chat,
                Both,
                json!({"guided_choice": ["a"]}),
                json!({"guided_choice": ["a"], "structured_outputs": {"choice": ["a"]}}),
            ),
            (Chat, Nested, json!({"guided_grammar": "x"}), json!({"structured_outputs": {"grammar": "x"}})),
            (Chat, Nested, json!({"response_format": format}), json!({"response_format": format})),
            (Chat, Sglang, json!({"guided_json": schema}), json!({"response_format": guided})),
            (Text, Sglang, json!({"guided_json": schema}), json!({"json_schema": r#"{"type":"object"}"#})),
            (Text, Sglang, json!({"guided_choice": ["a.b", "c"]}), json!({"regex": r"(a\.b|c)"})),
            (Chat, Sglang, json!({"guided_grammar": "root ::= x"}), json!({"ebnf": "root ::= x"})),
            (
                Chat,
                Tgi,
                json!({"guided_json": schema}),
                json!({"response_format": {"type": "json", "value": schema}}),
            ),
            (
                Chat,
                Tgi,
                json!({"guided_choice": ["a"]}),
                json!({"response_format": {"type": "regex", "value": "(a)"}}),
            ),
            (
                Chat,
                Tgi,
                json!({"response_format": format}),
                json!({"response_format": {"type": "json_schema", "value": {"name": "a", "schema": schema}}}),
            ),
            (
                Chat,
                Tgi,
                json!({"response_format": {"type": "json_object"}}),
                json!({"response_format": {"type": "json_object", "value": {"type": "object"}}}),
            ),
        ];
        for (operation, spelling, given, expected) in cases {
            assert_eq!(spelt(operation, spelling, given.clone()).unwrap(), expected, "{spelling:?} {given}");
        }
    }

    #[test]
    fn what_has_no_word_is_refused_by_its_name() {
        use Operation::{Chat, TextCompletion as Text};
        for (operation, spelling, given, field, kind) in [
            (
                Chat,
                Spelling::Sglang,
                json!({"guided_grammar": "start: /a/"}),
                "guided_grammar",
                Kind::UnsupportedParams,
            ),
            (Chat, Spelling::Tgi, json!({"guided_grammar": "x"}), "guided_grammar", Kind::UnsupportedParams),
            (Text, Spelling::Tgi, json!({"guided_regex": "x"}), "guided_regex", Kind::UnsupportedParams),
            (
                Chat,
                Spelling::Nested,
                json!({"guided_regex": "x", "response_format": {"type": "json_object"}}),
                "guided_regex",
                Kind::InvalidRequest,
            ),
        ] {
            let error = spelt(operation, spelling, given).unwrap_err();
            assert_eq!((error.kind(), error.field()), (kind, Some(field)));
        }
    }

    #[test]
    fn answers_are_held_against_what_was_asked() {
        let check = |asked: Value, text: &str, reason: FinishReason| {
            let request = request(Operation::TextCompletion, asked);
            Guided::of(&request).unwrap().unwrap().check(text, Some(&reason)).is_ok()
        };
        let stop = FinishReason::Stop;
        let email = json!({"guided_regex": r"\w+@\w+\.com\n", "stop": ["\n"]});
        let schema = json!({"guided_json": {"type": "object", "required": ["a"]}});
        for (asked, text, fits) in [
            (json!({"guided_regex": r"\d{3}"}), "123", true),
            (json!({"guided_regex": r"\d{3}"}), "1234", false),
            (email.clone(), "a@b.com", true),
            (email, "hello", false),
            (json!({"guided_choice": ["yes", "no"]}), "yes", true),
            (json!({"guided_choice": ["yes", "no"]}), " no", true),
            (json!({"guided_choice": ["yes", "no"]}), "maybe", false),
            (schema.clone(), r#"{"a": 1}"#, true),
            (schema.clone(), r#"{"b": 1}"#, false),
            (schema, "hi", false),
        ] {
            assert_eq!(check(asked.clone(), text, stop.clone()), fits, "{asked} {text}");
        }
        assert!(
            check(json!({"guided_regex": r"\d{3}"}), "12", FinishReason::Length),
            "cut, and right so far"
        );
    }

    #[test]
    fn what_is_no_pattern_of_ours_is_the_servers_affair() {
        let of = |asked: Value| Guided::of(&request(Operation::TextCompletion, asked)).unwrap();
        assert!(of(json!({"guided_regex": "("})).is_none());
        assert!(of(json!({"guided_grammar": "x"})).is_none());
        assert!(of(json!({"guided_regex": "a", "echo": true})).is_none());
        assert!(of(json!({})).is_none());
    }
}
