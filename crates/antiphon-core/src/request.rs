//! What is asked: a model, messages, parameters, tools, and the form of the answer.

use std::fmt::Display;

use serde_json::Value;

use crate::json::{self, put, take, take_string};
use crate::message::check_name;
use crate::task::check_chat_fields;
use crate::{Error, Map, Message, Operation, Params, Result, Task};

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    /// A function with a JSON schema for its arguments.
    Function {
        /// Its name.
        name: String,
        /// What it does, for the model.
        description: Option<String>,
        /// JSON schema of its arguments; `None` takes none.
        parameters: Option<Value>,
        /// Whether the arguments must fit the schema exactly.
        strict: Option<bool>,
        /// Fields beside the known ones (`cache_control`, …).
        extra: Map,
    },
    /// Any other kind (a custom tool, a provider's own), sent on as it came.
    Other(Map),
}

impl Tool {
    /// Reads a tool as OpenAI writes it; `path` names it in errors.
    pub fn from_json(path: impl Display + Copy, value: Value) -> Result<Self> {
        let mut map = json::object(path, value)?;
        match map.get("type").and_then(Value::as_str) {
            Some("function") => {}
            Some(_) => return Ok(Tool::Other(map)),
            None => return Err(json::missing(path, "type").hint("a function tool has type \"function\"")),
        }
        map.shift_remove("type");
        let inner = format_args!("{path}.function");
        let function = take(&mut map, "function").ok_or_else(|| json::missing(path, "function"))?;
        let mut function = json::object(inner, function)?;
        let name = json::require_string(&mut function, "name", inner)?;
        check_name(format_args!("{inner}.name"), &name)?;
        let parameters = take(&mut function, "parameters");
        if let Some(schema) = &parameters
            && !schema.is_object()
        {
            return Err(json::wrong_type(
                format_args!("{inner}.parameters"),
                "a JSON schema (an object)",
                schema,
            ));
        }
        let strict = match take(&mut function, "strict") {
            None => None,
            Some(Value::Bool(strict)) => Some(strict),
            Some(other) => {
                return Err(json::wrong_type(format_args!("{inner}.strict"), "true or false", &other));
            }
        };
        let description = take_string(&mut function, "description", inner)?;
        Ok(Tool::Function { name, description, parameters, strict, extra: map })
    }

    /// The tool as JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        let (name, description, parameters, strict, extra) = match self {
            Tool::Other(map) => return Value::Object(map.clone()),
            Tool::Function { name, description, parameters, strict, extra } => {
                (name, description, parameters, strict, extra)
            }
        };
        let mut function = Map::new();
        function.insert("name".into(), name.as_str().into());
        put(&mut function, "description", description.as_deref());
        put(&mut function, "parameters", parameters.clone());
        put(&mut function, "strict", *strict);
        let mut map = Map::new();
        map.insert("type".into(), "function".into());
        map.insert("function".into(), Value::Object(function));
        map.extend(extra.clone());
        Value::Object(map)
    }

    /// The function's name; `None` for other kinds.
    pub fn name(&self) -> Option<&str> {
        match self {
            Tool::Function { name, .. } => Some(name),
            Tool::Other(_) => None,
        }
    }
}

/// Whether and which tools are to be called.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Function(String),
    /// A form not known here, sent on as it came.
    Other(Map),
}

impl ToolChoice {
    /// Reads `"auto"`, `"none"`, `"required"` or an object.
    pub fn from_json(value: Value) -> Result<Self> {
        const PATH: &str = "tool_choice";
        match value {
            Value::String(word) => match word.as_str() {
                "auto" => Ok(ToolChoice::Auto),
                "none" => Ok(ToolChoice::None),
                "required" | "any" => Ok(ToolChoice::Required),
                _ => Err(Error::invalid(
                    PATH,
                    format_args!("must be auto, none, required or a named tool, got {word:?}"),
                )),
            },
            Value::Object(map) => match map.get("type").and_then(Value::as_str) {
                Some("function") => map
                    .get("function")
                    .and_then(|function| function.get("name"))
                    .and_then(Value::as_str)
                    .map(|name| ToolChoice::Function(name.to_owned()))
                    .ok_or_else(|| json::missing("tool_choice.function", "name")),
                _ => Ok(ToolChoice::Other(map)),
            },
            other => Err(json::wrong_type(PATH, "a string or an object", &other)),
        }
    }

