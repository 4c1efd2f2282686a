//! A request becomes a body.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{messages, params, schema, tools};
use crate::dialects::WireRequest;
use crate::dialects::refuse::{check_format, check_numbers, check_supported, check_tool_choice, unsupported};
use crate::json::put;
use crate::{Map, Quirks, Request, ResponseFormat, Result};

/// The version that takes sampling parameters, for the models that still have them; 2026-10-21 refuses them
/// for every model (Anthropic's API reference, "Versions").
const VERSION: &str = "2023-06-01";

/// Asked for only where a message refers to an uploaded file.
const FILES_BETA: &str = "files-api-2025-04-14";

pub(super) fn encode(request: &Request, quirks: &Quirks) -> Result<WireRequest> {
    let given = request.params.to_json();
    check_numbers(&given)?;
    check_supported(request, quirks)?;
    check_format(request, quirks)?;
    check_tool_choice(request, quirks)?;
    params::check(&given)?;
    let conversation = messages::conversation(&request.messages)?;
    let files = conversation.has_files;
    let mut body = Map::new();
    body.insert("model".into(), request.model.as_str().into());
    let thinking = params::thinking(request, quirks)?;
    body.insert("max_tokens".into(), thinking.max_tokens.into());
    put(&mut body, "system", conversation.system);
    body.insert("messages".into(), conversation.messages.into());
    tools::put_tools(&mut body, request)?;
    params::put_params(&mut body, &request.params)?;
    put(&mut body, "thinking", thinking.thinking);
    put(&mut body, "output_config", output_config(request, thinking.effort)?);
    if request.stream {
        body.insert("stream".into(), true.into());
    }
    extra(&mut body, &request.extra);
    Ok(WireRequest {
        method: "POST",
        path: "/v1/messages".into(),
        query: Vec::new(),
        headers: headers(request.stream, files),
        body: Value::Object(body).to_string().into_bytes(),
    })
}

fn headers(stream: bool, files: bool) -> Vec<(Cow<'static, str>, String)> {
    let accept = if stream { "text/event-stream" } else { "application/json" };
    let mut headers = vec![
        (Cow::Borrowed("content-type"), "application/json".into()),
        (Cow::Borrowed("accept"), accept.into()),
        (Cow::Borrowed("anthropic-version"), VERSION.into()),
    ];
    if files {
        headers.push((Cow::Borrowed("anthropic-beta"), FILES_BETA.into()));
    }
    headers
}

fn output_config(request: &Request, effort: Option<String>) -> Result<Option<Map>> {
    let mut config = Map::new();
    put(&mut config, "effort", effort);
    match &request.response_format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            let format = json!({"type": "json_schema", "schema": schema::subset(schema)});
            config.insert("format".into(), format);
        }
        Some(ResponseFormat::JsonObject) => {
            return Err(unsupported("response_format", "json_object is not taken, only json_schema is"));
        }
        Some(ResponseFormat::Other(_)) => {
            return Err(unsupported("response_format", "must be text or json_schema"));
        }
    }
    Ok((!config.is_empty()).then_some(config))
}

