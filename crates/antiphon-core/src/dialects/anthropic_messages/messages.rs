//! A conversation becomes turns: the system's words apart, tool results in the user's turn, consecutive
//! messages of one side together.
//!
//! What OpenAI's messages say and this API has no place for is left out: the name of a speaker, the detail of
//! an image, reasoning without a signature. Empty text, which the API refuses, is left out too.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::parts;
use crate::json::{self, put};
use crate::{Content, Error, FunctionCall, Map, Message, Result, Role, ToolCall};

/// The conversation as the body has it.
pub(super) struct Conversation {
    pub(super) system: Option<Value>,
    pub(super) messages: Vec<Value>,
    /// Whether a part refers to an uploaded file.
    pub(super) has_files: bool,
}

/// What one side says at a time.
struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
}

/// System messages at the beginning become `system`. Later ones stand in the user's turn, in their place: a
/// role `system` there is refused by models before Opus 4.8 and in most places by the others
/// ("Mid-conversation system messages"), and moved to the front they would come before what they follow. A
/// conversation of nothing but system messages leaves the last one to the user, for one turn there must be.
pub(super) fn conversation(messages: &[Message]) -> Result<Conversation> {
    let is_system = |message: &&Message| matches!(message.role, Role::System | Role::Developer);
    let (_, all_but_last) = messages.split_last().ok_or_else(|| Error::invalid("messages", "is empty"))?;
    let leading = all_but_last.iter().take_while(is_system).count();
    let mut system = Vec::new();
    let mut turns = Vec::new();
    let mut functions = Functions::default();
    for (i, message) in messages.iter().enumerate() {
        let path = Path(i);
        if i < leading {
            system.extend(said(path, message)?);
            continue;
        }
        let (role, blocks) = match message.role {
            Role::Assistant => ("assistant", assistant(path, message, &mut functions)?),
            Role::Tool => ("user", vec![tool_result(path, message, message.tool_call_id.as_deref())?]),
            Role::Function => ("user", vec![function_result(path, message, &mut functions)?]),
            Role::System | Role::Developer | Role::User => ("user", said(path, message)?),
        };
        push(&mut turns, role, blocks);
    }
    prefill(&mut turns);
    if turns.is_empty() {
        return Err(Error::invalid("messages", "say nothing: this API takes no empty text"));
    }
    let has_files = turns.iter().flat_map(|turn| &turn.blocks).any(refers_to_file);
    Ok(Conversation {
        system: (!system.is_empty()).then(|| content_json(system)),
        messages: turns.into_iter().map(Turn::into_json).collect(),
        has_files,
    })
}

/// Where a message stands, for errors.
#[derive(Clone, Copy)]
struct Path(usize);

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "messages[{}]", self.0)
    }
}

/// Calls in the older form have no ids: each gets one, by which its result finds it.
#[derive(Default)]
struct Functions {
    /// Names and ids of calls without a result.
    open: Vec<(String, String)>,
}

impl Functions {
    fn call(&mut self, path: Path, function: &FunctionCall) -> Result<Value> {
        let id = format!("function_{}", path.0);
        self.open.push((function.name.clone(), id.clone()));
        let path = format!("{path}.function_call.arguments");
        Ok(json!({
            "type": "tool_use", "id": id, "name": function.name, "input": input(&path, &function.arguments)?,
        }))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.open.iter().position(|(open, _)| open == name)?;
        Some(self.open.remove(at).1)
    }
}

fn push(turns: &mut Vec<Turn>, role: &'static str, blocks: Vec<Value>) {
    match turns.last_mut() {
        _ if blocks.is_empty() => {}
        Some(turn) if turn.role == role => turn.blocks.extend(blocks),
        _ => turns.push(Turn { role, blocks }),
    }
}

impl Turn {
    fn into_json(mut self) -> Value {
        // The API wants results before anything else of the turn that answers calls.
        self.blocks.sort_by_key(|block| block["type"] != "tool_result");
        json!({"role": self.role, "content": content_json(self.blocks)})
    }
}

/// Plain text stands for a single block of it.
fn content_json(mut blocks: Vec<Value>) -> Value {
    match blocks.as_mut_slice() {
        [Value::Object(block)] if block.len() == 2 && block["type"] == "text" => block["text"].take(),
        _ => blocks.into(),
    }
}

/// The API refuses a last turn of the assistant that ends in white space.
fn prefill(turns: &mut [Turn]) {
    let Some(turn) = turns.last_mut().filter(|turn| turn.role == "assistant") else { return };
    let Some(block) = turn.blocks.last_mut().filter(|block| block["type"] == "text") else { return };
    if let Some(text) = block["text"].as_str().filter(|text| text.ends_with(char::is_whitespace)) {
        block["text"] = text.trim_end().into();
    }
}

fn refers_to_file(block: &Value) -> bool {
    block["source"]["type"] == "file"
        || block["content"].as_array().is_some_and(|blocks| blocks.iter().any(refers_to_file))
}

/// What a message of the system or the user says.
fn said(path: Path, message: &Message) -> Result<Vec<Value>> {
    let mut blocks = content(path, message)?;
    mark(&mut blocks, &message.extra);
    Ok(blocks)
}

fn content(path: Path, message: &Message) -> Result<Vec<Value>> {
    match &message.content {
        Content::Null => Ok(Vec::new()),
        Content::Text(text) => Ok(parts::text(text, &Map::new()).into_iter().collect()),
        Content::Parts(given) => {
            let mut blocks = Vec::new();
            for (i, part) in given.iter().enumerate() {
                blocks.extend(parts::block(&format!("{path}.content[{i}]"), part)?);
            }
            Ok(blocks)
        }
    }
}