    /// As JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        match self {
            ToolChoice::Auto => "auto".into(),
            ToolChoice::None => "none".into(),
            ToolChoice::Required => "required".into(),
            ToolChoice::Function(name) => {
                serde_json::json!({"type": "function", "function": {"name": name}})
            }
            ToolChoice::Other(map) => Value::Object(map.clone()),
        }
    }
}

/// Whether a provider holds its model to a schema exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strict {
    /// As the provider has it by default.
    #[default]
    Unsaid,
    /// It must; the schema is one that it can.
    Yes,
    /// It need not.
    No,
    /// Where it can: the schema was made from a type, and may be sent in a tighter form. On the wire of our
    /// own faces `"strict": "auto"`.
    Auto,
}

impl Strict {
    fn from_json(value: Option<Value>) -> Result<Self> {
        match value {
            None => Ok(Strict::Unsaid),
            Some(Value::Bool(true)) => Ok(Strict::Yes),
            Some(Value::Bool(false)) => Ok(Strict::No),
            Some(Value::String(word)) if word == "auto" => Ok(Strict::Auto),
            Some(other) => {
                let path = "response_format.json_schema.strict";
                Err(json::wrong_type(path, "true, false or \"auto\"", &other))
            }
        }
    }

    fn to_json(self) -> Option<Value> {
        match self {
            Strict::Unsaid => None,
            Strict::Yes => Some(true.into()),
            Strict::No => Some(false.into()),
            Strict::Auto => Some("auto".into()),
        }
    }

    /// As a provider's own field has it, which knows no "where it can".
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Strict::Yes => Some(true),
            Strict::No => Some(false),
            Strict::Unsaid | Strict::Auto => None,
        }
    }
}

/// The form of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseFormat {
    /// Free text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// Name of the schema.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether the provider must enforce it exactly.
        strict: Strict,
    },
    /// A form not known here, sent on as it came.
    Other(Map),
}

impl ResponseFormat {
    /// Reads the object that OpenAI takes.
    pub fn from_json(value: Value) -> Result<Self> {
        const PATH: &str = "response_format";
        let mut map = json::object(PATH, value)?;
        match map.get("type").and_then(Value::as_str) {
            Some("text") => Ok(ResponseFormat::Text),
            // LiteLLM's users also write {"type": "json_object", "response_schema": …}.
            Some("json_object") => match take(&mut map, "response_schema") {
                Some(schema) => schema_format("response", None, schema, Strict::Unsaid),
                None => Ok(ResponseFormat::JsonObject),
            },
            Some("json_schema") => {
                let path = "response_format.json_schema";
                let inner =
                    take(&mut map, "json_schema").ok_or_else(|| json::missing(PATH, "json_schema"))?;
                let mut inner = json::object(path, inner)?;
                let schema = take(&mut inner, "schema").ok_or_else(|| json::missing(path, "schema"))?;
                let name = take_string(&mut inner, "name", path)?.unwrap_or_else(|| "response".into());
                check_name("response_format.json_schema.name", &name)?;
                let description = take_string(&mut inner, "description", path)?;
                let strict = Strict::from_json(take(&mut inner, "strict"))?;
                schema_format(&name, description, schema, strict)
            }
            Some(_) => Ok(ResponseFormat::Other(map)),
            None => Err(json::missing(PATH, "type").hint("text, json_object or json_schema")),
        }
    }

