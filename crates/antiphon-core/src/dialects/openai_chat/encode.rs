//! A request becomes a body.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::dialects::WireRequest;
use crate::dialects::refuse::{check_format, check_numbers, check_supported, check_tool_choice};
use crate::{Map, Quirks, Request, ResponseFormat, Result, Strict, schema};

/// The body's two names for the output limit; a provider takes one of them.
const OUTPUT_LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// What an answer in another dialect left in a message: a conversation that changes its model goes on without.
const OF_OTHERS: &[&str] = &["thinking_blocks", "provider_specific_fields"];

/// Fields of Anthropic's messages, parts, calls and tools.
const ANTHROPIC_FIELDS: &[&str] = &[
    "cache_control",
    "citations",
    "context",
    "transformations",
    "is_error",
    "caller",
    "toolset_name",
    "defer_loading",
    "allowed_callers",
    "input_examples",
    "eager_input_streaming",
];

/// Our name for what an assistant's message says of its reasoning.
const REASONING: &str = "reasoning_content";

pub(super) fn encode(request: &Request, quirks: &Quirks) -> Result<WireRequest> {
    check_numbers(&request.params.to_json())?;
    check_format(request, quirks)?;
    check_supported(request, quirks)?;
    check_tool_choice(request, quirks)?;
    let mut body = request.to_json();
    messages(&mut body, quirks);
    if !quirks.anthropic_fields {
        without_anthropic_fields(&mut body);
    }
    output_limit(&mut body, request, quirks);
    any_object(&mut body, request, quirks);
    tighten(&mut body, request);
    whole_biases(&mut body);
    rename(&mut body, quirks);
    stream_options(&mut body, request, quirks);
    Ok(post(quirks.chat_path, request.stream, body))
}

/// The request whose body this is.
pub(in crate::dialects) fn post(path: &str, stream: bool, body: Map) -> WireRequest {
    let accept = if stream { "text/event-stream" } else { "application/json" };
    WireRequest {
        method: "POST",
        path: path.into(),
        query: Vec::new(),
        headers: vec![
            (Cow::Borrowed("content-type"), "application/json".into()),
            (Cow::Borrowed("accept"), accept.into()),
        ],
        body: Value::Object(body).to_string().into_bytes(),
    }
}

/// Messages with the roles and fields that the provider knows.
fn messages(body: &mut Map, quirks: &Quirks) {
    let messages = body.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten().filter_map(Value::as_object_mut) {
        for field in OF_OTHERS {
            message.shift_remove(*field);
        }
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        if !quirks.named_roles.iter().any(|named| named.as_str() == role) {
            message.shift_remove("name");
        }
        if !quirks.developer_role && message.get("role").is_some_and(|role| role == "developer") {
            message.insert("role".into(), "system".into());
        }
        if quirks.reasoning_field != Some(REASONING)
            && let Some(reasoning) = message.shift_remove(REASONING)
            && let Some(field) = quirks.reasoning_field
        {
            message.insert(field.into(), reasoning);
        }
    }
}

fn without_anthropic_fields(body: &mut Map) {
    fn each<'a>(holder: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
        holder.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
    }
    let strip = |holder: &mut Value| {
        if let Some(map) = holder.as_object_mut() {
            map.retain(|name, _| !ANTHROPIC_FIELDS.contains(&name.as_str()));
        }
    };
    for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        strip(message);
        each(message, "content").for_each(strip);
        each(message, "tool_calls").for_each(strip);
    }
    body.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten().for_each(strip);
}

fn output_limit(body: &mut Map, request: &Request, quirks: &Quirks) {
    let Some(limit) = request.params.output_limit() else { return };
    for name in OUTPUT_LIMITS {
        body.shift_remove(name);
    }
    body.insert(quirks.max_tokens_field.into(), limit.into());
}

/// A schema that any object fits, where there is no shorter word for it.
fn any_object(body: &mut Map, request: &Request, quirks: &Quirks) {
    if !quirks.json_object && request.response_format == Some(ResponseFormat::JsonObject) {
        let schema = json!({"name": "object", "schema": {"type": "object"}});
        body.insert("response_format".into(), json!({"type": "json_schema", "json_schema": schema}));
    }
}

/// A schema made from a type is sent as the provider enforces it, where it can be; else without a promise.
fn tighten(body: &mut Map, request: &Request) {
    let Some(ResponseFormat::JsonSchema { schema, strict: Strict::Auto, .. }) = &request.response_format
    else {
        return;
    };
    let form = body.get_mut("response_format").and_then(|form| form.get_mut("json_schema"));
    let Some(form) = form.and_then(Value::as_object_mut) else { return };
    form.shift_remove("strict");
    if let Some(tight) = schema::tightened(schema) {
        form.insert("schema".into(), tight);
        form.insert("strict".into(), true.into());
    }
}

pub(in crate::dialects) fn rename(body: &mut Map, quirks: &Quirks) {
    for (ours, theirs) in quirks.renamed {
        if let Some(value) = body.shift_remove(*ours) {
            body.insert((*theirs).into(), value);
        }
    }
}

/// OpenAI's schema has whole numbers here, and ours are floats: `-100`, not `-100.0`.
pub(in crate::dialects) fn whole_biases(body: &mut Map) {
    let Some(Value::Object(biases)) = body.get_mut("logit_bias") else { return };
    for bias in biases.values_mut() {
        if let Some(whole) = bias.as_f64().filter(|bias| bias.fract() == 0.0 && bias.abs() < 1e9) {
            *bias = (whole as i64).into();
        }
    }
}

