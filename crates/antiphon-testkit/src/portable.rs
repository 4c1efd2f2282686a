//! What every chat dialect can say of an answer, so that one provider's answer can be compared with what a
//! client of another's API reads.
//!
//! Written down, what an API may leave out or say otherwise:
//! - only the first choice is served everywhere; probabilities, sound, time and fields of one provider are not;
//! - a refusal is text and a reason where there is no field for it;
//! - the reason of an answer that calls is that it calls, whatever its provider said, and the older form of a
//!   call is a call; a call without an id gets one;
//! - arguments are JSON, so white space in them says nothing, nor does the order of the calls;
//! - reasoning that nobody signed is told as reasoning alone;
//! - usage that was not told counts as none.

use antiphon_core::{FunctionCall, Message, Response, ToolCall};
use serde_json::{Value, json};

/// The answer as any client can read it.
pub fn portable(response: &Response) -> Value {
    let choice = response.choices.first().cloned().unwrap_or_default();
    let message = &choice.message;
    let refusal = message.refusal.clone().unwrap_or_default();
    let calls = calls(message, &response.id);
    let reason = choice.finish_reason.as_ref().map(|reason| reason.as_str());
    let reason = match reason {
        Some("stop") if !calls.is_empty() => Some("tool_calls"),
        Some("function_call") => Some("tool_calls"),
        Some("stop") if !refusal.is_empty() => Some("content_filter"),
        reason => reason,
    };
    json!({
        "id": response.id,
        "model": response.model,
        "text": message.content.text() + &refusal,
        "reasoning": message.reasoning_content.clone().unwrap_or_default(),
        "thinking": signed(message),
        "calls": calls,
        "finish_reason": reason,
        "usage": usage(response),
    })
}

fn calls(message: &Message, answer: &str) -> Vec<Value> {
    let older = message.function_call.clone();
    let older = older.map(|function| ToolCall { function, ..ToolCall::default() });
    let mut calls: Vec<Value> = message
        .tool_calls
        .iter()
        .chain(&older)
        .zip(0..)
        .map(|(call, place)| {
            let id = if call.id.is_empty() { format!("toolu_{answer}_{place}") } else { call.id.clone() };
            json!([id, call.function.name, arguments(&call.function)])
        })
        .collect();
    calls.sort_by_key(Value::to_string);
    calls
}

/// What the arguments mean; what is no JSON is the text itself.
fn arguments(function: &FunctionCall) -> Value {
    match function.arguments.trim() {
        "" => json!({}),
        text => serde_json::from_str(text).unwrap_or_else(|_| function.arguments.as_str().into()),
    }
}

fn signed(message: &Message) -> Vec<Value> {
    let blocks = message.extra.get("thinking_blocks").and_then(Value::as_array).into_iter().flatten();
    blocks.filter(|block| block["signature"] != "" || block["type"] != "thinking").cloned().collect()
}

fn usage(response: &Response) -> Value {
    let usage = response.usage.clone().unwrap_or_default();
    let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens);
    let reasoning = usage.completion_tokens_details.and_then(|details| details.reasoning_tokens);
    json!([
        usage.prompt_tokens,
        usage.completion_tokens,
        cached.unwrap_or_default(),
        reasoning.unwrap_or_default(),
    ])
}
