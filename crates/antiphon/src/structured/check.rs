//! Whether an answer has the form that was asked for.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::{
    Choice, Content, Error, Event, EventStream, FinishReason, Fold, Kind, Request, Response, ResponseFormat,
    Result, schema,
};
use futures_core::Stream;
use jsonschema::Validator;
use serde_json::Value;

use super::guided::Guided;

/// What a form is mostly asked for by.
const FORMAT: &str = "response_format";

/// At most so many faults of an answer are told.
const FAULTS: usize = 3;

/// At most so many characters of what one fault says.
const FAULT_LENGTH: usize = 200;

/// Holds answers against the form that a request asks for.
#[derive(Debug)]
pub(crate) struct Checker {
    form: Form,
}

/// What an answer must be.
#[derive(Debug)]
enum Form {
    /// JSON that fits a schema.
    Schema(Validator),
    /// Any object.
    Object,
    /// What the server itself holds its model to, if it knows how.
    Guided(Guided),
}

/// An answer that has another form.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// What is wrong with it.
    faults: String,
    /// The field that asks for what it is not.
    field: &'static str,
    /// What the model gave.
    pub(crate) text: String,
    /// Whether asking again may help. What was cut, by a limit or by a filter, would be cut again.
    pub(crate) may_heal: bool,
}

impl Checker {
    /// The checker of a request; `None` where any answer will do.
    pub(crate) fn of(request: &Request) -> Result<Option<Self>> {
        match Self::of_format(request)? {
            None => Ok(Guided::of(request)?.map(|guided| Self { form: Form::Guided(guided) })),
            checker => Ok(checker),
        }
    }

    /// The same, of its `response_format` alone.
    pub(crate) fn of_format(request: &Request) -> Result<Option<Self>> {
        let form = match &request.response_format {
            Some(ResponseFormat::JsonSchema { schema, .. }) => Form::Schema(compiled(FORMAT, schema)?),
            Some(ResponseFormat::JsonObject) => Form::Object,
            _ => return Ok(None),
        };
        Ok(Some(Self { form }))
    }

    /// Checks every choice. JSON that is wrapped in words or in a code block is taken out of them.
    pub(crate) fn check(&self, response: &mut Response) -> Result<(), Misfit> {
        response.choices.iter_mut().try_for_each(|choice| self.check_choice(choice))
    }

    fn check_choice(&self, choice: &mut Choice) -> Result<(), Misfit> {
        let message = &mut choice.message;
        let is_refusal = message.refusal.as_deref().is_some_and(|refusal| !refusal.is_empty());
        let text = message.content.text();
        if is_refusal
            || text.is_empty() && (!message.tool_calls.is_empty() || message.function_call.is_some())
        {
            return Ok(());
        }
        if let Form::Guided(guided) = &self.form {
            return guided.check(&text, choice.finish_reason.as_ref()).map_err(|faults| Misfit {
                faults,
                field: guided.field(),
                text,
                may_heal: false,
            });
        }
        match self.faults(&text) {
            Ok(Cow::Borrowed(_)) => Ok(()),
            Ok(Cow::Owned(found)) => {
                message.content = Content::Text(found);
                Ok(())
            }
            Err(faults) => {
                let cut = match &choice.finish_reason {
                    Some(FinishReason::Length) => "the output limit cut it (raise max_tokens)",
                    Some(FinishReason::ContentFilter) => "a content filter cut it",
                    _ => return Err(Misfit { faults, field: FORMAT, text, may_heal: true }),
                };
                Err(Misfit { faults: cut.to_owned(), field: FORMAT, text, may_heal: false })
            }
        }
    }

    /// What is wrong with a text, or the JSON that it is; owned where it had to be taken out of something.
    fn faults<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, String> {
        let (value, json) = match serde_json::from_str::<Value>(text) {
            Ok(value) => (value, Cow::Borrowed(text)),
            Err(error) => match unwrapped(text) {
                Some((value, inner)) => (value, Cow::Owned(inner.to_owned())),
                None => return Err(format!("it is no JSON: {error}")),
            },
        };
        let Form::Schema(validator) = &self.form else {
            return if value.is_object() { Ok(json) } else { Err("it is JSON, but no object".to_owned()) };
        };
        let faults: Vec<String> =
            validator.iter_errors(&value).take(FAULTS).map(|fault| told(&fault)).collect();
        if faults.is_empty() { Ok(json) } else { Err(faults.join("; ")) }
    }
}

