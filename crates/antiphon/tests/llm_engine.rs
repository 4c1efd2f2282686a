//! LLM Engine as an upstream: where it is asked, with which key, and what comes back.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;
use std::sync::Arc;

use antiphon::config::Config;
use antiphon::core::Operation;
use antiphon::keys::KeyStore;
use antiphon::transport::{HttpRequest, Play, Scripted};
use antiphon::{Call, Client, Kind, Request, Response, Result, SecretString};
use serde_json::{Value, json};

const BASE: &str = "https://engine.example/llm-engine/";

async fn ask(operation: Operation, fields: Value, play: Play) -> (Result<Response>, HttpRequest) {
    let transport = Scripted::new([play]);
    let keys = KeyStore::new(Path::new("/nonexistent"));
    let client = Client::with_transport(Config::default(), keys, Arc::new(transport.clone()));
    let Value::Object(map) = fields else { unreachable!("a test request is an object") };
    let mut call = Call::new(Request::read(operation, map).unwrap());
    call.options.base_url = Some(BASE.into());
    call.options.api_key = Some(SecretString::from("canary-key-000000"));
    call.options.max_retries = Some(0);
    let result = client.complete(call).await;
    (result, transport.sent()[0].1.clone())
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers[name].to_str().unwrap()
}

#[tokio::test]
async fn a_raw_prompt_goes_to_the_first_routes() {
    let body = json!({
        "request_id": "r", "output": {"text": " there", "num_prompt_tokens": 1, "num_completion_tokens": 2},
    });
    let fields =
        json!({"model": "llm_engine/meta-llama/x", "prompt": "hi", "max_tokens": 5, "temperature": 0});
    let (response, sent) = ask(Operation::TextCompletion, fields, Play::json(&body.to_string())).await;
    let url = "https://engine.example/llm-engine/v1/llm/completions-sync?model_endpoint_name=meta-llama%2Fx";
    assert_eq!(sent.url.as_str(), url);
    assert_eq!(header(&sent, "x-api-key"), "canary-key-000000");
    assert_eq!(header(&sent, "authorization"), "Basic Y2FuYXJ5LWtleS0wMDAwMDA6");
    assert!(!format!("{:?}", sent.headers).contains("canary"), "{:?}", sent.headers);
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(body, json!({"prompt": "hi", "max_new_tokens": 5, "temperature": 0.0}));
    let response = response.unwrap();
    assert_eq!(response.text(), " there");
    assert_eq!(response.usage.unwrap().total_tokens, 3);
}

#[tokio::test]
async fn a_chat_goes_to_the_newer_route() {
    let answer = json!({
        "id": "a", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    });
    let fields = json!({"model": "llm_engine/m", "messages": "hi", "max_tokens": 5});
    let (response, sent) = ask(Operation::Chat, fields, Play::json(&answer.to_string())).await;
    assert_eq!(sent.url.as_str(), "https://engine.example/llm-engine/v2/chat/completions");
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!((&body["model"], &body["max_tokens"]), (&json!("m"), &json!(5)));
    assert_eq!(response.unwrap().text(), "Hello");
}

#[tokio::test]
async fn what_it_refuses_is_told_in_its_words() {
    let play = Play::status(404)
        .header("content-type", "application/json")
        .bytes(r#"{"detail": "The specified endpoint could not be found."}"#);
    let fields = json!({"model": "llm_engine/m", "prompt": "hi", "stream": true});
    let (response, sent) = ask(Operation::TextCompletion, fields, play).await;
    assert!(sent.url.path().ends_with("/v1/llm/completions-stream"));
    let error = response.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(error.message().contains("could not be found"), "{error}");
}
