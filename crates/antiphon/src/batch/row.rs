//! From a line of the input to a call, and from its answer to a line of the output.

use antiphon_core::error::ROWS;
use antiphon_core::{Error, Kind, Map, Response, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::{Form, Line};
use crate::call::{self, Call};

/// The only address that a row may name.
const URL: &str = "/v1/chat/completions";

/// What every call of a batch is given.
#[derive(Debug, Clone, Default)]
pub(super) struct Template {
    /// In place of what a row says.
    pub(super) model: Option<String>,
    /// Of a row that names none.
    pub(super) default_model: String,
    /// Of a row that has none.
    pub(super) system: Option<String>,
    /// In place of what a row says.
    pub(super) params: Map,
}

/// A row, ready to be called.
pub(super) struct Row {
    pub(super) index: u64,
    pub(super) custom_id: Option<String>,
    pub(super) call: Result<Call>,
}

impl Template {
    pub(super) fn row(&self, line: &Line, form: Form) -> Row {
        let mut custom_id = None;
        let call = match form {
            Form::Text => std::str::from_utf8(&line.bytes)
                .map_err(|_| Error::invalid("row", "is not text in UTF-8"))
                .and_then(|prompt| self.call(with_prompt(Map::new(), prompt))),
            Form::Json => body(&line.bytes, &mut custom_id).and_then(|body| self.call(body)),
        };
        let call = call.map_err(|error| in_line(line, &error));
        Row { index: line.index, custom_id, call }
    }

    fn call(&self, mut map: Map) -> Result<Call> {
        if let Some(name) =
            map.keys().find(|name| call::option(name).is_some_and(|name| name != "extra_body"))
        {
            // A row is data: it does not say where keys are sent, or what is written to this machine.
            let wrong = format_args!("is not for a row to say");
            return Err(Error::invalid(name, wrong).hint("give it to the batch as a whole"));
        }
        if map.shift_remove("stream").is_some_and(|stream| stream == true) {
            return Err(Error::invalid("stream", "must be false or left out: a batch has whole answers"));
        }
        match map.shift_remove("prompt") {
            None => {}
            Some(_) if map.contains_key("messages") => {
                return Err(Error::invalid("prompt", "and messages are both given; one is enough"));
            }
            Some(Value::String(prompt)) => map = with_prompt(map, &prompt),
            Some(_) => return Err(Error::invalid("prompt", "must be a string")),
        }
        if let Some(model) = &self.model {
            map.insert("model".into(), model.as_str().into());
        }
        map.extend(self.params.iter().map(|(name, value)| (name.clone(), value.clone())));
        if let (Some(system), Some(Value::Array(messages))) = (&self.system, map.get_mut("messages"))
            && !messages.iter().any(|message| message["role"] == "system" || message["role"] == "developer")
        {
            messages.insert(0, json!({"role": "system", "content": system}));
        }
        let mut call = Call::from_json(map)?;
        if call.request.model.is_empty() {
            call.request.model.clone_from(&self.default_model);
        }
        call.request.check()?;
        Ok(call)
    }
}

fn with_prompt(mut map: Map, prompt: &str) -> Map {
    map.insert("messages".into(), json!([{"role": "user", "content": prompt}]));
    map
}

/// The fields of the request that a line holds.
fn body(bytes: &[u8], custom_id: &mut Option<String>) -> Result<Map> {
    let value = serde_json::from_slice(bytes)
        .map_err(|error| Error::invalid("row", format_args!("is no JSON: {}", without_line(&error))))?;
    let mut map = match value {
        Value::String(prompt) => return Ok(with_prompt(Map::new(), &prompt)),
        Value::Object(map) => map,
        _ => return Err(Error::invalid("row", "must be an object, or a prompt as a string")),
    };
    match map.shift_remove("custom_id") {
        None | Some(Value::Null) => {}
        Some(Value::String(name)) => *custom_id = Some(name),
        Some(_) => return Err(Error::invalid("custom_id", "must be a string")),
    }
    let Some(body) = map.shift_remove("body") else { return Ok(map) };
    match (map.shift_remove("method"), map.shift_remove("url")) {
        (Some(method), _) if method != "POST" => Err(Error::invalid("method", "must be \"POST\"")),
        (_, Some(url)) if url != URL => {
            Err(Error::invalid("url", format_args!("must be {URL:?}, got {url}")))
        }
        _ if !map.is_empty() => {
            let name = map.keys().next().map(String::as_str).unwrap_or_default();
            Err(Error::invalid(name, "stands beside the body; it belongs into it"))
        }
        _ => match body {
            Value::Object(body) => Ok(body),
            _ => Err(Error::invalid("body", "must be an object")),
        },
    }
}

/// serde_json's own line is always 1, and is not that of the file.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&at) {
        Some(what) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

fn in_line(line: &Line, error: &Error) -> Error {
    let named = Error::new(error.kind(), format!("line {}: {}", line.number, error.message()));
    let named = error.field().into_iter().fold(named, Error::param);
    error.advice().into_iter().fold(named, Error::hint)
}

/// A line of the output: the fields of OpenAI's batches, and between them what a batch of ours adds.
#[derive(Serialize)]
struct Written<'a> {
    index: u64,
    id: String,
    custom_id: Option<&'a str>,
    response: Value,
    error: Value,
    cost: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

/// The line of an answer.
pub(super) fn answered(
    index: u64,
    custom_id: Option<&str>,
    response: &Response,
    cost: Option<f64>,
) -> Vec<u8> {
    let request_id = response.meta.request_id.as_deref();
    line(&Written {
        index,
        id: id(),
        custom_id,
        response: json!({"status_code": 200, "request_id": request_id, "body": response.to_json()}),
        error: Value::Null,
        cost,
        warnings: &response.warnings,
    })
}

/// The line of a call that failed. `response` is there where the provider answered it.
pub(super) fn failed(index: u64, custom_id: Option<&str>, error: &Error) -> Vec<u8> {
    let class = error.kind().row().python;
    let response = error.received_status().map(|status| {
        let told = json!({
            "message": error.message(), "type": class, "param": error.field(), "code": error.provider_code(),
        });
        json!({"status_code": status, "request_id": error.upstream_request_id(), "body": {"error": told}})
    });
    let mut told = json!({"code": class, "message": error.message()});
    if let Some(advice) = error.advice() {
        told["hint"] = advice.into();
    }
    if let Some(field) = error.field() {
        told["param"] = field.into();
    }
    let (response, cost) = (response.unwrap_or_default(), None);
    line(&Written { index, id: id(), custom_id, response, error: told, cost, warnings: &[] })
}

fn id() -> String {
    format!("batch_req_{}", crate::random::uuid().simple())
}

fn line(written: &Written<'_>) -> Vec<u8> {
    // All of it is JSON already, and nothing in it can fail to be.
    let mut bytes = serde_json::to_vec(written).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// What is read of a line that was written.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    pub(super) index: u64,
    #[serde(default)]
    error: Option<Code>,
    #[serde(default)]
    response: Option<Answer>,
    #[serde(default)]
    pub(super) cost: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Body {
    #[serde(default)]
    usage: Option<Counts>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Counts {
    #[serde(default)]
    pub(super) prompt_tokens: u64,
    #[serde(default)]
    pub(super) completion_tokens: u64,
}

impl Done {
    pub(super) fn is_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Whether it failed for a reason that is not the row's own, so that it is asked again.
    pub(super) fn may_heal(&self) -> bool {
        let Some(Code { code }) = &self.error else { return false };
        ROWS.iter().find(|row| row.python == code).is_some_and(|row| !is_its_own(row.kind))
    }

    pub(super) fn counts(&self) -> Option<Counts> {
        self.response.as_ref()?.body.usage
    }
}

/// Whether an error is the request's own, or the model's answer to it: asked again, it would fail again.
fn is_its_own(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::InvalidRequest
            | Kind::BadRequest
            | Kind::ContextWindowExceeded
            | Kind::ContentPolicyViolation
            | Kind::UnsupportedParams
            | Kind::PayloadTooLarge
            | Kind::UnprocessableEntity
            | Kind::ResponseValidation
            | Kind::JsonSchemaValidation
    )
}

/// Whether every other row would fail in the same way.
pub(super) fn is_everybodys(error: &Error) -> bool {
    matches!(error.kind(), Kind::Authentication | Kind::PaymentRequired | Kind::QuotaExceeded | Kind::Config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        let template = Template {
            default_model: "openai/m".into(),
            system: Some("Be brief.".into()),
            ..Template::default()
        };
        template.row(&Line { index: 3, number: 7, bytes: text.as_bytes().to_vec() }, Form::Json)
    }

    #[test]
    fn every_form_of_a_row_is_the_same_call() {
        for text in [
            r#""hi""#,
            r#"{"prompt": "hi"}"#,
            r#"{"messages": [{"role": "user", "content": "hi"}], "model": "openai/m"}"#,
            r#"{"custom_id": "a", "prompt": "hi", "stream": false}"#,
            r#"{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions",
                "body": {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]}}"#,
        ] {
            let row = row(text);
            let request = row.call.unwrap().request;
            assert_eq!(request.model, "openai/m", "{text}");
            let texts: Vec<_> = request.messages.iter().map(|message| message.content.text()).collect();
            assert_eq!(texts, ["Be brief.", "hi"], "{text}");
            assert_eq!(row.custom_id.as_deref(), text.contains("custom_id").then_some("a"));
        }
    }

    #[test]
    fn a_system_message_of_its_own_stays() {
        let row =
            row(r#"{"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "hi"}]}"#);
        assert_eq!(row.call.unwrap().request.messages.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, message) in [
            (r#"{"prompt": 1}"#, "line 7: prompt: must be a string"),
            (
                r#"{"prompt": "a", "messages": []}"#,
                "line 7: prompt: and messages are both given; one is enough",
            ),
            ("[1]", "line 7: row: must be an object, or a prompt as a string"),
            (r#"{"prompt": "#, "line 7: row: is no JSON: EOF while parsing a value at column 11"),
            (
                r#"{"prompt": "a", "temperature": "hot"}"#,
                "line 7: temperature: must be a number, got a string",
            ),
            (
                r#"{"prompt": "a", "stream": true}"#,
                "line 7: stream: must be false or left out: a batch has whole answers",
            ),
            (r#"{"prompt": "a", "base_url": "http://x"}"#, "line 7: base_url: is not for a row to say"),
            (r#"{"prompt": "a", "api_key": "canary"}"#, "line 7: api_key: is not for a row to say"),
            (r#"{"custom_id": 1, "prompt": "a"}"#, "line 7: custom_id: must be a string"),
            (
                r#"{"url": "/v1/embeddings", "body": {}}"#,
                "line 7: url: must be \"/v1/chat/completions\", got \"/v1/embeddings\"",
            ),
            (r#"{"method": "GET", "body": {}}"#, "line 7: method: must be \"POST\""),
            (r#"{"body": {}, "model": "m"}"#, "line 7: model: stands beside the body; it belongs into it"),
        ] {
            assert_eq!(row(text).call.unwrap_err().message(), message);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let error = Error::new(Kind::RateLimit, "slow down").status(429).request_id("req_1");
        let line = failed(3, Some("a"), &error);
        let done: Done = serde_json::from_slice(&line).unwrap();
        assert!(done.index == 3 && done.is_failed() && done.may_heal() && done.counts().is_none());
        let written: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(written["response"]["status_code"], 429);
        assert_eq!(written["error"], json!({"code": "RateLimitError", "message": "slow down"}));
        let bad = failed(4, None, &Error::invalid("temperature", "must be a number"));
        let done: Done = serde_json::from_slice(&bad).unwrap();
        assert!(done.is_failed() && !done.may_heal());
    }
}