/// A schema ready to check with. A pattern that goes astray is given up, and nothing is fetched.
pub(super) fn compiled(field: &str, schema: &Value) -> Result<Validator> {
    // It is compiled while others wait.
    schema::check_size([schema]).map_err(|why| Error::invalid(field, why))?;
    // Draft 7's spelling is much used without a word of its draft.
    let newest = jsonschema::validator_for(schema);
    let older = || jsonschema::draft7::new(schema).ok().filter(|_| schema.get("$schema").is_none());
    newest.or_else(|error| older().ok_or(error)).map_err(|error| {
        let path = match error.instance_path().as_str() {
            "" => String::new(),
            path => format!(" (at {path})"),
        };
        let what = shortened(&error.to_string());
        Error::invalid(field, format_args!("has a schema that cannot be used: {what}{path}"))
    })
}

pub(super) fn told(fault: &jsonschema::ValidationError<'_>) -> String {
    let what = shortened(&fault.to_string());
    match fault.instance_path().as_str() {
        "" => what,
        path => format!("{path}: {what}"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(FAULT_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// JSON within a text: what is in its code block, or from its first bracket to its last.
fn unwrapped(text: &str) -> Option<(Value, &str)> {
    let block = text.split_once("```").and_then(|(_, rest)| {
        let inner = rest.split_once('\n').map_or(rest, |(_language, inner)| inner);
        inner.rsplit_once("```").map(|(inner, _)| inner)
    });
    let braces = || {
        let start = text.find(['{', '['])?;
        let end = text.rfind(['}', ']'])?;
        text.get(start..=end)
    };
    let read = |inner: &'_ str| serde_json::from_str(inner.trim()).ok();
    if let Some(inner) = block
        && let Some(value) = read(inner)
    {
        return Some((value, inner.trim()));
    }
    let inner = braces()?;
    read(inner).map(|value| (value, inner.trim()))
}

impl Misfit {
    /// What to tell the model.
    pub(crate) fn request(&self) -> String {
        format!(
            "That does not fit the JSON schema: {}. Answer again with JSON that fits it, and with nothing else.",
            self.faults
        )
    }

    /// What to tell of an answer that was asked for once more.
    pub(crate) fn warning(&self) -> String {
        format!("an answer did not fit the schema ({}), and the model was asked again", self.faults)
    }

    /// The error that it is.
    pub(crate) fn error(self, response: Response) -> Error {
        let message = match self.field {
            FORMAT => format!("the answer does not fit the schema: {}", self.faults),
            field => format!("the server did not hold its model to {field}: {}", self.faults),
        };
        Error::new(Kind::JsonSchemaValidation, message).raw(self.text).partial(response)
    }
}

/// These events, with an error at their end where the answer that they make does not fit.
pub(crate) fn checked(checker: Arc<Checker>, events: EventStream) -> EventStream {
    Box::pin(Checked { checker, fold: Fold::new(), events: Some(events) })
}

struct Checked {
    checker: Arc<Checker>,
    fold: Fold,
    /// `None` after the end.
    events: Option<EventStream>,
}

impl Stream for Checked {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(events) = &mut this.events else { return Poll::Ready(None) };
        match std::task::ready!(events.as_mut().poll_next(context)) {
            Some(Ok(events)) => {
                this.fold.extend(events.iter().cloned());
                Poll::Ready(Some(Ok(events)))
            }
            Some(Err(error)) => {
                this.events = None;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                this.events = None;
                let mut response = std::mem::take(&mut this.fold).finish();
                match this.checker.check(&mut response) {
                    Ok(()) => Poll::Ready(None),
                    Err(misfit) => Poll::Ready(Some(Err(misfit.error(response)))),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checker(format: Value) -> Result<Checker> {
        let mut request = Request::new("m", "hi");
        request.set("response_format", format)?;
        Ok(Checker::of(&request)?.unwrap())
    }

    fn schema(schema: Value) -> Value {
        json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}})
    }

    fn person() -> Value {
        schema(json!({"type": "object", "required": ["name", "age"], "properties": {
            "name": {"type": "string", "minLength": 2}, "age": {"type": "integer"}}}))
    }

    #[test]
    fn answers_are_held_against_the_schema() {
        let checker = checker(person()).unwrap();
        let cases = [
            (r#"{"name": "Ann", "age": 5}"#, Ok(r#"{"name": "Ann", "age": 5}"#)),
            ("```json\n{\"name\": \"Ann\", \"age\": 5}\n```", Ok(r#"{"name": "Ann", "age": 5}"#)),
            ("Here it is: {\"name\": \"Ann\", \"age\": 5}. Good?", Ok(r#"{"name": "Ann", "age": 5}"#)),
            ("hi", Err("it is no JSON: expected value at line 1 column 1")),
            (r#"{"name": "Ann"}"#, Err("\"age\" is a required property")),
            (
                r#"{"name": "A", "age": "5"}"#,
                Err("/name: \"A\" is shorter than 2 characters; /age: \"5\" is not of type \"integer\""),
            ),
        ];
        for (text, expected) in cases {
            let found = checker.faults(text);
            let found = found.as_deref().map_err(String::as_str);
            match expected {
                Ok(expected) => assert_eq!(found, Ok(expected), "{text}"),
                Err(expected) => {
                    let mut found: Vec<&str> = found.unwrap_err().split("; ").collect();
                    let mut expected: Vec<&str> = expected.split("; ").collect();
                    found.sort_unstable();
                    expected.sort_unstable();
                    assert_eq!(found, expected, "{text}");
                }
            }
        }
    }

    #[test]
    fn any_object_will_do_where_no_schema_is_given() {
        let checker = checker(json!({"type": "json_object"})).unwrap();
        assert!(checker.faults("{}").is_ok());
        assert_eq!(checker.faults("[1]").unwrap_err(), "it is JSON, but no object");
    }

    #[test]
    fn guided_json_is_checked_too_but_a_limit_may_cut_it() {
        let mut request = Request::new("m", "hi");
        request.set("guided_json", person()["json_schema"]["schema"].clone()).unwrap();
        let checker = Checker::of(&request).unwrap().unwrap();
        let mut response = Response { choices: vec![Choice::default()], ..Response::default() };
        response.choices[0].message.content = Content::Text(r#"{"name": "A"#.into());
        response.choices[0].finish_reason = Some(FinishReason::Length);
        assert!(checker.check(&mut response).is_ok());
        response.choices[0].finish_reason = Some(FinishReason::Stop);
        assert!(!checker.check(&mut response).unwrap_err().may_heal);
        request.set("guided_json", json!("{")).unwrap();
        assert_eq!(Checker::of(&request).unwrap_err().field(), Some("guided_json"));
    }

    #[test]
    fn draft_7_needs_no_name() {
        let pair = json!({"items": [{"type": "integer"}, {"type": "null"}], "additionalItems": false});
        let checker = checker(schema(pair)).unwrap();
        assert!(checker.faults("[1, null]").is_ok());
        assert!(checker.faults("[1, 2]").is_err());
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_refused() {
        for bad in [
            json!({"type": "strin"}),
            json!({"type": "string", "pattern": "("}),
            json!({"$ref": "https://example.com/schema.json"}),
            json!({"$ref": "#/$defs/missing"}),
            json!({"const": "x".repeat(2 << 20)}),
        ] {
            let error = checker(schema(bad.clone())).unwrap_err();
            assert_eq!(
                (error.kind(), error.field()),
                (Kind::InvalidRequest, Some("response_format")),
                "{bad}"
            );
        }
    }

    #[test]
    fn refusals_and_calls_are_not_checked_and_a_limit_is_told() {
        let checker = checker(person()).unwrap();
        let mut response = Response { choices: vec![Choice::default()], ..Response::default() };
        let message = &mut response.choices[0].message;
        message.refusal = Some("no".into());
        assert!(checker.check(&mut response).is_ok());
        response.choices[0].message.refusal = None;
        response.choices[0].message.content = Content::Text(r#"{"name": "A"#.into());
        response.choices[0].finish_reason = Some(FinishReason::Length);
        let misfit = checker.check(&mut response).unwrap_err();
        assert!(!misfit.may_heal);
        let error = misfit.error(response);
        assert_eq!(
            error.message(),
            "the answer does not fit the schema: the output limit cut it (raise max_tokens)"
        );
        assert_eq!(error.raw_text(), Some(r#"{"name": "A"#));
    }
}
