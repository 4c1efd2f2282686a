//! A caller's turns become messages: the mirror of `messages`.
//!
//! A tool's result is a message of its own. An assistant's turn whose blocks stand in an order that messages
//! of ours cannot say, or are of kinds they have no place for, is also kept block by block, so that it goes
//! back to this API as it came.

use std::fmt::Display;

use serde_json::{Value, json};

use super::content;
use crate::json::{self, take, take_string};
use crate::message::without_nulls;
use crate::{Content, Error, FunctionCall, Map, Message, Part, Result, Role, ToolCall};

/// The conversation, the system's words first.
pub(super) fn messages(system: Option<Value>, turns: Value) -> Result<Vec<Message>> {
    let turns = json::list("messages", turns)?;
    if turns.is_empty() {
        return Err(Error::invalid("messages", "is empty"));
    }
    let mut messages = Vec::new();
    if let Some(system) = system {
        let content = content("system", system)?;
        if !content.text().is_empty() {
            messages.push(Message { role: Role::System, content, ..Message::default() });
        }
    }
    for (i, turn) in turns.into_iter().enumerate() {
        self::turn(&format!("messages[{i}]"), turn, &mut messages)?;
    }
    Ok(messages)
}

fn turn(path: &str, turn: Value, out: &mut Vec<Message>) -> Result<()> {
    let mut turn = json::object(path, turn)?;
    let role = json::require_string(&mut turn, "role", path)?;
    let content = take(&mut turn, "content").ok_or_else(|| json::missing(path, "content"))?;
    let extra = without_nulls(turn);
    let path = format!("{path}.content");
    match (role.as_str(), content) {
        ("assistant", Value::Array(blocks)) => out.push(assistant(&path, blocks, extra)?),
        ("user", Value::Array(blocks)) => user(&path, blocks, extra, out)?,
        ("assistant" | "user" | "system", content) => {
            let role = Role::parse(&role).unwrap_or_default();
            out.push(Message { role, content: self::content(&path, content)?, extra, ..Message::default() });
        }
        _ => {
            let problem = format_args!("must be user, assistant or system, got {role:?}");
            return Err(Error::invalid(path.replace(".content", ".role"), problem));
        }
    }
    Ok(())
}

/// Text, or a list of parts. A list of nothing is an empty text.
fn content(path: &str, value: Value) -> Result<Content> {
    let blocks = match value {
        Value::String(text) => return Ok(Content::Text(text)),
        Value::Array(blocks) => blocks,
        other => return Err(json::wrong_type(path, "a string or a list of content blocks", &other)),
    };
    let parts = blocks.into_iter().enumerate().map(|(i, block)| {
        let path = format!("{path}[{i}]");
        content::part(&path, json::object(&path, block)?)
    });
    Ok(from_parts(parts.collect::<Result<_>>()?))
}

/// A single plain text is just that: not every provider takes parts.
fn from_parts(mut parts: Vec<Part>) -> Content {
    match parts.as_mut_slice() {
        [] => Content::Text(String::new()),
        [Part { kind: crate::PartKind::Text { text }, extra }] if extra.is_empty() => {
            Content::Text(std::mem::take(text))
        }
        _ => Content::Parts(parts),
    }
}

/// What the user says, and the results between it.
fn user(path: &str, blocks: Vec<Value>, extra: Map, out: &mut Vec<Message>) -> Result<()> {
    let said = |parts: Vec<Part>| Message { content: from_parts(parts), ..Message::default() };
    let is_empty = blocks.is_empty();
    let mut parts = Vec::new();
    for (i, block) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{i}]");
        let block = json::object(&path, block)?;
        if block.get("type").is_some_and(|kind| kind == "tool_result") {
            if !parts.is_empty() {
                out.push(said(std::mem::take(&mut parts)));
            }
            out.push(tool_result(&path, block)?);
        } else {
            parts.push(content::part(&path, block)?);
        }
    }
    if is_empty || !parts.is_empty() {
        out.push(Message { extra, ..said(parts) });
    }
    Ok(())
}

fn tool_result(path: &str, mut block: Map) -> Result<Message> {
    block.shift_remove("type");
    let id = json::require_string(&mut block, "tool_use_id", path)?;
    let content = match take(&mut block, "content") {
        Some(content) => self::content(&format!("{path}.content"), content)?,
        None => Content::Text(String::new()),
    };
    let extra = without_nulls(block);
    Ok(Message { role: Role::Tool, content, tool_call_id: Some(id), extra, ..Message::default() })
}

fn assistant(path: &str, blocks: Vec<Value>, extra: Map) -> Result<Message> {
    let native = if is_plain(&blocks) { None } else { Some(blocks.clone()) };
    let mut message = Message { role: Role::Assistant, extra, ..Message::default() };
    let (mut parts, mut thinking, mut reasoning) = (Vec::new(), Vec::new(), String::new());
    for (i, block) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{i}]");
        let mut block = json::object(&path, block)?;
        match block.get("type").and_then(Value::as_str) {
            Some("thinking") => {
                reasoning.push_str(block.get("thinking").and_then(Value::as_str).unwrap_or_default());
                // One without a signature is another provider's, and is refused where signatures are checked.
                if block.get("signature").and_then(Value::as_str).is_some_and(|text| !text.is_empty()) {
                    thinking.push(Value::Object(block));
                }
            }
            Some("redacted_thinking") => thinking.push(Value::Object(block)),
            Some("tool_use") => message.tool_calls.push(tool_call(&path, &mut block)?),
            Some("text") => parts.push(content::part(&path, block)?),
            Some(_) => {}
            None => return Err(json::missing(&path, "type")),
        }
    }
    if !parts.is_empty() || (message.tool_calls.is_empty() && thinking.is_empty()) {
        message.content = from_parts(parts);
    }
    message.reasoning_content = Some(reasoning).filter(|text| !text.is_empty());
    if !thinking.is_empty() {
        message.extra.insert("thinking_blocks".into(), thinking.into());
    }
    if let Some(blocks) = native {
        message.extra.insert("provider_specific_fields".into(), json!({"content_blocks": blocks}));
    }
    Ok(message)
}

/// Whether thinking, text and calls stand in this order, and nothing else does.
fn is_plain(blocks: &[Value]) -> bool {
    let rank = |block: &Value| match block["type"].as_str()? {
        "thinking" | "redacted_thinking" => Some(0),
        "text" => Some(1),
        "tool_use" => Some(2),
        _ => None,
    };
    let ranks: Option<Vec<u8>> = blocks.iter().map(rank).collect();
    ranks.is_some_and(|ranks| ranks.is_sorted())
}

fn tool_call(path: impl Display + Copy, block: &mut Map) -> Result<ToolCall> {
    block.shift_remove("type");
    let input = match take(block, "input") {
        Some(input) => json::object(format_args!("{path}.input"), input)?,
        None => Map::new(),
    };
    Ok(ToolCall {
        id: json::require_string(block, "id", path)?,
        function: FunctionCall {
            name: take_string(block, "name", path)?.ok_or_else(|| json::missing(path, "name"))?,
            arguments: Value::Object(input).to_string(),
        },
        custom: false,
        extra: without_nulls(std::mem::take(block)),
    })
}
