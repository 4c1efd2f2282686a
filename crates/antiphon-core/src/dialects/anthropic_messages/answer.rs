//! An answer as this API writes it, whole.
//!
//! The API gives one answer, so the first choice is told. What it has no place for (probabilities, sound,
//! the time) is left out.

use serde_json::{Value, json};

use super::{messages, stop, usage};
use crate::{Choice, Map, Message, Response, ToolCall};

/// The body of a whole answer.
pub(super) fn encode(response: &Response) -> Value {
    let nothing = Choice::default();
    let choice = response.choices.first().unwrap_or(&nothing);
    let message = &choice.message;
    let mut body = head(&response.id, &response.model);
    body.insert("content".into(), content(message, &response.id).into());
    let calls = !message.tool_calls.is_empty() || message.function_call.is_some();
    end(&mut body, choice, calls, message.refusal.is_some());
    let usage = response.usage.as_ref().map_or_else(usage::unknown, usage::native);
    body.insert("usage".into(), Value::Object(usage));
    put_extra(&mut body, &response.extra);
    Value::Object(body)
}

/// What is known of an answer before it begins.
pub(super) fn head(id: &str, model: &str) -> Map {
    let mut head = Map::new();
    head.insert("id".into(), id.into());
    head.insert("type".into(), "message".into());
    head.insert("role".into(), "assistant".into());
    head.insert("model".into(), model.into());
    head
}

/// Why it ended.
pub(super) fn end(body: &mut Map, choice: &Choice, calls: bool, refused: bool) {
    body.insert("stop_reason".into(), stop::stop_reason(choice, calls, refused));
    body.insert("stop_sequence".into(), stop::sequence(choice).into());
    crate::json::put(body, "stop_details", choice.extra.get("stop_details").cloned());
}

/// Fields that are not known go along, but never in the place of one that is.
pub(super) fn put_extra(body: &mut Map, extra: &Map) {
    for (name, value) in extra {
        body.entry(name.as_str()).or_insert_with(|| value.clone());
    }
}

/// The content blocks of a message: those that it came with, else what it says, in this API's order.
pub(super) fn content(message: &Message, id: &str) -> Vec<Value> {
    if let Some(blocks) = messages::native_blocks(message) {
        return blocks.clone();
    }
    let mut blocks = thinking(message);
    let text = message.content.text();
    if !text.is_empty() {
        let mut block = json!({"type": "text", "text": text});
        let citations = citations(message);
        if !citations.is_empty() {
            block["citations"] = citations.into();
        }
        blocks.push(block);
    }
    let refusal = message.refusal.as_deref().filter(|text| !text.is_empty());
    blocks.extend(refusal.map(|text| json!({"type": "text", "text": text})));
    for (i, call) in message.tool_calls.iter().enumerate() {
        let mut block = tool_use(call, &call_id(&call.id, id, i));
        block.insert("input".into(), input(&call.function.arguments));
        blocks.push(Value::Object(block));
    }
    if let Some(function) = &message.function_call {
        let call = ToolCall { function: function.clone(), ..ToolCall::default() };
        let mut block = tool_use(&call, &call_id("", id, message.tool_calls.len()));
        block.insert("input".into(), input(&function.arguments));
        blocks.push(Value::Object(block));
    }
    blocks
}

/// Thinking with its signatures; reasoning that nobody signed has an empty one.
fn thinking(message: &Message) -> Vec<Value> {
    if let Some(Value::Array(blocks)) = message.extra.get("thinking_blocks") {
        return blocks.iter().filter(|block| is_thinking(block)).cloned().collect();
    }
    let reasoning = message.reasoning_content.as_deref().filter(|text| !text.is_empty());
    let block = |text| json!({"type": "thinking", "thinking": text, "signature": ""});
    reasoning.map(block).into_iter().collect()
}

/// Whether that is a block of thinking; the field may be another provider's.
pub(super) fn is_thinking(block: &Value) -> bool {
    block["type"] == "thinking" || block["type"] == "redacted_thinking"
}