    /// As JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        match self {
            ResponseFormat::Text => serde_json::json!({"type": "text"}),
            ResponseFormat::JsonObject => serde_json::json!({"type": "json_object"}),
            ResponseFormat::JsonSchema { name, description, schema, strict } => {
                let mut inner = Map::new();
                inner.insert("name".into(), name.as_str().into());
                put(&mut inner, "description", description.as_deref());
                inner.insert("schema".into(), schema.clone());
                put(&mut inner, "strict", strict.to_json());
                serde_json::json!({"type": "json_schema", "json_schema": inner})
            }
            ResponseFormat::Other(map) => Value::Object(map.clone()),
        }
    }
}

fn schema_format(
    name: &str,
    description: Option<String>,
    schema: Value,
    strict: Strict,
) -> Result<ResponseFormat> {
    if !schema.is_object() && !schema.is_boolean() {
        let path = "response_format.json_schema.schema";
        return Err(json::wrong_type(path, "a JSON schema (an object)", &schema));
    }
    Ok(ResponseFormat::JsonSchema { name: name.to_owned(), description, schema, strict })
}

/// What is asked of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// The model, in the provider's word (the part after `provider/`, once resolved).
    pub model: String,
    /// What kind of answer is asked for, and from what, where it is no conversation.
    pub task: Task,
    /// The conversation.
    pub messages: Vec<Message>,
    /// What shapes the answer.
    pub params: Params,
    /// Tools that may be called.
    pub tools: Vec<Tool>,
    /// Whether and which tools are to be called.
    pub tool_choice: Option<ToolChoice>,
    /// The older form of `tools`, sent on as it came.
    pub functions: Option<Value>,
    /// The older form of `tool_choice`, sent on as it came.
    pub function_call: Option<Value>,
    /// The form of the answer.
    pub response_format: Option<ResponseFormat>,
    /// Whether the answer is wanted in pieces.
    pub stream: bool,
    /// Whether the caller wants a last chunk with usage.
    pub include_usage: bool,
    /// Parameters not known here, sent on as they came.
    pub extra: Map,
}

impl Request {
    /// A request of one user message.
    pub fn new(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self { model: model.into(), messages: vec![Message::user(prompt)], ..Self::default() }
    }

    /// Reads and checks a request as OpenAI's chat endpoint takes it. `messages` may also be a string:
    /// one user message. What is not known ends up in [`Request::extra`].
    pub fn from_json(map: Map) -> Result<Self> {
        Self::read(Operation::Chat, map)
    }

    /// [`Request::from_json`], for any of OpenAI's endpoints.
    pub fn read(operation: Operation, mut map: Map) -> Result<Self> {
        let model = take_string(&mut map, "model", "request")?.unwrap_or_default();
        let asked = take(&mut map, operation.field());
        let mut request = match operation {
            Operation::Chat => Self { model, messages: messages(asked)?, ..Self::default() },
            _ => Self { model, task: Task::read(operation, asked)?, ..Self::default() },
        };
        for (name, value) in map {
            request.set(&name, value)?;
        }
        request.check()?;
        Ok(request)
    }

