//! Requests that are no calls of a model: who is asked, what is repeated, what is told of a failure.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;
use std::sync::Arc;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::transport::{HttpRequest, Play, Scripted};
use antiphon::{Client, Error, Exchange, Kind, Map, Options, Payload, Result};
use serde_json::{Value, json};

fn options(extra: Value) -> Options {
    let mut map = Map::new();
    map.insert("base_url".into(), "http://engine.example/llm-engine/".into());
    if let Value::Object(extra) = extra {
        map.extend(extra);
    }
    Options::read(map).unwrap()
}

async fn ask(method: &'static str, plays: Vec<Play>, extra: Value) -> (Result<Value>, Vec<HttpRequest>) {
    let transport = Scripted::new(plays);
    let keys = KeyStore::new(Path::new("/nonexistent"));
    let client = Client::with_transport(Config::default(), keys, Arc::new(transport.clone()));
    let payload = (method == "POST").then(|| Payload::json(&json!({"a": 1})));
    let exchange = Exchange { method, path: "/v1/files".to_owned(), payload };
    let outcome = client.exchange("llm_engine", exchange, &options(extra)).await;
    (outcome, transport.sent().into_iter().map(|(_, request)| request).collect())
}

fn detail(status: u16) -> Play {
    Play::status(status).header("content-type", "application/json").bytes(r#"{"detail": "so it is"}"#)
}

#[tokio::test(start_paused = true)]
async fn it_goes_where_the_calls_of_the_provider_go() {
    let (outcome, sent) =
        ask("POST", vec![Play::json(r#"{"id": "x"}"#)], json!({"api_key": "canary-key-000000"})).await;
    assert_eq!(outcome.unwrap(), json!({"id": "x"}));
    let [request] = &sent[..] else { panic!("{} requests were sent", sent.len()) };
    assert_eq!(request.url.as_str(), "http://engine.example/llm-engine/v1/files");
    assert_eq!((request.method, &request.body[..]), ("POST", &br#"{"a":1}"#[..]));
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["x-api-key"], "canary-key-000000");
    assert!(!format!("{request:?}").contains("canary"));
    let (outcome, sent) = ask("GET", vec![Play::json("[]")], json!({"extra_headers": {"x-req": "1"}})).await;
    assert_eq!(outcome.unwrap(), json!([]));
    assert!(sent[0].body.is_empty());
    assert_eq!(sent[0].headers["x-req"], "1");
    // A server that checks no key wants to see one all the same.
    assert_eq!(sent[0].headers["x-api-key"], "root");
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_is_sent_again_only_where_nothing_was_done() {
    let cut = || Play::error(Error::new(Kind::Connection, "cut"));
    for (method, play, requests) in [
        ("GET", detail(500), 3),
        ("GET", detail(404), 1),
        ("GET", cut(), 3),
        ("DELETE", detail(502), 3),
        ("POST", detail(500), 1),
        ("POST", cut(), 1),
        ("POST", detail(429), 3),
        ("POST", detail(503), 3),
    ] {
        let (outcome, sent) = ask(method, vec![play], json!({})).await;
        assert_eq!((method, sent.len(), outcome.unwrap_err().tried().len()), (method, requests, requests));
    }
    let (outcome, sent) = ask("GET", vec![detail(500), Play::json("1")], json!({})).await;
    assert_eq!((outcome.unwrap(), sent.len()), (json!(1), 2));
    let (_, sent) = ask("GET", vec![detail(500)], json!({"max_retries": 0})).await;
    assert_eq!(sent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_one_of_a_call() {
    for (status, kind) in [
        (400, Kind::BadRequest),
        (401, Kind::Authentication),
        (404, Kind::NotFound),
        (429, Kind::RateLimit),
        (501, Kind::InternalServer),
    ] {
        let error = ask("POST", vec![detail(status)], json!({"max_retries": 0})).await.0.unwrap_err();
        assert_eq!((error.kind(), error.status_code()), (kind, status));
        assert!(error.message().contains("so it is"), "{error}");
        assert_eq!((error.provider(), error.model()), (Some("llm_engine"), Some("v1/files")));
    }
    let play = Play::status(401).bytes("no such key: canary-key-000000");
    let error = ask("GET", vec![play], json!({"api_key": "canary-key-000000"})).await.0.unwrap_err();
    assert!(!format!("{error:?} {:?}", error.tried()).contains("canary"), "{error:?}");
    let error = ask("GET", vec![Play::status(200).bytes("<html>")], json!({})).await.0.unwrap_err();
    assert_eq!(error.kind(), Kind::ResponseValidation);
    let error = ask("GET", vec![Play::status(302)], json!({})).await.0.unwrap_err();
    assert!(error.message().contains("redirects"), "{error}");
    let error = ask("GET", vec![Play::status(200).hangs()], json!({"timeout": 2})).await.0.unwrap_err();
    assert_eq!(error.message(), "the total deadline of 2s (timeout) passed");
    assert_eq!(error.tried().len(), 1);
}

#[test]
fn options_are_read_by_name() {
    let read = |map: Value| match map {
        Value::Object(map) => Options::read(map),
        _ => unreachable!("a test gives an object"),
    };
    assert!(read(json!({"timeout": 1, "nothing": null})).is_ok());
    assert_eq!(read(json!({"nothing": 1})).unwrap_err().field(), Some("nothing"));
    let error = read(json!({"timeuot": 1})).unwrap_err();
    assert_eq!(error.message(), "timeuot: is no parameter; did you mean \"timeout\"?");
}
