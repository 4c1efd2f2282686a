//! A request becomes a body.

use std::borrow::Cow;

use serde_json::Value;

use crate::dialects::WireRequest;
use crate::dialects::refuse::{check_format, check_numbers, check_supported};
use crate::{Map, Quirks, Request, Result};

/// The body's two names for the output limit; a provider takes one of them.
const OUTPUT_LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

pub(super) fn encode(request: &Request, quirks: &Quirks) -> Result<WireRequest> {
    check_numbers(&request.params.to_json())?;
    check_format(request, quirks)?;
    check_supported(request, quirks)?;
    let mut body = request.to_json();
    roles(&mut body, quirks);
    output_limit(&mut body, request, quirks);
    whole_biases(&mut body);
    stream_options(&mut body, request, quirks);
    let accept = if request.stream { "text/event-stream" } else { "application/json" };
    Ok(WireRequest {
        method: "POST",
        path: "/chat/completions".into(),
        headers: vec![
            (Cow::Borrowed("content-type"), "application/json".into()),
            (Cow::Borrowed("accept"), accept.into()),
        ],
        body: Value::Object(body).to_string().into_bytes(),
    })
}

/// The newer name of the role `system`, where only the older is understood.
fn roles(body: &mut Map, quirks: &Quirks) {
    if quirks.developer_role {
        return;
    }
    let messages = body.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        if message["role"] == "developer" {
            message["role"] = "system".into();
        }
    }
}

fn output_limit(body: &mut Map, request: &Request, quirks: &Quirks) {
    let Some(limit) = request.params.output_limit() else { return };
    for name in OUTPUT_LIMITS {
        body.shift_remove(name);
    }
    body.insert(quirks.max_tokens_field.into(), limit.into());
}

/// OpenAI's schema has whole numbers here, and ours are floats: `-100`, not `-100.0`.
fn whole_biases(body: &mut Map) {
    let Some(Value::Object(biases)) = body.get_mut("logit_bias") else { return };
    for bias in biases.values_mut() {
        if let Some(whole) = bias.as_f64().filter(|bias| bias.fract() == 0.0 && bias.abs() < 1e9) {
            *bias = (whole as i64).into();
        }
    }
}

/// Usage is asked for whatever the caller asked: it costs nothing, and the price needs it.
fn stream_options(body: &mut Map, request: &Request, quirks: &Quirks) {
    if !request.stream || !quirks.stream_options {
        body.shift_remove("stream_options");
        return;
    }
    let options = body.entry("stream_options").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(options) = options {
        options.insert("include_usage".into(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Support};
    use serde_json::json;

    fn body(request: &Request, quirks: &Quirks) -> Value {
        serde_json::from_slice(&encode(request, quirks).unwrap().body).unwrap()
    }

    #[test]
    fn quirks_name_the_output_limit() {
        let mut request = Request::new("m", "hi");
        request.params.max_tokens = Some(5);
        assert_eq!(body(&request, &Quirks::DEFAULT)["max_completion_tokens"], 5);
        let quirks = Quirks { max_tokens_field: "max_tokens", ..Quirks::DEFAULT };
        request.params.max_completion_tokens = Some(7);
        let body = body(&request, &quirks);
        assert_eq!(body["max_tokens"], 7);
        assert_eq!(body.get("max_completion_tokens"), None);
    }

    #[test]
    fn usage_is_always_asked_for_where_it_can_be() {
        let mut request = Request::new("m", "hi");
        assert_eq!(body(&request, &Quirks::DEFAULT).get("stream_options"), None);
        request.stream = true;
        assert_eq!(body(&request, &Quirks::DEFAULT)["stream_options"], json!({"include_usage": true}));
        request.set("stream_options", json!({"include_obfuscation": false})).unwrap();
        let options = json!({"include_obfuscation": false, "include_usage": true});
        assert_eq!(body(&request, &Quirks::DEFAULT)["stream_options"], options);
        let quirks = Quirks { stream_options: false, ..Quirks::DEFAULT };
        assert_eq!(body(&request, &quirks).get("stream_options"), None);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let mut request = Request::new("m", "hi");
        request.params.temperature = Some(f64::NAN);
        let error = encode(&request, &Quirks::DEFAULT).unwrap_err();
        assert_eq!(error.message(), "temperature: must be finite");
        request.params.temperature = None;
        request.params.logit_bias = Some(vec![(1, f64::INFINITY)]);
        assert_eq!(encode(&request, &Quirks::DEFAULT).unwrap_err().field(), Some("logit_bias"));
        request.params.logit_bias = None;
        let format = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {}}});
        request.set("response_format", format).unwrap();
        let quirks = Quirks { json_schema: Support::Models(&["n"]), ..Quirks::DEFAULT };
        assert_eq!(encode(&request, &quirks).unwrap_err().kind(), Kind::UnsupportedParams);
        request.model = "new".into();
        assert!(encode(&request, &quirks).is_ok());
        request.params.top_k = Some(5);
        assert!(encode(&request, &Quirks::DEFAULT).is_ok());
        let quirks = Quirks { unsupported: &["min_p", "top_k"], ..Quirks::DEFAULT };
        let error = encode(&request, &quirks).unwrap_err();
        assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("top_k")));
    }

    #[test]
    fn the_newer_role_is_sent_as_the_older() {
        let mut request = Request::new("m", "hi");
        request.messages[0].role = crate::Role::Developer;
        assert_eq!(body(&request, &Quirks::DEFAULT)["messages"][0]["role"], "developer");
        assert_eq!(body(&request, &Quirks::COMPATIBLE)["messages"][0]["role"], "system");
    }
}