/// Usage is asked for whatever the caller asked: it costs nothing, and the price needs it.
pub(in crate::dialects) fn stream_options(body: &mut Map, request: &Request, quirks: &Quirks) {
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
    use crate::{Kind, Support, ToolChoice};

    fn body(request: &Request, quirks: &Quirks) -> Value {
        serde_json::from_slice(&encode(request, quirks).unwrap().body).unwrap()
    }

    #[test]
    fn what_another_dialect_left_in_a_message_stays_behind() {
        let mut request = Request::new("m", "hi");
        request.messages[0].extra.insert("thinking_blocks".into(), json!([{"signature": "s"}]));
        request.messages[0].extra.insert("audio".into(), json!({"id": "a"}));
        let message = json!({"role": "user", "content": "hi", "audio": {"id": "a"}});
        assert_eq!(body(&request, &Quirks::DEFAULT)["messages"][0], message);
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
    fn a_schema_made_from_a_type_is_enforced_where_it_can_be() {
        let mut request = Request::new("m", "hi");
        let mut sent = |schema: &Value| {
            let form = json!({"name": "a", "schema": schema, "strict": "auto"});
            request.set("response_format", json!({"type": "json_schema", "json_schema": form})).unwrap();
            body(&request, &Quirks::DEFAULT)["response_format"]["json_schema"].clone()
        };
        let exact =
            json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
        let named = json!({"type": "object", "properties": {}});
        assert_eq!(sent(&named), json!({"name": "a", "schema": exact, "strict": true}));
        let open = json!({"type": "object", "additionalProperties": {"type": "string"}});
        assert_eq!(sent(&open), json!({"name": "a", "schema": open}));
    }

    #[test]
    fn the_newer_role_is_sent_as_the_older() {
        let mut request = Request::new("m", "hi");
        request.messages[0].role = crate::Role::Developer;
        assert_eq!(body(&request, &Quirks::DEFAULT)["messages"][0]["role"], "developer");
        assert_eq!(body(&request, &Quirks::COMPATIBLE)["messages"][0]["role"], "system");
    }

    #[test]
    fn messages_have_only_the_fields_that_are_taken() {
        let mut request = Request::new("m", "hi");
        request.messages[0].name = Some("ann".into());
        request.messages[0].reasoning_content = Some("hm".into());
        let message = |quirks: &Quirks| body(&request, quirks)["messages"][0].clone();
        let sent = json!({"role": "user", "content": "hi", "name": "ann", "reasoning_content": "hm"});
        assert_eq!(message(&Quirks::DEFAULT), sent);
        let quirks = Quirks { named_roles: &[], reasoning_field: Some("reasoning"), ..Quirks::DEFAULT };
        assert_eq!(message(&quirks), json!({"role": "user", "content": "hi", "reasoning": "hm"}));
        let quirks = Quirks { named_roles: &[crate::Role::Tool], reasoning_field: None, ..Quirks::DEFAULT };
        assert_eq!(message(&quirks), json!({"role": "user", "content": "hi"}));
    }

    #[test]
    fn a_parameter_can_have_another_name() {
        let mut request = Request::new("m", "hi");
        request.params.seed = Some(7);
        let quirks = Quirks { renamed: &[("seed", "random_seed")], ..Quirks::DEFAULT };
        let body = body(&request, &quirks);
        assert_eq!((&body["random_seed"], body.get("seed")), (&json!(7), None));
    }

    #[test]
    fn any_object_is_a_schema_where_it_must_be() {
        let mut request = Request::new("m", "hi");
        request.response_format = Some(ResponseFormat::JsonObject);
        let quirks = Quirks { json_object: false, ..Quirks::DEFAULT };
        let schema = json!({"name": "object", "schema": {"type": "object"}});
        let format = json!({"type": "json_schema", "json_schema": schema});
        assert_eq!(body(&request, &quirks)["response_format"], format);
        let quirks = Quirks { json_schema: Support::None, ..quirks };
        assert_eq!(encode(&request, &quirks).unwrap_err().field(), Some("response_format"));
        let quirks = Quirks { json_object: true, ..quirks };
        assert_eq!(body(&request, &quirks)["response_format"], json!({"type": "json_object"}));
    }

    #[test]
    fn a_call_is_forced_only_where_it_can_be() {
        let mut request = Request::new("m", "hi");
        let quirks = Quirks { forced_tool: Support::None, ..Quirks::DEFAULT };
        request.tool_choice = Some(ToolChoice::Auto);
        assert!(encode(&request, &quirks).is_ok());
        for choice in [ToolChoice::Required, ToolChoice::Function("f".into())] {
            request.tool_choice = Some(choice);
            assert!(encode(&request, &Quirks::DEFAULT).is_ok());
            let error = encode(&request, &quirks).unwrap_err();
            assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("tool_choice")));
        }
        request.set("thinking", json!({"type": "disabled"})).unwrap();
        assert!(encode(&request, &quirks).is_ok());
    }

    #[test]
    fn fields_of_anthropics_stay_out_where_they_are_an_error() {
        let mark = json!({"type": "ephemeral"});
        let Value::Object(map) = json!({
            "model": "m",
            "messages": [{"role": "user", "content":
                [{"type": "text", "text": "a", "cache_control": mark}, {"type": "text", "text": "b"}]}],
            "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": mark}],
        }) else {
            unreachable!()
        };
        let request = Request::from_json(map).unwrap();
        assert_eq!(body(&request, &Quirks::DEFAULT)["tools"][0]["cache_control"], mark);
        let strict = Quirks { anthropic_fields: false, ..Quirks::DEFAULT };
        let sent = body(&request, &strict);
        assert!(!sent.to_string().contains("cache_control"), "{sent}");
        assert_eq!(sent["messages"][0]["content"][1]["text"], "b");
    }
}
