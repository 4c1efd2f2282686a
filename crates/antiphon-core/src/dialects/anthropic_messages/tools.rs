//! Tools, and which of them is to be called, in both directions.

use serde_json::{Value, json};

use super::schema;
use crate::json::{self, put, take, take_string};
use crate::message::without_nulls;
use crate::params::Param;
use crate::{Error, Map, Request, Result, Tool, ToolChoice};

/// The search of the web that every model takes ("Web search tool").
const WEB_SEARCH: &str = "web_search_20250305";

/// How many searches stand for OpenAI's context sizes, as other clients translate them.
const SEARCHES: &[(&str, u64)] = &[("low", 1), ("medium", 5), ("high", 10)];

/// Adds `tools` and `tool_choice`. A choice among no tools is left out: the API refuses it.
pub(super) fn put_tools(body: &mut Map, request: &Request) -> Result<()> {
    let mut tools = Vec::new();
    for (i, tool) in request.tools.iter().enumerate() {
        tools.push(tool_json(i, tool)?);
    }
    for function in request.functions.as_ref().and_then(Value::as_array).into_iter().flatten() {
        tools.push(function_json(function));
    }
    if let Some(options) = &request.params.web_search_options
        && !tools.iter().any(|tool| tool["name"] == "web_search")
    {
        tools.push(web_search(options));
    }
    if tools.is_empty() {
        return Ok(());
    }
    body.insert("tools".into(), tools.into());
    put(body, "tool_choice", choice(request));
    Ok(())
}

fn tool_json(i: usize, tool: &Tool) -> Result<Value> {
    let (name, description, parameters, strict, extra) = match tool {
        // OpenAI's custom tools take free text; Anthropic's kind of that name is a function.
        Tool::Other(map) if map.contains_key("custom") => {
            return Err(Error::invalid(
                format!("tools[{i}]"),
                "a custom tool is not taken by Anthropic's API",
            ));
        }
        Tool::Other(map) => return Ok(Value::Object(map.clone())),
        Tool::Function { name, description, parameters, strict, extra } => {
            (name, description, parameters, strict, extra)
        }
    };
    let mut map = Map::new();
    map.insert("name".into(), name.as_str().into());
    put(&mut map, "description", description.as_deref());
    // Strict tools take the subset of JSON Schema that structured outputs take.
    let input = input_schema(parameters.as_ref());
    map.insert("input_schema".into(), if *strict == Some(true) { schema::subset(&input) } else { input });
    put(&mut map, "strict", *strict);
    map.extend(extra.clone());
    Ok(Value::Object(map))
}

/// A function in the older form, as it came but for the name of its schema.
fn function_json(function: &Value) -> Value {
    let mut map = Map::new();
    for name in ["name", "description"] {
        put(&mut map, name, function.get(name).filter(|value| !value.is_null()).cloned());
    }
    map.insert("input_schema".into(), input_schema(function.get("parameters")));
    Value::Object(map)
}

/// The API wants `type` to be said.
fn input_schema(parameters: Option<&Value>) -> Value {
    match parameters {
        Some(Value::Object(given)) if !given.is_empty() => {
            let mut schema = given.clone();
            if !schema.contains_key("type") {
                schema.shift_insert(0, "type".into(), "object".into());
            }
            Value::Object(schema)
        }
        _ => json!({"type": "object", "properties": {}}),
    }
}

fn web_search(options: &Map) -> Value {
    let mut tool = Map::new();
    tool.insert("type".into(), WEB_SEARCH.into());
    tool.insert("name".into(), "web_search".into());
    let size = options.get("search_context_size").and_then(Value::as_str);
    let searches = SEARCHES.iter().find(|(name, _)| Some(*name) == size);
    put(&mut tool, "max_uses", searches.map(|(_, searches)| *searches));
    // OpenAI puts the place under the name of its type.
    if let Some(Value::Object(location)) = options.get("user_location") {
        let mut location = location.clone();
        if let Some(Value::Object(place)) = location.shift_remove("approximate") {
            location.extend(place);
        }
        tool.insert("user_location".into(), Value::Object(location));
    }
    Value::Object(tool)
}

fn choice(request: &Request) -> Option<Value> {
    let mut choice = match &request.tool_choice {
        Some(choice) => Some(choice_json(choice)),
        None => request.function_call.as_ref().and_then(older_choice),
    };
    if request.params.parallel_tool_calls == Some(false) {
        let choice = choice.get_or_insert_with(|| json!({"type": "auto"}));
        if choice["type"] != "none" {
            choice["disable_parallel_tool_use"] = true.into();
        }
    }
    choice
}

fn choice_json(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!({"type": "auto"}),
        ToolChoice::None => json!({"type": "none"}),
        ToolChoice::Required => json!({"type": "any"}),
        ToolChoice::Function(name) => json!({"type": "tool", "name": name}),
        ToolChoice::Other(map) => Value::Object(map.clone()),
    }
}

/// The older form: `auto`, `none` or a name.
fn older_choice(choice: &Value) -> Option<Value> {
    match choice {
        Value::String(word) => Some(json!({"type": word})),
        Value::Object(map) => map.get("name").map(|name| json!({"type": "tool", "name": name})),
        _ => None,
    }
}

/// Reads a tool; `path` names it in errors. One of the provider's own kinds is kept as it came.
pub(super) fn read(path: &str, value: Value) -> Result<Tool> {
    let mut map = json::object(path, value)?;
    if map.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "custom") {
        return Ok(Tool::Other(without_nulls(map)));
    }
    map.shift_remove("type");
    let name = json::require_string(&mut map, "name", path)?;
    if name.is_empty() {
        return Err(Error::invalid(format!("{path}.name"), "is empty"));
    }
    let schema = take(&mut map, "input_schema").ok_or_else(|| json::missing(path, "input_schema"))?;
    let schema = json::object(format_args!("{path}.input_schema"), schema)?;
    let strict = take(&mut map, "strict").map(|value| bool::from_json(format_args!("{path}.strict"), value));
    Ok(Tool::Function {
        name,
        description: take_string(&mut map, "description", path)?,
        parameters: Some(Value::Object(schema)),
        strict: strict.transpose()?,
        extra: without_nulls(map),
    })
}