/// A mark on the message is one on its last block.
fn mark(blocks: &mut [Value], extra: &Map) {
    let (Some(mark), Some(block)) = (extra.get("cache_control"), blocks.last_mut()) else { return };
    let is_thinking = block["type"] == "thinking" || block["type"] == "redacted_thinking";
    if let Some(block) = block.as_object_mut().filter(|_| !is_thinking) {
        block.entry("cache_control").or_insert_with(|| mark.clone());
    }
}

fn assistant(path: Path, message: &Message, functions: &mut Functions) -> Result<Vec<Value>> {
    if message.extra.contains_key("audio") {
        return Err(Error::invalid(format!("{path}.audio"), "sound is not taken by Anthropic's API"));
    }
    let mut blocks = match native_blocks(message) {
        Some(blocks) => blocks.clone(),
        None => translated(path, message)?,
    };
    if let Some(function) = &message.function_call {
        blocks.push(functions.call(path, function)?);
    }
    mark(&mut blocks, &message.extra);
    Ok(blocks)
}

/// The blocks that an answer of this dialect brought, as long as the message still says what they say.
pub(super) fn native_blocks(message: &Message) -> Option<&Vec<Value>> {
    let fields = message.extra.get("provider_specific_fields")?;
    let blocks = fields.get("content_blocks")?.as_array()?;
    let of_kind = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let text: String = of_kind("text").filter_map(|block| block["text"].as_str()).collect();
    let mut calls = message.tool_calls.iter();
    let same_calls = of_kind("tool_use").all(|block| {
        let arguments = |call: &ToolCall| serde_json::from_str::<Value>(&call.function.arguments).ok();
        calls.next().is_some_and(|call| {
            block["id"] == call.id.as_str() && arguments(call).as_ref() == Some(&block["input"])
        })
    });
    let are_blocks = blocks.iter().all(|block| block["type"].is_string());
    (are_blocks && same_calls && calls.next().is_none() && text == message.content.text()).then_some(blocks)
}

/// Thinking comes first, untouched, for its signatures are checked.
fn translated(path: Path, message: &Message) -> Result<Vec<Value>> {
    let mut blocks = match message.extra.get("thinking_blocks") {
        None => Vec::new(),
        Some(Value::Array(blocks)) => blocks.clone(),
        Some(other) => {
            return Err(json::wrong_type(format_args!("{path}.thinking_blocks"), "a list", other));
        }
    };
    blocks.extend(content(path, message)?);
    blocks.extend(message.refusal.as_deref().and_then(|text| parts::text(text, &Map::new())));
    for (i, call) in message.tool_calls.iter().enumerate() {
        blocks.push(tool_use(&format!("{path}.tool_calls[{i}]"), call)?);
    }
    Ok(blocks)
}

fn tool_use(path: &str, call: &ToolCall) -> Result<Value> {
    if call.custom {
        return Err(Error::invalid(path, "a custom tool's call is not taken by Anthropic's API"));
    }
    if call.id.is_empty() {
        return Err(json::missing(path, "id"));
    }
    let mut block = Map::new();
    block.insert("type".into(), "tool_use".into());
    block.insert("id".into(), legal_id(&call.id).into());
    block.insert("name".into(), call.function.name.as_str().into());
    let arguments = format!("{path}.function.arguments");
    block.insert("input".into(), input(&arguments, &call.function.arguments)?);
    // Other fields may be another provider's, and this API refuses what it does not know.
    for name in ["caller", "toolset_name", "cache_control"] {
        put(&mut block, name, call.extra.get(name).cloned());
    }
    Ok(Value::Object(block))
}

/// Arguments as an object; an empty text is that of a call without any.
fn input(path: &str, arguments: &str) -> Result<Value> {
    if arguments.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_str(arguments) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(other) => Err(json::wrong_type(path, "the JSON text of an object", &other)),
        Err(problem) => Err(Error::invalid(path, format_args!("must be JSON: {problem}"))),
    }
}

/// Ids are letters, digits, `_` and `-` here; other providers give others, in calls and results alike.
pub(super) fn legal_id(id: &str) -> Cow<'_, str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(legal) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|c| if legal(c) { c } else { '_' }).collect())
}

fn tool_result(path: Path, message: &Message, id: Option<&str>) -> Result<Value> {
    let id = id.ok_or_else(|| json::missing(path, "tool_call_id"))?;
    let mut block = Map::new();
    block.insert("type".into(), "tool_result".into());
    block.insert("tool_use_id".into(), legal_id(id).into());
    let blocks = content(path, message)?;
    if !blocks.is_empty() {
        block.insert("content".into(), content_json(blocks));
    }
    for name in ["is_error", "toolset_name", "cache_control"] {
        put(&mut block, name, message.extra.get(name).cloned());
    }
    Ok(Value::Object(block))
}

fn function_result(path: Path, message: &Message, functions: &mut Functions) -> Result<Value> {
    let name = message.name.as_deref().unwrap_or_default();
    let id = functions.take(name).ok_or_else(|| {
        let problem = format_args!("{name:?} answers no function call of an earlier assistant message");
        Error::invalid(format!("{path}.name"), problem)
    })?;
    tool_result(path, message, Some(&id))
}
