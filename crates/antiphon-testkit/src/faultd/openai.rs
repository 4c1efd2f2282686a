//! Replies as OpenAI's chat completions give them.
//!
//! Shapes: types `ChatCompletion`, `ChatCompletionChunk` and `ErrorObject` of the `openai` Python SDK; the
//! same as in `fixtures/openai-chat`.

use serde_json::{Value, json};

use super::middle;
use super::script::Reply;

const ID: &str = "chatcmpl-faultd";
const MODEL: &str = "faultd";

/// A whole answer of this text.
pub fn text(text: &str) -> Reply {
    whole(&json!({"role": "assistant", "content": text, "refusal": null, "annotations": []}), "stop")
}

/// A whole answer that calls a function; the arguments are JSON text.
pub fn tool_call(name: &str, arguments: &str) -> Reply {
    let call =
        json!({"id": "call_faultd", "type": "function", "function": {"name": name, "arguments": arguments}});
    whole(&json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": [call]}), "tool_calls")
}

/// A stream of these pieces of text.
pub fn stream(pieces: &[&str]) -> Reply {
    Reply::event_stream(events(pieces))
}

/// A stream that calls a function; the arguments are JSON text, and come in two pieces.
pub fn tool_call_stream(name: &str, arguments: &str) -> Reply {
    let half = middle(arguments);
    let start = json!({
        "index": 0, "id": "call_faultd", "type": "function", "function": {"name": name, "arguments": ""},
    });
    let mut events = vec![
        chunk(json!({"role": "assistant", "content": null, "refusal": null}), None),
        chunk(json!({"tool_calls": [start]}), None),
    ];
    for piece in [&arguments[..half], &arguments[half..]] {
        events.push(chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}), None));
    }
    events.push(chunk(json!({}), Some("tool_calls")));
    events.extend([usage_event(2), done_event()]);
    Reply::event_stream(events)
}

/// An error of this status; an empty `code` is null.
pub fn error(status: u16, kind: &str, code: &str, message: &str) -> Reply {
    Reply::json(status, error_body(kind, code, message)).header("x-request-id", "req_faultd")
}

/// The events of [`stream`], for streams that go wrong: the role, each piece, the finish, usage, `[DONE]`.
pub fn events(pieces: &[&str]) -> Vec<String> {
    let mut events = vec![chunk(json!({"role": "assistant", "content": "", "refusal": null}), None)];
    events.extend(pieces.iter().map(|piece| chunk(json!({"content": piece}), None)));
    events.extend([chunk(json!({}), Some("stop")), usage_event(pieces.len()), done_event()]);
    events
}

/// An error as an event of a stream.
pub fn error_event(kind: &str, code: &str, message: &str) -> String {
    format!("data: {}\n\n", error_body(kind, code, message))
}

/// One chunk as an event.
pub fn chunk(delta: Value, finish_reason: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
    event(&json!([choice]), &Value::Null)
}

/// The chunk that tells usage, as an event.
pub fn usage_event(completion_tokens: usize) -> String {
    event(&json!([]), &usage(completion_tokens))
}

/// The event that ends a stream.
pub fn done_event() -> String {
    "data: [DONE]\n\n".into()
}

fn whole(message: &Value, finish_reason: &str) -> Reply {
    let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason});
    let body = json!({
        "id": ID, "object": "chat.completion", "created": 1_760_000_000, "model": MODEL,
        "choices": [choice], "usage": usage(2), "system_fingerprint": "fp_faultd",
    });
    Reply::json(200, body)
}

fn event(choices: &Value, usage: &Value) -> String {
    let chunk = json!({
        "id": ID, "object": "chat.completion.chunk", "created": 1_760_000_000, "model": MODEL,
        "system_fingerprint": "fp_faultd", "choices": choices, "usage": usage,
    });
    format!("data: {chunk}\n\n")
}

fn usage(completion_tokens: usize) -> Value {
    json!({
        "prompt_tokens": 9, "completion_tokens": completion_tokens, "total_tokens": 9 + completion_tokens,
    })
}

fn error_body(kind: &str, code: &str, message: &str) -> Value {
    let code = Some(code).filter(|code| !code.is_empty());
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}
