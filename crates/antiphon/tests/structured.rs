//! Answers in a form: held against it, asked for once more, and seen as they grow.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::transport::{Play, Scripted};
use antiphon::{Call, Client, Error, Kind, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};

const GOOD: &str = r#"{"name": "Ann", "age": 5}"#;

fn answer(content: &str, reason: &str) -> Play {
    let body = json!({
        "id": "a", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 2}},
    });
    Play::json(&body.to_string())
}

fn streamed(pieces: &[&str]) -> Play {
    let chunk = |delta: Value, reason: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
        format!("data: {}\n\n", json!({"id": "a", "choices": choices}))
    };
    let text = pieces.iter().map(|piece| chunk(json!({"content": piece}), Value::Null));
    let sse = text.fold(Play::sse(), |play, chunk| play.bytes_after(Duration::from_millis(1), &chunk));
    sse.bytes(&chunk(json!({}), json!("stop"))).bytes("data: [DONE]\n\n")
}

fn person() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "person", "schema": {
        "type": "object", "required": ["name", "age"], "additionalProperties": false,
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}}})
}

fn call(extra: Value) -> Call {
    let mut map = json!({
        "model": "openai/gpt-4o-mini", "messages": "Who?", "api_key": "canary-key-000000",
        "response_format": person(),
    });
    map.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
    Call::from_json(map.as_object().cloned().unwrap()).unwrap()
}

fn client(plays: Vec<Play>) -> (Client, Scripted) {
    let transport = Scripted::new(plays);
    let keys = KeyStore::new(Path::new("/nonexistent"));
    (Client::with_transport(Config::default(), keys, Arc::new(transport.clone())), transport)
}

/// The outcome, and the bodies of the requests.
async fn run(plays: Vec<Play>, extra: Value) -> (Result<Response, Error>, Vec<Value>) {
    let (client, transport) = client(plays);
    let result = client.complete(call(extra)).await;
    let sent = transport.sent().iter().map(|(_, sent)| serde_json::from_slice(&sent.body).unwrap()).collect();
    (result, sent)
}