    /// Sets one field by the name that OpenAI's chat endpoint gives it; a null unsets it.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let some = !value.is_null();
        match name {
            "tools" => self.tools = if some { tools(value)? } else { Vec::new() },
            "tool_choice" => self.tool_choice = some.then(|| ToolChoice::from_json(value)).transpose()?,
            "functions" => self.functions = some.then_some(value),
            "function_call" => self.function_call = some.then_some(value),
            "response_format" => {
                self.response_format = some.then(|| ResponseFormat::from_json(value)).transpose()?;
            }
            "stream" => self.stream = boolean(name, value)?,
            "stream_options" if some => {
                let mut options = json::object(name, value)?;
                if let Some(usage) = take(&mut options, "include_usage") {
                    self.include_usage = boolean("stream_options.include_usage", usage)?;
                }
                // What else it says (`include_obfuscation`) is the provider's business.
                if !options.is_empty() {
                    self.extra.insert(name.to_owned(), Value::Object(options));
                }
            }
            "stream_options" => {
                self.include_usage = false;
                self.extra.shift_remove(name);
            }
            _ => {
                let Some(value) = self.task.set(name, value)? else { return Ok(()) };
                if let Some(unknown) = self.params.set(name, value)?
                    && !unknown.is_null()
                {
                    self.extra.insert(name.to_owned(), unknown);
                }
            }
        }
        Ok(())
    }

    /// Checks what spans several fields.
    pub fn check(&self) -> Result<()> {
        self.params.check_guides()?;
        if self.task != Task::Chat {
            return self.check_task();
        }
        if self.messages.is_empty() {
            return Err(Error::invalid("messages", "is empty").hint("give a prompt or a list of messages"));
        }
        self.check_tool_results()?;
        if let Some(ToolChoice::Function(name)) = &self.tool_choice
            && !self.tools.iter().any(|tool| tool.name() == Some(name))
        {
            let message = format_args!("names {name:?}, which is not among the tools");
            return Err(Error::invalid("tool_choice", message));
        }
        if self.tool_choice == Some(ToolChoice::Required) && self.tools.is_empty() {
            return Err(Error::invalid("tool_choice", "is \"required\", but no tools are given"));
        }
        Ok(())
    }

    fn check_task(&self) -> Result<()> {
        let operation = self.task.operation();
        check_chat_fields(
            operation,
            &[
                ("messages", !self.messages.is_empty()),
                ("tools", !self.tools.is_empty()),
                ("tool_choice", self.tool_choice.is_some()),
                ("functions", self.functions.is_some()),
                ("function_call", self.function_call.is_some()),
                ("response_format", self.response_format.is_some()),
                ("stream", self.stream && matches!(operation, Operation::Embeddings | Operation::Rerank)),
            ],
        )?;
        self.task.check()
    }

    /// A tool's result must answer a call that was made before it.
    fn check_tool_results(&self) -> Result<()> {
        let mut calls: Vec<&str> = Vec::new();
        for (i, message) in self.messages.iter().enumerate() {
            calls.extend(message.tool_calls.iter().map(|call| call.id.as_str()));
            if let Some(id) = &message.tool_call_id
                && !calls.contains(&id.as_str())
            {
                let field = format!("messages[{i}].tool_call_id");
                let message = format_args!("{id:?} answers no tool call of an earlier assistant message");
                return Err(Error::invalid(field, message));
            }
        }
        Ok(())
    }

    /// The request as JSON, as OpenAI's endpoint of its task takes it. The dialect's quirks are not in here.
    pub fn to_json(&self) -> Map {
        let mut map = Map::new();
        map.insert("model".into(), self.model.as_str().into());
        match self.task {
            Task::Chat => {
                let messages = self.messages.iter().map(Message::to_json).collect::<Vec<_>>();
                map.insert("messages".into(), messages.into());
            }
            _ => map.extend(self.task.to_json()),
        }
        map.extend(self.settings());
        map
    }

    /// All of it as JSON but the model and what it is asked.
    pub fn settings(&self) -> Map {
        let mut map = self.params.to_json();
        if !self.tools.is_empty() {
            map.insert("tools".into(), self.tools.iter().map(Tool::to_json).collect::<Vec<_>>().into());
        }
        put(&mut map, "tool_choice", self.tool_choice.as_ref().map(ToolChoice::to_json));
        put(&mut map, "functions", self.functions.clone());
        put(&mut map, "function_call", self.function_call.clone());
        put(&mut map, "response_format", self.response_format.as_ref().map(ResponseFormat::to_json));
        if self.stream {
            map.insert("stream".into(), true.into());
        }
        map.extend(self.extra.clone());
        map
    }
}

