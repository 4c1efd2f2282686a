//! What every call leaves behind.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;
use std::sync::Arc;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::transport::{Play, Scripted};
use antiphon::{Call, CallLog, Client, Map};
use futures_util::StreamExt;
use serde_json::{Value, json};

const ANSWER: &str = r#"{"id": "a", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000000, "completion_tokens": 1000000, "total_tokens": 2000000,
              "prompt_tokens_details": {"cached_tokens": 0}}}"#;

fn client(plays: Vec<Play>) -> Client {
    let keys = KeyStore::new(Path::new("/nonexistent"));
    Client::with_transport(Config::default(), keys, Arc::new(Scripted::new(plays)))
}

fn call(extra: Value) -> Call {
    let mut map = Map::new();
    map.insert("model".into(), "openai/gpt-4o-mini".into());
    map.insert("messages".into(), "a prompt of canary words".into());
    map.insert("api_key".into(), "canary-key-000000".into());
    if let Value::Object(extra) = extra {
        map.extend(extra);
    }
    Call::from_json(map).unwrap()
}

fn taken(client: &Client) -> Vec<CallLog> {
    let taken = client.take_tracked().unwrap();
    taken.iter().map(|log| (**log).clone()).collect()
}

#[tokio::test]
async fn every_end_of_a_call_leaves_one_record() {
    let refusal = Play::status(500);
    let client = client(vec![refusal.clone(), Play::json(ANSWER), Play::json(ANSWER), refusal]);
    assert!(client.take_tracked().is_none());
    assert!(client.start_tracking() && !client.start_tracking());

    client.complete(call(json!({"retry_delay": 0, "cache_enabled": true}))).await.unwrap();
    let log = &taken(&client)[0];
    assert_eq!((log.provider.as_deref(), log.model.as_str()), (Some("openai"), "gpt-4o-mini"));
    assert_eq!(
        (log.input_tokens, log.output_tokens, log.cached_tokens),
        (Some(1_000_000), Some(1_000_000), Some(0))
    );
    assert_eq!((log.attempts, log.cache_hit, log.stream), (2, false, false));
    assert!((log.cost.unwrap() - 0.75).abs() < 1e-9 && log.error.is_none() && log.cache_key.is_some());

    client.complete(call(json!({"cache_enabled": true}))).await.unwrap();
    let hit = &taken(&client)[0];
    assert_eq!((hit.attempts, hit.cache_hit, &hit.cache_key), (0, true, &log.cache_key));
    assert!((hit.cost.unwrap() - 0.75).abs() < 1e-9, "what it would have cost");

    let mut stream = client.stream(call(json!({"stream": true, "mock_response": "one two three"})));
    stream.next().await.unwrap().unwrap();
    drop(stream);
    let dropped = &taken(&client)[0];
    assert_eq!((dropped.error.as_deref(), dropped.stream), (Some("CancelledError"), true));

    client.complete(call(json!({"mock_response": "ok"}))).await.unwrap();
    let mocked = &taken(&client)[0];
    assert!(mocked.cost.unwrap() > 0.0 && mocked.attempts == 0, "{mocked:?}");

    client.complete(call(json!({}))).await.unwrap();
    client.complete(call(json!({"max_retries": 0}))).await.unwrap_err();
    let failed = &taken(&client)[1];
    assert_eq!(
        (failed.error.as_deref(), failed.attempts, failed.cost),
        (Some("InternalServerError"), 1, None)
    );

    client.complete(call(json!({"model": "nobody/m"}))).await.unwrap_err();
    let unsent = &taken(&client)[0];
    assert_eq!((unsent.error.as_deref(), unsent.cost), (Some("UnknownProviderError"), Some(0.0)));
    assert_eq!(client.stop_tracking(), Some(Vec::new()));
    client.complete(call(json!({"mock_response": "ok"}))).await.unwrap();
    assert!(client.take_tracked().is_none());
}

#[tokio::test]
async fn a_file_gets_a_line_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("calls.jsonl");
    let mocked = || call(json!({"mock_response": "an answer of canary words"}));
    let (one, other) = (client(vec![]), client(vec![]));
    for client in [&one, &other] {
        client.set_call_log_path(Some(path.clone()));
        for _ in 0..50 {
            client.complete(mocked()).await.unwrap();
        }
    }
    one.flush_call_log();
    drop(other);
    let text = std::fs::read_to_string(&path).unwrap();
    let logs: Vec<CallLog> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logs.len(), 100);
    assert!(!text.contains("canary"));
    let mut ids: Vec<_> = logs.iter().map(|log| &log.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100);
    one.set_call_log_path(None);
    one.complete(mocked()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_hurts_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(vec![]);
    client.set_call_log_path(Some(folder.path().to_owned()));
    for _ in 0..3 {
        client.complete(call(json!({"mock_response": "ok"}))).await.unwrap();
    }
    client.flush_call_log();
}
