//! A caller's body becomes a request: the mirror of `encode`.
//!
//! What this API's words have a counterpart for in ours gets it, so that any model can be asked: `system` is a
//! first message, a tool's result a message of its own, an effort is `reasoning_effort`. Parameters that other
//! APIs have are taken under their own names. What is not known is kept and sent on.
//!
//! Two things are said in more words than the caller used when the request goes to Anthropic again: an effort
//! alone also asks for adaptive thinking, and a system message in the middle stands in the user's turn.

use serde_json::Value;

use super::{tools, turns};
use crate::json::{self, take, take_string};
use crate::params::Param;
use crate::{Error, Map, Request, ResponseFormat, Result, Strict, Tool, ToolChoice};

/// Reads and checks a caller's request for an answer.
pub(super) fn decode(mut map: Map) -> Result<Request> {
    let limit = take(&mut map, "max_tokens").ok_or_else(|| Error::invalid("max_tokens", "is required"))?;
    let mut request = decode_prompt(map)?;
    request.params.max_tokens = Some(u64::from_json("max_tokens", limit)?);
    Ok(request)
}

/// The same without an output limit: for counting tokens.
pub(super) fn decode_prompt(mut map: Map) -> Result<Request> {
    let model = take(&mut map, "model").ok_or_else(|| Error::invalid("model", "is required"))?;
    let messages = take(&mut map, "messages").ok_or_else(|| Error::invalid("messages", "is required"))?;
    let mut request = Request {
        model: json::string("model", model)?,
        messages: turns::messages(take(&mut map, "system"), messages)?,
        tools: take(&mut map, "tools").map(read_tools).transpose()?.unwrap_or_default(),
        ..Request::default()
    };
    if let Some(choice) = take(&mut map, "tool_choice") {
        tool_choice(&mut request, choice)?;
    }
    for (name, value) in map {
        if !value.is_null() {
            set(&mut request, name, value)?;
        }
    }
    // Every stream of this API ends with usage.
    request.include_usage = request.stream;
    request.check()?;
    Ok(request)
}

fn set(request: &mut Request, name: String, value: Value) -> Result<()> {
    let params = &mut request.params;
    match name.as_str() {
        "stream" => request.stream = bool::from_json("stream", value)?,
        "stop_sequences" => params.stop = Some(Vec::from_json("stop_sequences", value)?),
        "metadata" => metadata(request, json::object("metadata", value)?)?,
        "service_tier" => {
            let tier = json::string("service_tier", value)?;
            params.service_tier = Some(if tier == "standard_only" { "default".to_owned() } else { tier });
        }
        "output_config" => output_config(request, json::object("output_config", value)?)?,
        // The older place of the form, from before there was an `output_config`.
        "output_format" => request.response_format = Some(output_format("output_format", value)?),
        "n" if value != 1 => return Err(Error::invalid("n", "must be 1: this API gives one answer")),
        _ => {
            if let Some(unknown) = params.set(&name, value)? {
                request.extra.insert(name, unknown);
            }
        }
    }
    Ok(())
}

/// The id of the end user is a parameter of its own with us.
fn metadata(request: &mut Request, mut metadata: Map) -> Result<()> {
    request.params.user = take_string(&mut metadata, "user_id", "metadata")?;
    request.params.metadata = (!metadata.is_empty()).then_some(metadata);
    Ok(())
}

fn output_config(request: &mut Request, mut config: Map) -> Result<()> {
    const PATH: &str = "output_config";
    request.params.reasoning_effort = take_string(&mut config, "effort", PATH)?;
    if let Some(format) = take(&mut config, "format") {
        request.response_format = Some(output_format("output_config.format", format)?);
    }
    config.retain(|_, value| !value.is_null());
    if !config.is_empty() {
        request.extra.insert(PATH.into(), Value::Object(config));
    }
    Ok(())
}

/// The form of the answer. It is enforced by this API, so it is elsewhere where it can be.
fn output_format(path: &str, value: Value) -> Result<ResponseFormat> {
    let mut map = json::object(path, value)?;
    let kind = json::require_string(&mut map, "type", path)?;
    if kind != "json_schema" {
        let problem = format_args!("must be json_schema, got {kind:?}");
        return Err(Error::invalid(format!("{path}.type"), problem));
    }
    let schema = take(&mut map, "schema").ok_or_else(|| json::missing(path, "schema"))?;
    let schema = Value::Object(json::object(format_args!("{path}.schema"), schema)?);
    Ok(ResponseFormat::JsonSchema {
        name: "response".into(),
        description: None,
        schema,
        strict: Strict::Auto,
    })
}

fn read_tools(value: Value) -> Result<Vec<Tool>> {
    let tools = json::list("tools", value)?.into_iter().enumerate();
    tools.map(|(i, tool)| tools::read(&format!("tools[{i}]"), tool)).collect()
}

fn tool_choice(request: &mut Request, value: Value) -> Result<()> {
    const PATH: &str = "tool_choice";
    let mut map = json::object(PATH, value)?;
    let kind = json::require_string(&mut map, "type", PATH)?;
    request.tool_choice = Some(match kind.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => named(&request.tools, json::require_string(&mut map, "name", PATH)?),
        _ => {
            let problem = format_args!("must be auto, any, tool or none, got {kind:?}");
            return Err(Error::invalid("tool_choice.type", problem));
        }
    });
    if let Some(disable) = take(&mut map, "disable_parallel_tool_use") {
        let disable = bool::from_json("tool_choice.disable_parallel_tool_use", disable)?;
        request.params.parallel_tool_calls = disable.then_some(false);
    }
    Ok(())
}