fn messages(value: Option<Value>) -> Result<Vec<Message>> {
    match value {
        None => Err(Error::invalid("messages", "is required").hint("give a prompt or a list of messages")),
        Some(Value::String(prompt)) => Ok(vec![Message::user(prompt)]),
        Some(Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(i, item)| Message::from_json(format_args!("messages[{i}]"), item))
            .collect(),
        Some(other) => Err(json::wrong_type("messages", "a string or a list of messages", &other)),
    }
}

fn tools(value: Value) -> Result<Vec<Tool>> {
    json::list("tools", value)?
        .into_iter()
        .enumerate()
        .map(|(i, tool)| Tool::from_json(format_args!("tools[{i}]"), tool))
        .collect()
}

fn boolean(path: impl Display + Copy, value: Value) -> Result<bool> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(value) => Ok(value),
        other => Err(json::wrong_type(path, "true or false", &other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(request: Value, expected: &str) {
        let Value::Object(map) = request else { panic!("a test request is an object") };
        let outcome = Request::from_json(map).map_err(|error| error.message().to_owned());
        assert_eq!(outcome.err().as_deref().unwrap_or("ok"), expected);
    }

    #[test]
    fn bad_input_names_the_field() {
        let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let cases = [
            (json!({"messages": "hi"}), "ok"),
            (json!({"messages": []}), "messages: is empty"),
            (json!({}), "messages: is required"),
            (json!({"messages": 5}), "messages: must be a string or a list of messages, got a number"),
            (json!({"messages": [1]}), "messages[0]: must be an object, got a number"),
            (json!({"messages": [{"content": "x"}]}), "messages[0].role: is required"),
            (
                json!({"messages": [{"role": "boss", "content": "x"}]}),
                "messages[0].role: must be one of system, developer, user, assistant, tool, function, got \"boss\"",
            ),
            (
                json!({"messages": [{"role": "user", "content": null}]}),
                "messages[0].content: may be null only in an assistant's message with calls",
            ),
            (
                json!({"messages": [{"role": "function", "content": "x"}]}),
                "messages[0].name: is required for the role \"function\"",
            ),
            (
                json!({"messages": [{"role": "user", "name": "a b", "content": "x"}]}),
                "messages[0].name: must be 1 to 64 letters, digits, \"_\" or \"-\", got \"a b\"",
            ),
            (
                json!({"messages": [{"role": "tool", "content": "x"}]}),
                "messages[0].tool_call_id: is required for the role \"tool\"",
            ),
            (
                json!({"messages": [{"role": "tool", "content": "x", "tool_call_id": "a"}]}),
                "messages[0].tool_call_id: \"a\" answers no tool call of an earlier assistant message",
            ),
            (
                json!({"messages": [
                    {"role": "assistant", "content": null, "tool_calls": [call]},
                    {"role": "tool", "content": "x", "tool_call_id": "a"},
                ]}),
                "ok",
            ),
            (
                json!({"messages": "hi", "tools": [{"type": "function", "function": {"name": "a b"}}]}),
                "tools[0].function.name: must be 1 to 64 letters, digits, \"_\" or \"-\", got \"a b\"",
            ),
            (
                json!({"messages": "hi", "tool_choice": "required"}),
                "tool_choice: is \"required\", but no tools are given",
            ),
            (json!({"messages": "hi", "stream": 1}), "stream: must be true or false, got a number"),
        ];
        for (request, expected) in cases {
            check(request, expected);
        }
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let request =
            json!({"model": "m", "messages": "hi", "colour": "red", "temperature": 0.5, "user": null});
        let Value::Object(map) = request else { unreachable!() };
        let request = Request::from_json(map).unwrap();
        assert_eq!(Value::Object(request.extra.clone()), json!({"colour": "red"}));
        assert_eq!(
            Value::Object(request.to_json()),
            json!({
                "model": "m", "messages": [{"role": "user", "content": "hi"}],
                "temperature": 0.5, "colour": "red",
            })
        );
    }
}
