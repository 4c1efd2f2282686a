//! Replies as Anthropic's messages give them.
//!
//! Shapes: types `Message`, `RawMessageStreamEvent`, `TextBlock`, `ToolUseBlock` and `ErrorResponse` of the
//! `anthropic` Python SDK 2.11.0.

use serde_json::{Value, json};

use super::middle;
use super::script::Reply;

/// A whole answer of this text.
pub fn text(text: &str) -> Reply {
    whole(&json!({"type": "text", "text": text, "citations": null}), "end_turn")
}

/// A whole answer that uses a tool; the input is JSON text.
pub fn tool_call(name: &str, input: &str) -> Reply {
    let input: Value = serde_json::from_str(input).expect("a tool's input is JSON");
    whole(&json!({"type": "tool_use", "id": "toolu_faultd", "name": name, "input": input}), "tool_use")
}

/// A stream of these pieces of text.
pub fn stream(pieces: &[&str]) -> Reply {
    Reply::event_stream(events(pieces))
}

/// A stream that uses a tool; the input is JSON text, and comes in two pieces.
pub fn tool_call_stream(name: &str, input: &str) -> Reply {
    let half = middle(input);
    let start = json!({"type": "tool_use", "id": "toolu_faultd", "name": name, "input": {}});
    let delta = |piece: &str| json!({"type": "input_json_delta", "partial_json": piece});
    Reply::event_stream(block(&start, &[delta(&input[..half]), delta(&input[half..])], "tool_use"))
}

/// An error of this status, such as 529 with `overloaded_error`.
pub fn error(status: u16, kind: &str, message: &str) -> Reply {
    Reply::json(status, error_body(kind, message)).header("request-id", "req_faultd")
}

/// The events of [`stream`], for streams that go wrong: `message_start`, `content_block_start`, a ping, each
/// piece, `content_block_stop`, `message_delta`, `message_stop`.
pub fn events(pieces: &[&str]) -> Vec<String> {
    let deltas: Vec<Value> =
        pieces.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
    block(&json!({"type": "text", "text": "", "citations": null}), &deltas, "end_turn")
}

/// An error as an event of a stream.
pub fn error_event(kind: &str, message: &str) -> String {
    event(&error_body(kind, message))
}

/// What a stream says when the provider is overloaded.
pub fn overloaded_event() -> String {
    error_event("overloaded_error", "Overloaded")
}

/// An event from its data: named by its `type`.
pub fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn block(start: &Value, deltas: &[Value], stop_reason: &str) -> Vec<String> {
    let mut data = vec![
        json!({"type": "message_start", "message": message(&json!([]), None, 1)}),
        json!({"type": "content_block_start", "index": 0, "content_block": start}),
        json!({"type": "ping"}),
    ];
    for delta in deltas {
        data.push(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    }
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
    data.push(json!({"type": "content_block_stop", "index": 0}));
    data.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": deltas.len()}}));
    data.push(json!({"type": "message_stop"}));
    data.iter().map(event).collect()
}

fn whole(content: &Value, stop_reason: &str) -> Reply {
    Reply::json(200, message(&json!([content]), Some(stop_reason), 2)).header("request-id", "req_faultd")
}

fn message(content: &Value, stop_reason: Option<&str>, output_tokens: usize) -> Value {
    json!({
        "id": "msg_faultd", "type": "message", "role": "assistant", "model": "faultd", "content": content,
        "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {
            "input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": output_tokens, "service_tier": "standard",
        },
    })
}

fn error_body(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_faultd"})
}