/// What the text leans on: this API's own citations, else the pages of the web that another provider names.
/// What those quote is seldom said, and which part of the text they are for has no place here.
pub(super) fn citations(message: &Message) -> Vec<Value> {
    let own = message.extra.get("provider_specific_fields").and_then(|fields| fields.get("citations"));
    if let Some(lists) = own.and_then(Value::as_array) {
        return lists.iter().filter_map(Value::as_array).flatten().cloned().collect();
    }
    let annotations = message.extra.get("annotations").and_then(Value::as_array).into_iter().flatten();
    annotations
        .filter_map(|annotation| annotation.get("url_citation"))
        .map(|page| {
            json!({
                "type": "web_search_result_location",
                "cited_text": page["content"].as_str().unwrap_or_default(),
                "encrypted_index": "",
                "title": page["title"].as_str(),
                "url": page["url"],
            })
        })
        .collect()
}

/// A call without its input, which comes last.
pub(super) fn tool_use(call: &ToolCall, id: &str) -> Map {
    let mut block = Map::new();
    block.insert("type".into(), "tool_use".into());
    block.insert("id".into(), id.into());
    block.insert("name".into(), call.function.name.as_str().into());
    put_extra(&mut block, &call.extra);
    block
}

/// A call's own id, else one that its result can name.
pub(super) fn call_id(id: &str, answer: &str, place: usize) -> String {
    match id {
        "" => messages::legal_id(&format!("toolu_{answer}_{place}")).into_owned(),
        id => id.to_owned(),
    }
}

/// Arguments as they are meant; what is no JSON is given as the text that the model wrote.
fn input(arguments: &str) -> Value {
    if arguments.trim().is_empty() {
        return json!({});
    }
    serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FinishReason, FunctionCall, Usage};

    fn answer(message: Message, reason: &str) -> Value {
        let finish_reason = Some(FinishReason::parse(reason));
        let choices = vec![Choice { message, finish_reason, ..Choice::default() }];
        encode(&Response { id: "x".into(), model: "m".into(), choices, ..Response::default() })
    }

    #[test]
    fn an_answer_of_another_provider_has_this_apis_form() {
        let call = |id: &str, arguments: &str| ToolCall {
            id: id.into(),
            function: FunctionCall { name: "f".into(), arguments: arguments.into() },
            ..ToolCall::default()
        };
        let message = Message {
            reasoning_content: Some("Hm".into()),
            tool_calls: vec![call("call_1", "{\"a\": 1}"), call("", ""), call("c", "{\"a\":")],
            ..Message::assistant("Hi")
        };
        assert_eq!(
            answer(message, "stop"),
            json!({
                "id": "x", "type": "message", "role": "assistant", "model": "m",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": ""},
                    {"type": "text", "text": "Hi"},
                    {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
                    {"type": "tool_use", "id": "toolu_x_1", "name": "f", "input": {}},
                    {"type": "tool_use", "id": "c", "name": "f", "input": "{\"a\":"},
                ],
                "stop_reason": "tool_use", "stop_sequence": null,
                "usage": {"input_tokens": 0, "output_tokens": 0},
            })
        );
    }

    #[test]
    fn a_refusal_is_text_and_a_reason() {
        let message = Message { refusal: Some("No.".into()), ..Message::default() };
        let answer = answer(message, "stop");
        assert_eq!(answer["content"], json!([{"type": "text", "text": "No."}]));
        assert_eq!(answer["stop_reason"], "refusal");
    }

    #[test]
    fn pages_of_the_web_are_citations() {
        let page = json!({"start_index": 0, "end_index": 2, "title": "T", "url": "https://example.com/"});
        let mut message = Message::assistant("Hi");
        message.extra.insert("annotations".into(), json!([{"type": "url_citation", "url_citation": page}]));
        let answer = answer(message, "stop");
        assert_eq!(answer["content"][0]["citations"][0]["url"], "https://example.com/");
    }

    #[test]
    fn an_unknown_field_takes_no_place() {
        let extra = Map::from_iter([("type".to_owned(), json!("x")), ("container".to_owned(), json!("c"))]);
        let usage = Some(Usage::new(3, 4));
        let answer = encode(&Response { extra, usage, ..Response::default() });
        assert_eq!((&answer["type"], &answer["container"]), (&json!("message"), &json!("c")));
        assert_eq!(answer["usage"], json!({"input_tokens": 3, "output_tokens": 4}));
        assert_eq!((&answer["content"], &answer["stop_reason"]), (&json!([]), &Value::Null));
    }
}