/// What is not known goes along as it is. Where it names an object that is there already
/// (`output_config`), the fields of both are sent, the caller's own first.
fn extra(body: &mut Map, extra: &Map) {
    for (name, value) in extra {
        match (body.get_mut(name), value) {
            // Usage comes with every stream.
            _ if name == "stream_options" => {}
            (Some(Value::Object(there)), Value::Object(given)) => there.extend(given.clone()),
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Support};

    fn request(value: Value) -> Request {
        let Value::Object(map) = value else { panic!("a test request is an object") };
        Request::from_json(map).unwrap()
    }

    fn body(value: Value, quirks: &Quirks) -> Value {
        serde_json::from_slice(&encode(&request(value), quirks).unwrap().body).unwrap()
    }

    fn refused(value: Value, quirks: &Quirks) -> (Kind, String, String) {
        let error = encode(&request(value), quirks).unwrap_err();
        (error.kind(), error.field().unwrap_or_default().into(), error.message().into())
    }

    #[test]
    fn what_cannot_be_taken_is_named() {
        let cases = [
            ("n", json!(2)),
            ("seed", json!(1)),
            ("logprobs", json!(true)),
            ("top_logprobs", json!(1)),
            ("logit_bias", json!({"1": 2})),
            ("presence_penalty", json!(0.5)),
            ("modalities", json!(["text", "audio"])),
            ("verbosity", json!("low")),
            ("store", json!(true)),
            ("min_p", json!(0.1)),
            ("guided_regex", json!("a")),
            ("prompt_cache_key", json!("k")),
            ("skip_special_tokens", json!(false)),
            ("stop", json!(["END", " \n"])),
            ("metadata", json!({"team": "a"})),
            ("service_tier", json!("flex")),
            ("response_format", json!({"type": "json_object"})),
        ];
        for (name, value) in cases {
            let request = json!({"model": "m", "messages": "hi", name: value});
            let (kind, field, message) = refused(request, &Quirks::DEFAULT);
            assert_eq!((kind, field.as_str()), (Kind::UnsupportedParams, name), "{message}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_left_out() {
        let neutral = json!({
            "model": "m", "messages": "hi", "n": 1, "presence_penalty": 0, "frequency_penalty": 0.0,
            "logit_bias": {}, "logprobs": false, "top_logprobs": 0, "modalities": ["text"], "store": false,
            "min_p": 0, "repetition_penalty": 1, "skip_special_tokens": true, "ignore_eos": false, "priority": 0,
            "top_k": -1, "include_stop_str_in_output": false, "parallel_tool_calls": true, "metadata": {},
            "stop": [], "response_format": {"type": "text"}, "verbosity": "medium",
        });
        let plain = json!({"model": "m", "messages": "hi"});
        assert_eq!(body(neutral, &Quirks::DEFAULT), body(plain, &Quirks::DEFAULT));
    }

    #[test]
    fn an_effort_becomes_what_the_model_takes() {
        let ask = |effort: &str| json!({"model": "old-1", "messages": "hi", "reasoning_effort": effort});
        let sent = body(ask("minimal"), &Quirks::DEFAULT);
        assert_eq!(sent["thinking"], json!({"type": "adaptive"}));
        assert_eq!(sent["output_config"], json!({"effort": "low"}));
        let quirks = Quirks { adaptive_thinking: Support::Except(&["old-"]), ..Quirks::DEFAULT };
        let sent = body(ask("medium"), &quirks);
        assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 4096}));
        assert_eq!(sent["max_tokens"], 4096 + 8192);
        assert_eq!(sent.get("output_config"), None);
        assert_eq!(body(ask("none"), &quirks)["thinking"], json!({"type": "disabled"}));
        let mut limited = ask("high");
        limited["max_tokens"] = 2000.into();
        assert_eq!(body(limited.clone(), &quirks)["thinking"]["budget_tokens"], 1999);
        limited["max_tokens"] = 1000.into();
        assert_eq!(refused(limited, &quirks).1, "reasoning_effort");
        let mut both = ask("high");
        both["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
        assert_eq!(body(both.clone(), &quirks)["thinking"], both["thinking"]);
        assert_eq!(body(both, &quirks)["max_tokens"], 10192);
    }

    #[test]
    fn headers_say_the_version_and_a_beta_only_where_it_is_needed() {
        let wire = encode(&Request::new("m", "hi"), &Quirks::DEFAULT).unwrap();
        let has = |wire: &WireRequest, name: &str| wire.headers.iter().any(|(header, _)| header == name);
        assert!(has(&wire, "anthropic-version") && !has(&wire, "anthropic-beta"));
        let file = json!({"type": "file", "file": {"file_id": "file_1"}});
        let file = request(json!({"model": "m", "messages": [{"role": "user", "content": [file]}]}));
        assert!(has(&encode(&file, &Quirks::DEFAULT).unwrap(), "anthropic-beta"));
    }

    #[test]
    fn a_schema_needs_a_model_that_takes_it() {
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}});
        let config = json!({"effort": "low"});
        let ask = json!({
            "model": "old-1", "messages": "hi", "output_config": config, "response_format": format,
        });
        let quirks = Quirks { json_schema: Support::Except(&["old-"]), ..Quirks::DEFAULT };
        assert_eq!(refused(ask.clone(), &quirks).1, "response_format");
        let sent = body(ask, &Quirks::DEFAULT);
        assert_eq!(sent["output_config"]["effort"], "low");
        assert_eq!(sent["output_config"]["format"]["schema"]["additionalProperties"], false);
    }

    #[test]
    fn a_model_that_always_thinks_is_not_made_to_call() {
        let tools = json!([{"type": "function", "function": {"name": "f"}}]);
        let ask = json!({"model": "new-1", "messages": "hi", "tools": tools, "tool_choice": "required"});
        let quirks = Quirks { forced_tool: Support::Except(&["new-"]), ..Quirks::DEFAULT };
        assert_eq!(refused(ask.clone(), &quirks).1, "tool_choice");
        assert_eq!(body(ask, &Quirks::DEFAULT)["tool_choice"], json!({"type": "any"}));
    }

    #[test]
    fn a_number_that_json_cannot_write_is_refused() {
        let mut request = Request::new("m", "hi");
        request.params.temperature = Some(f64::NAN);
        let error = encode(&request, &Quirks::DEFAULT).unwrap_err();
        assert_eq!(error.message(), "temperature: must be finite");
    }

    #[test]
    fn messages_that_cannot_be_taken_name_the_field() {
        let ask = |messages: Value| json!({"model": "m", "messages": messages});
        let call = |arguments: &str| {
            json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": null, "tool_calls":
                [{"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}]}])
        };
        let part = |part: Value| json!([{"role": "user", "content": [part]}]);
        let arguments = "messages[1].tool_calls[0].function.arguments";
        let cases = [
            (call("[1]"), arguments),
            (call("{\"a\":"), arguments),
            (
                part(json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}})),
                "messages[0].content[0].input_audio",
            ),
            (
                part(json!({"type": "image_url", "image_url": {"url": "cat.png"}})),
                "messages[0].content[0].image_url.url",
            ),
            (
                part(json!({"type": "file", "file": {"file_data": "data:application/zip;base64,AA=="}})),
                "messages[0].content[0].file.file_data",
            ),
            (json!([{"role": "user", "content": " "}]), "messages"),
            (
                json!([{"role": "user", "content": "x"},
                {"role": "function", "name": "f", "content": "1"}]),
                "messages[1].name",
            ),
            (
                json!([{"role": "assistant", "content": "x", "thinking_blocks": 5}]),
                "messages[0].thinking_blocks",
            ),
        ];
        for (messages, expected) in cases {
            let (kind, field, message) = refused(ask(messages), &Quirks::DEFAULT);
            assert_eq!((kind, field.as_str()), (Kind::InvalidRequest, expected), "{message}");
        }
    }
}
