//! The promises of a call under a clock that stands still: deadlines, retries, the commit point, fallbacks.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::transport::{Play, Scripted};
use antiphon::{Call, Client, Error, Kind, Map, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

const ANSWER: &str = r#"{"id": "a", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}"#;

fn client(plays: Vec<Play>) -> (Client, Scripted) {
    let transport = Scripted::new(plays);
    let keys = KeyStore::new(Path::new("/nonexistent"));
    (Client::with_transport(Config::default(), keys, Arc::new(transport.clone())), transport)
}

fn call(extra: Value) -> Call {
    let mut map = Map::new();
    map.insert("model".into(), "openai/gpt-4o-mini".into());
    map.insert("messages".into(), "hi".into());
    map.insert("api_key".into(), "canary-key-000000".into());
    if let Value::Object(extra) = extra {
        map.extend(extra);
    }
    Call::from_json(map).unwrap()
}

/// What came of a call: the answer, the moments of its requests in milliseconds, and how long it took.
struct Outcome {
    result: Result<Response, Error>,
    sent: Vec<u128>,
    took: u128,
}

async fn run(plays: Vec<Play>, extra: Value) -> Outcome {
    let (client, transport) = client(plays);
    let start = Instant::now();
    let call = call(extra);
    let result = if call.request.stream {
        let mut stream = client.stream(call);
        let mut result = Ok(());
        while let Some(chunk) = stream.next().await {
            if let Err(error) = chunk {
                result = Err(error);
            }
        }
        result.map(|()| stream.response())
    } else {
        client.complete(call).await
    };
    let sent = transport.sent().iter().map(|(at, _)| (*at - start).as_millis()).collect();
    Outcome { result, sent, took: start.elapsed().as_millis() }
}

fn chunk(text: &str) -> String {
    format!("data: {}\n\n", json!({"id": "a", "choices": [{"index": 0, "delta": {"content": text}}]}))
}

const END: &str = "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_asked_for_is_kept() {
    let cases = [
        (vec![("retry-after", "2")], 2000),
        (vec![("retry-after-ms", "250"), ("retry-after", "2")], 250),
        (
            vec![("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")],
            30_000,
        ),
        (vec![("retry-after", "60")], 60_000),
    ];
    for (headers, expected) in cases {
        let refusal = headers.iter().fold(Play::status(429), |play, (name, value)| play.header(name, value));
        let outcome = run(vec![refusal, Play::json(ANSWER)], json!({})).await;
        assert_eq!(outcome.result.unwrap().text(), "Hello");
        assert_eq!(outcome.sent.len(), 2);
        let waited = outcome.sent[1] - outcome.sent[0];
        assert!((expected..expected + 5).contains(&waited), "{headers:?}: {waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_longer_wait_fails_at_once() {
    let outcome = run(vec![Play::status(429).header("retry-after", "61")], json!({})).await;
    let error = outcome.result.unwrap_err();
    assert_eq!((error.kind(), outcome.sent.len(), outcome.took), (Kind::RateLimit, 1, 0));
    assert_eq!(error.wait(), Some(seconds(61)));
    assert!(error.to_string().contains("61s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_thrice_and_told() {
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        for stream in [false, true] {
            let outcome = run(vec![Play::status(status)], json!({"stream": stream})).await;
            let error = outcome.result.unwrap_err();
            assert_eq!((error.status_code(), outcome.sent.len()), (status, 3), "{status}");
            assert_eq!(error.tried().len(), 3);
            assert_eq!(error.tried()[0].target, "openai/gpt-4o-mini");
            assert_eq!(error.tried()[2].status, Some(status));
            assert!(outcome.took <= 1500, "{}", outcome.took);
        }
    }
    for status in [400, 401, 403, 404, 413, 422] {
        let outcome = run(vec![Play::status(status).header("x-request-id", "req_1")], json!({})).await;
        let error = outcome.result.unwrap_err();
        assert_eq!((error.status_code(), outcome.sent.len()), (status, 1), "{status}");
        assert_eq!(error.upstream_request_id(), Some("req_1"));
    }
    let quota = r#"{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}"#;
    let outcome = run(vec![Play::status(429).bytes(quota)], json!({})).await;
    assert_eq!((outcome.result.unwrap_err().kind(), outcome.sent.len()), (Kind::QuotaExceeded, 1));
}

#[tokio::test(start_paused = true)]
async fn the_number_and_pace_of_retries_can_be_set() {
    let outcome = run(vec![Play::status(500)], json!({"max_retries": 0})).await;
    assert_eq!(outcome.sent, [0]);
    let outcome = run(vec![Play::status(500)], json!({"num_retries": 3, "retry_delay": 1.5})).await;
    assert_eq!(outcome.sent.len(), 4);
    assert!(
        outcome.sent.windows(2).all(|pair| (1500..1505).contains(&(pair[1] - pair[0]))),
        "{:?}",
        outcome.sent
    );
}

#[tokio::test(start_paused = true)]
async fn every_attempt_carries_the_same_idempotency_key() {
    let (client, transport) = client(vec![Play::status(500), Play::json(ANSWER)]);
    client.complete(call(json!({}))).await.unwrap();
    let keys: Vec<_> =
        transport.sent().iter().map(|(_, sent)| sent.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
    client.complete(call(json!({}))).await.unwrap();
    assert_ne!(transport.sent()[2].1.headers["idempotency-key"], keys[0]);
}

#[tokio::test(start_paused = true)]
async fn each_deadline_is_named_and_is_not_tried_again() {
    let cases = [
        (Play::json(ANSWER).after(seconds(700)), json!({}), "total", 600_000),
        (Play::json(ANSWER).after(seconds(700)), json!({"timeout": 0.25}), "total", 250),
        (Play::sse().after(seconds(400)), json!({"stream": true}), "first-byte", 300_000),
        (Play::sse().hangs(), json!({"stream": true}), "first-byte", 300_000),
        (Play::sse().hangs(), json!({"stream": true, "first_byte_timeout": 0.1}), "first-byte", 100),
        (Play::sse().bytes(&chunk("Hel")).hangs(), json!({"stream": true}), "idle", 300_000),
        (Play::sse().bytes(&chunk("Hel")).hangs(), json!({"stream": true, "idle_timeout": 0.5}), "idle", 500),
        (Play::sse().bytes(&chunk("Hel")).hangs(), json!({"stream": true, "timeout": 2}), "total", 2000),
    ];
    for (play, extra, name, after) in cases {
        let outcome = run(vec![play], extra.clone()).await;
        let error = outcome.result.unwrap_err();
        assert_eq!(error.kind(), Kind::Timeout, "{extra}");
        assert!(error.message().contains(name), "{extra}: {error}");
        assert_eq!(outcome.sent.len(), 1, "{extra}");
        assert_eq!((error.provider(), error.model()), (Some("openai"), Some("gpt-4o-mini")), "{extra}");
        assert!((after..after + 10).contains(&outcome.took), "{extra}: {}", outcome.took);
        let partial = error.partial_response().map(|partial| partial.text().to_owned());
        let expected = (name == "idle" || after == 2000).then(|| "Hel".to_owned());
        assert_eq!(partial, expected, "{extra}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_streams_default_total_ends_when_it_begins() {
    let slow = (0..10).fold(Play::sse(), |play, _| play.bytes_after(seconds(200), &chunk("a"))).bytes(END);
    let outcome = run(vec![slow], json!({"stream": true})).await;
    assert_eq!(outcome.result.unwrap().text(), "aaaaaaaaaa");
    assert!(outcome.took >= 2_000_000);
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_keep_a_stream_for_ten_minutes() {
    let comments = |count: usize| {
        (0..count)
            .fold(Play::sse().bytes(&chunk("Hel")), |play, _| play.bytes_after(seconds(100), ": ping\n\n"))
    };
    let outcome = run(vec![comments(5).bytes(&chunk("lo")).bytes(END)], json!({"stream": true})).await;
    assert_eq!(outcome.result.unwrap().text(), "Hello");
    let outcome = run(vec![comments(50).bytes(END)], json!({"stream": true})).await;
    let error = outcome.result.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.message().contains("silence"), "{error}");
    assert!((600_000..=700_000).contains(&outcome.took), "{}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn before_the_first_content_a_broken_stream_is_tried_again_and_after_it_never() {
    let broken = || Error::new(Kind::StreamInterrupted, "the connection broke");
    let role = r#"data: {"id":"a","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#
        .to_owned()
        + "\n\n";
    let whole = Play::sse().bytes(&chunk("Hello")).bytes(END);
    let early = Play::sse().bytes(&role).breaks(broken());
    let outcome = run(vec![early, whole.clone()], json!({"stream": true})).await;
    assert_eq!((outcome.result.unwrap().text(), outcome.sent.len()), ("Hello", 2));

    let late = Play::sse().bytes(&chunk("Hel")).breaks(broken());
    let outcome = run(vec![late, whole.clone()], json!({"stream": true})).await;
    let error = outcome.result.unwrap_err();
    assert_eq!((error.kind(), outcome.sent.len()), (Kind::StreamInterrupted, 1));
    assert_eq!(error.partial_response().unwrap().text(), "Hel");
    assert_eq!(error.provider(), Some("openai"));

    let overloaded = "data: {\"error\": {\"message\": \"busy\", \"code\": \"overloaded_error\"}}\n\n";
    let outcome = run(vec![Play::sse().bytes(overloaded), whole.clone()], json!({"stream": true})).await;
    assert_eq!((outcome.result.unwrap().text(), outcome.sent.len()), ("Hello", 2));
    let outcome =
        run(vec![Play::sse().bytes(&chunk("Hel")).bytes(overloaded), whole], json!({"stream": true})).await;
    let error = outcome.result.unwrap_err();
    assert_eq!((error.kind(), outcome.sent.len()), (Kind::ServiceUnavailable, 1));
    assert_eq!(error.partial_response().unwrap().text(), "Hel");
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let outcome = run(vec![Play::status(429).header("retry-after", "20")], json!({"timeout": 10})).await;
    assert_eq!((outcome.result.unwrap_err().kind(), outcome.took), (Kind::RateLimit, 0));
}

#[tokio::test(start_paused = true)]
async fn retries_are_no_storm() {
    let (client, transport) = client(vec![Play::status(503)]);
    for _ in 0..1000 {
        client.complete(call(json!({}))).await.unwrap_err();
    }
    // A hundred retries empty the bucket; after that each call makes its one attempt.
    assert_eq!(transport.sent().len(), 1100);
}

#[tokio::test(start_paused = true)]
async fn fallbacks_are_asked_in_turn() {
    let plays = vec![Play::status(401), Play::status(404), Play::json(ANSWER)];
    let fallbacks = json!(["openai/gpt-4o", {"model": "groq/llama", "api_key": "canary-2"}]);
    let (client, transport) = client(plays);
    let mut call = call(json!({"fallbacks": fallbacks}));
    call.options.fallbacks[0].api_key = Some("canary-1".to_owned().into());
    let response = client.complete(call).await.unwrap();
    assert_eq!(response.meta.provider.as_deref(), Some("groq"));
    assert_eq!(response.warnings.len(), 2);
    assert!(response.warnings[0].starts_with("openai/gpt-4o-mini failed"), "{:?}", response.warnings);
    let sent = transport.sent();
    let key = |at: usize| sent[at].1.headers["authorization"].to_str().unwrap().to_owned();
    assert_eq!([key(0), key(1), key(2)], ["Bearer canary-key-000000", "Bearer canary-1", "Bearer canary-2"]);
    assert_eq!(sent[2].1.url.as_str(), "https://api.groq.com/openai/v1/chat/completions");
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_raised_with_every_attempt_on_it() {
    let plays = vec![Play::status(401), Play::status(404)];
    let (client, _) = client(plays);
    let fallback = json!({"model": "groq/llama", "api_key": "canary-2"});
    let error = client.complete(call(json!({"fallbacks": [fallback]}))).await.unwrap_err();
    assert_eq!((error.kind(), error.provider()), (Kind::NotFound, Some("groq")));
    let targets: Vec<_> = error.tried().iter().map(|attempt| attempt.target.as_str()).collect();
    assert_eq!(targets, ["openai/gpt-4o-mini", "groq/llama"]);
    assert!(!format!("{error:?} {error} {:?}", error.tried()).contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn bad_input_is_no_matter_for_a_fallback() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    let mut bad = call(json!({"fallbacks": ["openai/gpt-4o"]}));
    bad.request.params.temperature = Some(f64::NAN);
    let error = client.complete(bad).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("temperature")));
    assert!(transport.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_cannot_take_is_an_error_or_dropped() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    let error = client.complete(call(json!({"top_k": 5}))).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some("top_k")));
    assert!(error.to_string().contains("drop_params=True"));
    let dropping = call(json!({"top_k": 5, "min_p": 0.1, "temperature": 0.5, "drop_params": true}));
    let response = client.complete(dropping).await.unwrap();
    assert_eq!(response.warnings.len(), 2, "{:?}", response.warnings);
    let body: Value = serde_json::from_slice(&transport.sent()[0].1.body).unwrap();
    assert_eq!((body.get("top_k"), body.get("min_p"), &body["temperature"]), (None, None, &json!(0.5)));
}

#[tokio::test(start_paused = true)]
async fn a_key_or_header_with_a_line_break_is_refused_and_not_shown() {
    let (client, transport) = client(vec![Play::json(ANSWER)]);
    let error = client.complete(call(json!({"api_key": "canary\r\nx-evil: 1"}))).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::InvalidRequest, Some("api_key")));
    assert!(!format!("{error} {error:?}").contains("canary"));
    for headers in [json!({"x-a": "b\nc: d"}), json!({"x a": "b"}), json!({"Host": "b"})] {
        let mut map = Map::new();
        map.insert("messages".into(), "hi".into());
        map.insert("extra_headers".into(), headers);
        assert_eq!(Call::from_json(map).unwrap_err().kind(), Kind::InvalidRequest);
    }
    assert!(transport.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn identical_calls_in_flight_are_one() {
    let slow = Play::json(ANSWER).after(seconds(1));
    let (client, transport) = client(vec![slow]);
    let ask = |extra: Value| client.complete(call(extra));
    let on = || json!({"cache_enabled": true});
    let (a, b, other, key, off) = tokio::join!(
        ask(on()),
        ask(on()),
        ask(json!({"cache_enabled": true, "temperature": 0.5})),
        ask(json!({"cache_enabled": true, "api_key": "canary-key-000001"})),
        ask(json!({})),
    );
    assert_eq!(a.unwrap(), b.unwrap());
    assert!(other.is_ok() && key.is_ok() && off.is_ok());
    assert_eq!(transport.sent().len(), 4);
    let kept = ask(on()).await.unwrap();
    assert!(kept.meta.cache_hit.is_some());
    assert_eq!(transport.sent().len(), 4, "the answer has landed, and is kept");
}

#[tokio::test(start_paused = true)]
async fn each_who_waits_keeps_a_deadline_and_the_last_one_closes() {
    let (client, transport) = client(vec![Play::json(ANSWER).after(seconds(5))]);
    let hurried = client.complete(call(json!({"cache_enabled": true, "timeout": 1})));
    let patient = client.complete(call(json!({"cache_enabled": true, "timeout": 10})));
    let (hurried, patient) = tokio::join!(hurried, patient);
    assert_eq!(hurried.unwrap_err().kind(), Kind::Timeout);
    assert_eq!(patient.unwrap().text(), "Hello");
    assert_eq!(transport.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn errors_are_not_shared() {
    let plays = vec![Play::status(400).after(seconds(1)), Play::json(ANSWER)];
    let (client, transport) = client(plays);
    let on = || call(json!({"cache_enabled": true}));
    let (first, second) = tokio::join!(client.complete(on()), client.complete(on()));
    assert_eq!(first.unwrap_err().kind(), Kind::BadRequest);
    assert_eq!(second.unwrap().text(), "Hello");
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_a_list_is_joined_and_others_are_replaced() {
    let (client, transport) = client(vec![Play::status(400)]);
    let file = json!([{"type": "file", "file": {"file_id": "file_1"}}]);
    let headers = json!({"anthropic-beta": "mine", "accept": "text/plain"});
    let messages = json!([{"role": "user", "content": file}]);
    let extra =
        json!({"model": "anthropic/claude-haiku-4-5", "messages": messages, "extra_headers": headers});
    client.complete(call(extra)).await.unwrap_err();
    let sent = &transport.sent()[0].1.headers;
    let beta = sent["anthropic-beta"].to_str().unwrap();
    assert!(beta.starts_with("files-api") && beta.ends_with(",mine"), "{beta}");
    assert_eq!(sent["accept"], "text/plain");
}