#[tokio::test(start_paused = true)]
async fn what_fits_goes_through_as_it_came() {
    let (result, sent) = run(vec![answer(GOOD, "stop")], json!({})).await;
    let response = result.unwrap();
    assert_eq!((response.text(), sent.len()), (GOOD, 1));
    assert_eq!(response.meta.structured_output.as_deref(), Some("native"));
    assert!(response.warnings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_misfit_is_asked_for_again_with_what_is_wrong() {
    let plays = vec![answer(r#"{"name": "Ann", "age": "five"}"#, "stop"), answer(GOOD, "stop")];
    let (result, sent) = run(plays, json!({})).await;
    let response = result.unwrap();
    assert_eq!(response.text(), GOOD);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["messages"].as_array().unwrap().len(), 1);
    let said = sent[1]["messages"].as_array().unwrap();
    assert_eq!(said[1], json!({"role": "assistant", "content": r#"{"name": "Ann", "age": "five"}"#}));
    let asked = said[2]["content"].as_str().unwrap();
    assert!(asked.contains("/age: \"five\" is not of type \"integer\""), "{asked}");
    // Both answers are paid for.
    let usage = response.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (20, 8, 28));
    assert_eq!(usage.prompt_tokens_details.unwrap().cached_tokens, Some(4));
    assert_eq!(response.warnings.len(), 1);
    assert!(response.warnings[0].contains("was asked again"), "{:?}", response.warnings);
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_for_so_often_and_then_an_error() {
    for (extra, asks) in [(json!({}), 2), (json!({"max_reasks": 0}), 1), (json!({"max_reasks": 3}), 4)] {
        let (result, sent) = run(vec![answer("hi", "stop")], extra.clone()).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), sent.len()), (Kind::JsonSchemaValidation, asks), "{extra}");
        assert_eq!(error.raw_text(), Some("hi"));
        assert_eq!(error.partial_response().unwrap().usage.as_ref().unwrap().prompt_tokens, 10 * asks as u64);
        assert!(error.message().contains("it is no JSON"), "{error}");
    }
    let (result, sent) =
        run(vec![answer("hi", "stop")], json!({"enable_json_schema_validation": false})).await;
    assert_eq!((result.unwrap().text(), sent.len()), ("hi", 1));
}

#[tokio::test(start_paused = true)]
async fn a_limit_a_refusal_and_a_call_are_not_asked_for_again() {
    let (result, sent) = run(vec![answer(r#"{"name": "A"#, "length")], json!({})).await;
    assert_eq!((result.unwrap_err().kind(), sent.len()), (Kind::JsonSchemaValidation, 1));
    for message in [
        json!({"role": "assistant", "content": null, "refusal": "I would rather not."}),
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
    ] {
        let body = json!({"id": "a", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]});
        let (result, sent) = run(vec![Play::json(&body.to_string())], json!({})).await;
        assert!(result.is_ok());
        assert_eq!(sent.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_without_schemas_is_asked_in_words_and_its_json_is_taken_out() {
    let wrapped = format!("Sure! Here you are:\n```json\n{GOOD}\n```\n");
    let extra = json!({"model": "minimax/MiniMax-M2"});
    let (result, sent) = run(vec![answer(&wrapped, "stop")], extra).await;
    let response = result.unwrap();
    assert_eq!(response.text(), GOOD);
    assert_ne!(response.meta.structured_output.as_deref(), Some("native"));
    assert_eq!(sent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_checked_at_its_end() {
    let (client, transport) = client(vec![streamed(&["{\"name\": \"A", "nn\", ", "\"age\": ", "5}"])]);
    let mut stream = client.stream(call(json!({"stream": true})));
    let mut seen = Vec::new();
    while let Some(batch) = stream.next_batch().await {
        batch.unwrap();
        seen.extend(stream.partial());
    }
    seen.dedup();
    let whole = json!({"name": "Ann", "age": 5});
    assert_eq!(seen, [json!({"name": "A"}), json!({"name": "Ann"}), whole]);
    assert_eq!(transport.sent().len(), 1);

    let (client, transport) = self::client(vec![streamed(&["{\"name\": ", "5}"])]);
    let mut stream = client.stream(call(json!({"stream": true})));
    let mut text = String::new();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(chunk) => text.push_str(chunk.text()),
            Err(error) => break error,
        }
    };
    assert_eq!((text.as_str(), error.kind()), ("{\"name\": 5}", Kind::JsonSchemaValidation));
    assert_eq!(error.partial_response().unwrap().text(), "{\"name\": 5}");
    assert_eq!(transport.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_misfit_is_not_kept_and_a_fallback_may_answer() {
    let (client, transport) = client(vec![answer("hi", "stop"), answer("hi", "stop"), answer(GOOD, "stop")]);
    let cached = || call(json!({"cache_enabled": true}));
    assert!(client.complete(cached()).await.is_err());
    assert_eq!(client.complete(cached()).await.unwrap().text(), GOOD);
    assert_eq!(client.complete(cached()).await.unwrap().text(), GOOD);
    assert_eq!(transport.sent().len(), 3);

    let plays = vec![answer("hi", "stop"), answer("hi", "stop"), answer(GOOD, "stop")];
    let (result, sent) =
        run(plays, json!({"fallbacks": [{"model": "openai/gpt-4o", "api_key": "canary-key-000001"}]})).await;
    let response = result.unwrap();
    assert_eq!((response.text(), sent.len()), (GOOD, 3));
    assert_eq!(response.meta.fallback_for.as_deref(), Some("openai/gpt-4o-mini"));
    assert_eq!(sent[2]["messages"].as_array().unwrap().len(), 1, "what the first model said is its own");
}

#[tokio::test]
async fn mocks_are_held_against_the_form_too() {
    let (client, _) = client(Vec::new());
    let good = client.complete(call(json!({"mock_response": GOOD}))).await;
    assert_eq!(good.unwrap().text(), GOOD);
    let bad = client.complete(call(json!({"mock_response": "hi"}))).await;
    assert_eq!(bad.unwrap_err().kind(), Kind::JsonSchemaValidation);
}

#[tokio::test]
async fn a_schema_that_is_none_is_refused_before_anything_is_sent() {
    let (client, transport) = client(vec![answer(GOOD, "stop")]);
    for schema in [json!({"type": "strin"}), json!({"$ref": "http://example.com/a.json"})] {
        let format = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": schema}});
        let error = client.complete(call(json!({"response_format": format}))).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("response_format")));
    }
    assert!(transport.sent().is_empty());
}
