//! Calls that are mocked: the whole path of a call, without a model.

use std::path::Path;
use std::time::Duration;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::{Call, Client, Error, FinishReason, Kind, Message, Mock, completion};
use futures_util::StreamExt;
use serde_json::json;

/// A client that sees nothing of this machine's configuration.
fn client() -> Client {
    Client::with_config(Config::default(), KeyStore::new(Path::new("/nonexistent")))
        .expect("an empty configuration")
}

#[tokio::test]
async fn a_text_is_answered_whole() {
    let response = client()
        .completion("What is the capital of Sweden?")
        .model("gpt-4o-mini")
        .mock_response("Stockholm")
        .await
        .unwrap();
    assert_eq!(response.text(), "Stockholm");
    assert_eq!(response.model, "gpt-4o-mini");
    assert_eq!(response.choices[0].finish_reason, Some(FinishReason::Stop));
    assert!(response.id.starts_with("chatcmpl-"), "{}", response.id);
    let usage = response.usage.unwrap();
    assert_eq!(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

#[tokio::test]
async fn tools_are_called_whole_and_streamed() {
    let calls = json!([
        {"function": {"name": "weather", "arguments": "{\"city\": \"New York\"}"}},
        {"id": "call_b", "type": "function", "function": {"name": "time", "arguments": {}}},
    ]);
    let call = |stream: bool| {
        let call = json!({"model": "m/x", "messages": "hi", "mock_tool_calls": calls, "stream": stream});
        Call::from_json(call.as_object().cloned().unwrap()).unwrap()
    };
    let whole = client().complete(call(false)).await.unwrap();
    let choice = &whole.choices[0];
    assert_eq!(choice.finish_reason, Some(FinishReason::ToolCalls));
    assert!(choice.message.content.is_null());
    let made = whole.tool_calls();
    assert!(made[0].id.starts_with("call_"));
    assert_eq!((made[1].id.as_str(), made[1].function.arguments.as_str()), ("call_b", "{}"));
    let mut stream = client().stream(call(true));
    while let Some(chunk) = stream.next().await {
        chunk.unwrap();
    }
    let folded = stream.response();
    assert_eq!(folded.tool_calls()[0].function, made[0].function);
    assert_eq!(folded.choices[0].finish_reason, Some(FinishReason::ToolCalls));
}

#[tokio::test]
async fn mocked_calls_of_tools_are_checked() {
    for (extra, field) in [
        (json!({"mock_tool_calls": "weather"}), "mock_tool_calls"),
        (json!({"mock_tool_calls": [{"function": {}}]}), "mock_tool_calls[0].function.name"),
        (json!({"mock_tool_calls": [], "mock_response": "antiphon.RateLimitError"}), "mock_tool_calls"),
    ] {
        let mut call = json!({"model": "m/x", "messages": "hi"}).as_object().cloned().unwrap();
        call.extend(extra.as_object().cloned().unwrap());
        assert_eq!(Call::from_json(call).unwrap_err().field(), Some(field));
    }
}

#[tokio::test]
async fn the_stream_folds_to_the_whole() {
    let text = "Add the flour, then the milk.";
    let call = || client().completion("hi").model("m/x").mock_response(text);
    let whole = call().await.unwrap();
    let mut stream = call().stream().await.unwrap();
    let mut pieces = Vec::new();
    let mut roles = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.unwrap();
        let choice = chunk.choice.clone().unwrap();
        roles.push(choice.delta.role.is_some());
        pieces.push(chunk.text().to_owned());
    }
    assert_eq!(pieces.concat(), text);
    assert!(pieces.len() > 3, "a mock streams word by word: {pieces:?}");
    assert!(roles[0] && !roles[1..].contains(&true), "the role is in the first chunk alone: {roles:?}");
    let folded = stream.response();
    assert_eq!(folded.choices, whole.choices);
    assert_eq!(folded.usage, whole.usage);
}

#[tokio::test]
async fn n_answers_and_usage_in_the_last_chunk() {
    let call = client()
        .completion("hi")
        .model("m/x")
        .param("n", 2)
        .param("stream_options", json!({"include_usage": true}))
        .mock_response("yes");
    let chunks = call.stream().await.unwrap().collect::<Vec<_>>().await;
    let last = chunks.last().unwrap().as_ref().unwrap();
    assert!(last.choice.is_none());
    assert!(last.usage.is_some());
}

#[tokio::test]
async fn a_whole_response_is_answered_as_it_is() {
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "gpt-x",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "logprobs": null, "message": {
            "role": "assistant", "content": null, "refusal": null,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    });
    let mock = Mock::from_json(body.clone()).unwrap();
    let response = client().completion("hi").model("m/x").mock_response(mock).await.unwrap();
    assert_eq!(response.to_json(), body);
    assert_eq!(response.tool_calls()[0].function.name, "f");
    let again = client().completion("hi").model("m/x").mock_response(response.clone());
    let mut stream = again.stream().await.unwrap();
    while stream.next().await.is_some() {}
    assert_eq!(stream.response(), response);
}

#[tokio::test]
async fn errors_are_raised_before_the_stream() {
    let limited = Error::new(Kind::RateLimit, "slow down");
    let call = || client().completion("hi").model("m/x").mock_response(limited.clone());
    assert_eq!(call().await.unwrap_err().kind(), Kind::RateLimit);
    assert_eq!(call().stream().await.err().unwrap().kind(), Kind::RateLimit);
    let named = Mock::from_json(json!("litellm.AuthenticationError")).unwrap();
    let error = client().completion("hi").model("m/x").mock_response(named).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
}

#[tokio::test]
async fn a_deadline_covers_the_call() {
    let call = serde_json::from_value(json!({
        "model": "m/x", "messages": "hi", "mock_response": "late", "mock_delay": 600, "timeout": 0.05,
    }));
    let error = client().complete(antiphon::Call::from_json(call.unwrap()).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.message().contains("50ms"), "{error}");
    let call = client().completion("hi").timeout(Duration::ZERO).model("m/x").mock_response("now");
    assert_eq!(call.await.unwrap().text(), "now", "what is ready is not late");
}

#[tokio::test]
async fn what_is_passed_on_unknown_is_a_warning() {
    let call = serde_json::from_value(json!({
        "model": "m/x", "messages": "hi", "mock_response": "yes", "vendor_flag": true,
    }));
    let response = client().complete(antiphon::Call::from_json(call.unwrap()).unwrap()).await.unwrap();
    assert_eq!(response.warnings, ["vendor_flag is not known and goes to the provider as it is"]);
}

#[tokio::test]
async fn bad_input_is_refused_before_the_mock() {
    let cases = [
        (completion(Vec::<Message>::new()), "messages: is empty"),
        (completion("hi").param("temperature", "hot"), "temperature: must be a number, got a string"),
        (
            completion("hi").param("tool_choice", "required"),
            "tool_choice: is \"required\", but no tools are given",
        ),
    ];
    for (call, expected) in cases {
        let error = call.client(&client()).mock_response("x").await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::InvalidRequest, expected));
    }
}
