//! Rate limits under a clock that stands still.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::transport::{Play, Scripted};
use antiphon::{Call, Client, Kind, Map, RateLimit, SecretString};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

const ANSWER: &str = r#"{"id": "a", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}"#;

fn client(plays: Vec<Play>) -> (Client, Scripted) {
    let transport = Scripted::new(plays);
    let keys = KeyStore::new(Path::new("/nonexistent"));
    (Client::with_transport(Config::default(), keys, Arc::new(transport.clone())), transport)
}

fn call(model: &str, key: &str, extra: Value) -> Call {
    let Value::Object(mut map) = extra else { unreachable!() };
    let fields = [("model", model), ("messages", "hi"), ("api_key", key)];
    map.extend(fields.map(|(name, value)| (name.to_owned(), value.into())));
    Call::from_json(Map::from_iter(map)).unwrap()
}

fn limit(text: &str) -> Option<RateLimit> {
    Some(text.parse().unwrap())
}

/// When each of so many calls at once was sent, in milliseconds.
async fn sent(client: &Client, transport: &Scripted, calls: Vec<Call>) -> Vec<u128> {
    let start = Instant::now();
    let before = transport.sent().len();
    for outcome in join_all(calls.into_iter().map(|call| client.complete(call))).await {
        outcome.unwrap();
    }
    transport.sent()[before..].iter().map(|(at, _)| (*at - start).as_millis()).collect()
}

fn is_about(found: &[u128], expected: &[u128]) {
    let near = found.iter().zip(expected).all(|(found, expected)| (*expected..expected + 5).contains(found));
    assert!(found.len() == expected.len() && near, "{found:?} is not {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn attempts_are_spaced_by_model_and_key() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    client.set_rate_limit("openai/slow", None, limit("60/min")).unwrap();
    let key = SecretString::from("canary-key-000001");
    client.set_rate_limit("openai/slow", Some(&key), limit("2/s")).unwrap();
    let calls = |model: &str, key: &str, count| vec![call(model, key, json!({})); count];
    let other = "canary-key-000002";
    is_about(&sent(&client, &transport, calls("openai/slow", other, 4)).await, &[0, 1000, 2000, 3000]);
    is_about(&sent(&client, &transport, calls("openai/slow", "canary-key-000001", 3)).await, &[0, 500, 1000]);
    is_about(&sent(&client, &transport, calls("openai/quick", other, 4)).await, &[0; 4]);
    // The default is each other model's own.
    client.set_default_rate_limit(limit("1/s"));
    is_about(&sent(&client, &transport, calls("openai/quick", other, 2)).await, &[0, 1000]);
    let both = [calls("openai/a", other, 2), calls("openai/b", other, 2)].concat();
    let mut found = sent(&client, &transport, both).await;
    found.sort_unstable();
    is_about(&found, &[0, 0, 1000, 1000]);
    client.set_default_rate_limit(None);
    client.set_rate_limit("openai/slow", None, None).unwrap();
    is_about(&sent(&client, &transport, calls("openai/slow", other, 3)).await, &[0; 3]);
}

#[tokio::test(start_paused = true)]
async fn retries_wait_for_their_turn() {
    let busy = || Play::status(500);
    let (client, transport) = client(vec![busy(), busy(), Play::json(ANSWER)]);
    client.set_rate_limit("openai/m", None, limit("6/min")).unwrap();
    let one = vec![call("openai/m", "canary-key-000001", json!({"retry_delay": 0}))];
    is_about(&sent(&client, &transport, one).await, &[0, 10_000, 20_000]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_fails_at_once() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    client.set_rate_limit("openai/m", None, limit("6/min")).unwrap();
    let start = Instant::now();
    let calls = vec![call("openai/m", "canary-key-000001", json!({"timeout": 25})); 6];
    let outcomes = join_all(calls.into_iter().map(|call| async {
        let outcome = client.complete(call).await;
        (outcome, start.elapsed().as_secs())
    }))
    .await;
    let (good, late): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(outcome, _)| outcome.is_ok());
    assert_eq!(good.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [0, 10, 20]);
    for (outcome, at) in late {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable(), at), (Kind::RateLimit, false, 0));
        assert!(error.message().contains("the rate limit of openai/m (6 a minute)"), "{error}");
        assert!(!format!("{error:?}{error}").contains("canary"));
    }
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_change_releases_those_who_wait() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    client.set_rate_limit("openai/m", None, limit("1/hour")).unwrap();
    let calls = vec![call("openai/m", "canary-key-000001", json!({"timeout": 86_400})); 4];
    let later = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        client.set_rate_limit("openai/m", None, limit("1/s")).unwrap();
    };
    let (found, ()) = tokio::join!(sent(&client, &transport, calls), later);
    is_about(&found, &[0, 5000, 6000, 7000]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_up_its_place() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    client.set_rate_limit("openai/m", None, limit("1/s")).unwrap();
    let one = || call("openai/m", "canary-key-000001", json!({}));
    let start = Instant::now();
    client.complete(one()).await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(100), client.complete(one())).await;
    assert!(given_up.is_err());
    client.complete(one()).await.unwrap();
    assert_eq!(start.elapsed().as_millis() / 10, 100);
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_a_turn_first_keeps_the_deadline() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    client.set_rate_limit("openai/m", None, limit("6/min")).unwrap();
    let start = Instant::now();
    let calls = vec![call("openai/m", "canary-key-000001", json!({"timeout": 1})); 4];
    let each = calls.into_iter().map(|mut call| {
        let client = client.clone();
        async move {
            client.take_turn(&mut call).await;
            client.complete(call).await
        }
    });
    assert!(join_all(each).await.iter().all(Result::is_ok));
    assert_eq!((start.elapsed().as_secs(), transport.sent().len()), (30, 4));
}

#[tokio::test(start_paused = true)]
async fn mocks_have_no_limit_and_local_models_take_none() {
    let (client, _) = client(vec![]);
    client.set_default_rate_limit(limit("1/hour"));
    let start = Instant::now();
    for _ in 0..5 {
        let mocked = call("openai/m", "canary-key-000001", json!({"mock_response": "ok"}));
        client.complete(mocked).await.unwrap();
    }
    assert_eq!(start.elapsed().as_millis(), 0);
    let error = client.set_rate_limit("local/chorister", None, limit("1/s")).unwrap_err();
    assert_eq!(error.field(), Some("model"));
    assert!(client.set_rate_limit("nobody/m", None, limit("1/s")).is_err());
    assert!(client.set_rate_limit("a-name-of-its-own", None, limit("1/s")).is_ok());
}

#[test]
fn the_configuration_sets_limits() {
    let folder = tempfile::tempdir().unwrap();
    let keys = || KeyStore::new(folder.path());
    let read = |text: &str| {
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        Config::read(folder.path()).and_then(|config| Client::with_config(config, keys()))
    };
    let set = read("[rate_limits]\ndefault = \"5/s\"\n\"openai/m\" = \"60/min\"\n").unwrap();
    assert!(format!("{:?}", set.rate_limits()).contains("60.0"));
    let error = read("[rate_limits]\ndefault = \"often\"\n").unwrap_err();
    assert!(error.message().contains("such as 60/min"), "{error}");
    assert!(read("[rate_limits]\n\"nobody/m\" = \"1/s\"\n").is_err());
}