/// A tool of the provider's own is no function, and is named in the provider's words.
fn named(tools: &[Tool], name: String) -> ToolChoice {
    let own = tools.iter().any(|tool| match tool {
        Tool::Other(map) => map.get("name").is_some_and(|own| *own == name),
        Tool::Function { .. } => false,
    });
    match own {
        true => ToolChoice::Other(Map::from_iter([
            ("type".to_owned(), "tool".into()),
            ("name".to_owned(), name.into()),
        ])),
        false => ToolChoice::Function(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, PartKind, Role};
    use serde_json::json;

    fn read(fields: Value) -> Result<Request> {
        let mut body =
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
        let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) else { unreachable!() };
        body.extend(fields);
        decode(body.clone())
    }

    #[test]
    fn fields_become_ours() {
        let request = read(json!({
            "system": "be kind", "stop_sequences": ["END"], "temperature": 0.5, "top_p": 0.9, "top_k": 4,
            "metadata": {"user_id": "u"}, "service_tier": "standard_only", "stream": true,
            "thinking": {"type": "adaptive"}, "container": "c", "cache_control": null,
            "output_config": {"effort": "low", "task_budget": {"total": 1}, "format":
                {"type": "json_schema", "schema": {"type": "object"}}},
            "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}},
                {"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": true},
        }))
        .unwrap();
        assert_eq!(request.messages[0], crate::Message::system("be kind"));
        assert!(request.stream && request.include_usage);
        assert_eq!(
            Value::Object(request.settings()),
            json!({
                "temperature": 0.5, "top_p": 0.9, "stop": ["END"], "max_tokens": 9, "user": "u",
                "reasoning_effort": "low", "parallel_tool_calls": false, "service_tier": "default",
                "thinking": {"type": "adaptive"}, "top_k": 4,
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}},
                        "cache_control": {"type": "ephemeral"}},
                    {"type": "web_search_20250305", "name": "web_search"},
                ],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
                "response_format": {"type": "json_schema", "json_schema":
                    {"name": "response", "schema": {"type": "object"}, "strict": "auto"}},
                "stream": true, "container": "c", "output_config": {"task_budget": {"total": 1}},
            })
        );
    }

    #[test]
    fn a_turn_becomes_messages() {
        let image =
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}});
        let request = read(json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"city": "Paris"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain", "is_error": false},
                {"type": "text", "text": "And here?"}, image,
            ]},
        ]}))
        .unwrap();
        let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::User]);
        let [asked, said, result, more] = request.messages.as_slice() else { unreachable!() };
        assert_eq!(asked.content, Content::Text("Weather?".into()));
        assert_eq!(said.reasoning_content.as_deref(), Some("Hm"));
        assert_eq!(said.extra["thinking_blocks"][0]["signature"], "c2ln");
        assert_eq!(said.tool_calls[0].function.arguments, r#"{"city":"Paris"}"#);
        assert_eq!(
            (result.tool_call_id.as_deref(), result.content.as_text()),
            (Some("toolu_1"), Some("rain"))
        );
        let Content::Parts(parts) = &more.content else { panic!("parts are kept apart") };
        assert!(matches!(&parts[1].kind, PartKind::Image { url, .. } if url == "data:image/png;base64,AA=="));
    }

    fn check(fields: Value, expected: &str) {
        let error = read(fields).unwrap_err();
        assert_eq!(error.message(), expected);
    }

    #[test]
    fn bad_input_names_the_field() {
        check(json!({"max_tokens": null}), "max_tokens: is required");
        check(json!({"max_tokens": -1}), "max_tokens: must be a whole number of at least 0, got -1");
        check(json!({"model": null}), "model: is required");
        check(json!({"model": 5}), "model: must be a string, got a number");
        check(json!({"messages": []}), "messages: is empty");
        check(json!({"messages": "hi"}), "messages: must be a list, got a string");
        check(json!({"messages": [{"role": "user"}]}), "messages[0].content: is required");
        check(
            json!({"messages": [{"role": "tool", "content": "x"}]}),
            "messages[0].role: must be user, assistant or system, got \"tool\"",
        );
        check(
            json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
            "messages[0].content[0].type: is required",
        );
        check(
            json!({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]}),
            "messages[0].content[0].source.media_type: is required",
        );
        check(
            json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]}),
            "messages[0].tool_call_id: \"a\" answers no tool call of an earlier assistant message",
        );
        check(
            json!({"messages": [{"role": "assistant", "content":
                [{"type": "tool_use", "id": "a", "name": "f", "input": "x"}]}]}),
            "messages[0].content[0].input: must be an object, got a string",
        );
        check(json!({"system": [{"type": "image"}]}), "system[0].source: is required");
        check(json!({"stop_sequences": [1]}), "stop_sequences[0]: must be a string, got a number");
        check(json!({"tools": [{"name": "f"}]}), "tools[0].input_schema: is required");
        check(
            json!({"tool_choice": {"type": "some"}}),
            "tool_choice.type: must be auto, any, tool or none, got \"some\"",
        );
        check(
            json!({"tool_choice": {"type": "tool", "name": "f"}}),
            "tool_choice: names \"f\", which is not among the tools",
        );
        check(
            json!({"output_config": {"format": {"type": "xml"}}}),
            "output_config.format.type: must be json_schema, got \"xml\"",
        );
        check(json!({"n": 2}), "n: must be 1: this API gives one answer");
        check(json!({"metadata": {"user_id": 1}}), "metadata.user_id: must be a string, got a number");
    }
}
