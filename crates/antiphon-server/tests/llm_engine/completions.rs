//! Completions, as the first client asks for them and as the newest does.

use antiphon_testkit::faultd::{Cut, Faultd, Reply, Step};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::rig::{config, read_until, request, serve};
use crate::scene::{check, events, text};

const SYNC: &str = "/v1/llm/completions-sync?model_endpoint_name=up/org/m";
const STREAM: &str = "/v1/llm/completions-stream?model_endpoint_name=up/org/m";

#[tokio::test]
async fn an_answer_that_every_release_reads() {
    let upstream = Faultd::start(text(" there"));
    let server = serve(&config(&upstream, "")).await;
    let first = r#"{"prompts": ["hi"], "max_new_tokens": 10, "temperature": 0.2}"#;
    let newest = r#"{"prompt": "hi", "max_new_tokens": 10, "temperature": 0.2, "stop_sequences": null, "return_token_log_probs": false, "presence_penalty": null, "frequency_penalty": null, "top_k": null, "top_p": null, "include_stop_str_in_output": null, "guided_json": null, "guided_regex": null, "guided_choice": null, "guided_grammar": null, "skip_special_tokens": true}"#;
    let query = "model_endpoint_name=up/org/m";
    for (path, body) in [
        ("/v1/llm/completions-sync", first),
        ("/v1/llm/completion-sync", first),
        ("/llm-engine/v1/llm/completions-sync", newest),
    ] {
        let answer = server.post(&format!("{path}?{query}"), &[], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let mut json = answer.json();
        assert!(uuid(json["request_id"].take().as_str().unwrap()), "{json}");
        let output =
            json!({"text": " there", "num_prompt_tokens": 3, "num_completion_tokens": 2, "tokens": null});
        let expected = json!({
            "request_id": null, "output": output, "status": "SUCCESS", "outputs": [output], "traceback": null,
        });
        assert_eq!(json, expected);
    }
    for sent in upstream.requests() {
        assert_eq!(
            sent.json(),
            json!({"model": "org/m", "prompt": "hi", "temperature": 0.2, "max_tokens": 10})
        );
    }
}

fn uuid(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

#[tokio::test]
async fn each_prompt_has_an_output() {
    let upstream = Faultd::start(text("x"));
    let server = serve(&config(&upstream, "")).await;
    let answer = server.post(SYNC, &[], r#"{"prompts": ["a", "b"]}"#).await.json();
    let outputs = answer["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 2, "{answer}");
    for output in outputs {
        assert_eq!((&output["num_prompt_tokens"], &output["num_completion_tokens"]), (&json!(3), &json!(2)));
    }
    let mut prompts: Vec<Value> =
        upstream.requests().iter().map(|sent| sent.json()["prompt"].clone()).collect();
    prompts.sort_by_key(Value::to_string);
    assert_eq!(prompts, ["a", "b"]);
}

#[tokio::test]
async fn the_bytes_of_a_stream() {
    let upstream = Faultd::start(Reply::event_stream(events(&["I", " don", "’t\u{2028}"])));
    let server = serve(&config(&upstream, "")).await;
    let answer = server.post(STREAM, &[("accept-encoding", "gzip")], r#"{"prompt": "hi"}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (name, value) in [
        ("transfer-encoding", Some("chunked")),
        ("content-type", Some("text/event-stream; charset=utf-8")),
        ("cache-control", Some("no-cache")),
        ("x-accel-buffering", Some("no")),
        ("content-encoding", None),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let text = answer.text();
    assert!(text.ends_with("\r\n\r\n") && !text.contains("[DONE]"), "{text:?}");
    let events: Vec<Value> = text
        .strip_suffix("\r\n\r\n")
        .unwrap()
        .split("\r\n\r\n")
        .map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap())
        .collect();
    let seen: Vec<(&str, bool, u64, Option<u64>)> = events
        .iter()
        .map(|event| {
            let output = &event["output"];
            (
                output["text"].as_str().unwrap(),
                output["finished"].as_bool().unwrap(),
                output["num_completion_tokens"].as_u64().unwrap(),
                output["num_prompt_tokens"].as_u64(),
            )
        })
        .collect();
    let expected = [("I", false, 1, None), (" don", false, 2, None), ("’t\u{2028}", true, 3, Some(3))];
    assert_eq!(seen, expected);
    assert!(events.iter().all(|event| event["request_id"] == events[0]["request_id"]));
    assert!(uuid(events[0]["request_id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_stream_that_fails_ends_in_one_event_that_says_so() {
    let pieces = events(&["I", " don"]);
    let upstream = Faultd::start(Reply::event_stream([pieces[0].clone()]).step(Step::Cut(Cut::Rst)));
    let server = serve(&config(&upstream, "")).await;
    let text = server.post(STREAM, &[], r#"{"prompt": "hi"}"#).await.text();
    let events: Vec<&str> = text.split_terminator("\r\n\r\n").collect();
    assert_eq!(events.len(), 2, "{text}");
    let last: Value = serde_json::from_str(events[1].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((&last["output"], &last["status"]), (&Value::Null, &json!("FAILURE")));
    let error = &last["error"];
    assert_eq!(error["status_code"], 500, "{last}");
    assert_eq!(error["content"]["error"], last["traceback"]);
    let timestamp = error["content"]["timestamp"].as_str().unwrap();
    assert!(
        timestamp.len() == 23 && timestamp.starts_with("20") && timestamp.ends_with(" UTC"),
        "{timestamp}"
    );
}

#[tokio::test]
async fn what_fails_before_the_stream_has_its_status() {
    let upstream = Faultd::start(Reply::json(429, r#"{"error": {"message": "busy", "type": "requests"}}"#));
    let server = serve(&config(&upstream, "")).await;
    check(&server.post(STREAM, &[], r#"{"prompt": "hi", "max_new_tokens": 1}"#).await, 429, "busy");
    check(
        &server
            .post("/v1/llm/completions-stream?model_endpoint_name=nobody", &[], r#"{"prompt": "hi"}"#)
            .await,
        404,
        "nobody",
    );
}

/// The first clients give up after ten seconds without a byte.
#[tokio::test]
async fn there_are_signs_of_life_before_the_first_token() {
    let upstream = Faultd::start(Reply::hang());
    let server = serve(&config(&upstream, "")).await;
    let mut client = server.connect().await;
    client.write_all(&request("POST", STREAM, &[], br#"{"prompt": "hi"}"#)).await.unwrap();
    read_until(&mut client, "200 OK").await;
    let ping = read_until(&mut client, "\r\n\r\n\r\n").await;
    assert!(ping.contains(": ping - 20"), "{ping}");
}

#[tokio::test]
async fn everything_that_is_refused_has_a_detail() {
    let upstream = Faultd::start(text("x"));
    let server =
        serve(&config(&upstream, "[serve]\nmax_body_mib = 1\n[[serve.keys]]\nname = \"a\"\nkey = \"k\"\n"))
            .await;
    let large = format!("{{\"prompt\": \"{}\"}}", "x".repeat(1 << 20));
    let deep = format!("{{\"prompt\": {}", "[".repeat(100_000));
    for (method, path, body, status, words) in [
        ("POST", SYNC, r#"{"prompt": ""}"#, 400, "prompt: is empty"),
        ("POST", SYNC, r#"{"prompt": "a", "max_new_tokens": 0}"#, 400, "at least 1"),
        ("POST", SYNC, r#"{"prompt": "a", "top_k": 5, "temperature": 0}"#, 400, "temperature is 0"),
        ("POST", SYNC, r#"{"prompt": "a", "guided_regex": "a", "guided_choice": ["a"]}"#, 400, "only one of"),
        ("POST", SYNC, r#"{"prompt": "a", "prompt": "b"}"#, 400, "given twice"),
        ("POST", SYNC, "\"hi\"", 400, "expected a JSON object"),
        ("POST", SYNC, &deep, 400, "recursion limit"),
        ("POST", SYNC, &large, 413, "1 MiB"),
        ("POST", STREAM, r#"{"prompts": ["a", "b"]}"#, 400, "only one prompt"),
        ("POST", "/v1/llm/completions-sync", r#"{"prompt": "a"}"#, 400, "model_endpoint_name: is required"),
        ("POST", "/v1/llm/completions-sync?model_endpoint_name=nobody", r#"{"prompt": "a"}"#, 404, "nobody"),
        ("GET", SYNC, "", 405, "takes POST"),
        ("GET", "/v1/llm/nothing", "", 404, "/openapi.json"),
        ("POST", "/v1/llm/fine-tunes", "{}", 501, "not trained here"),
        ("GET", "/v1/llm/fine-tunes/x", "", 404, "no fine-tune"),
        ("POST", "/v1/llm/model-endpoints/download", "{}", 501, "weights"),
        ("GET", "/v2/batch-completions/x", "", 404, "no batch job"),
        ("GET", "/v1/files/x", "", 404, "no file"),
        ("POST", "/v2/chat/completions", r#"{"model": "up/m", "messages": []}"#, 400, "messages: is empty"),
    ] {
        let answer = server.send(&request(method, path, &[("x-api-key", "k")], body.as_bytes())).await;
        check(&answer, status, words);
    }
    let answer = server.post(SYNC, &[], r#"{"prompt": "a"}"#).await;
    check(&answer, 401, "no key was sent");
    assert!(answer.header("www-authenticate").is_some());
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn the_newer_routes_are_openais() {
    let upstream = Faultd::start(Reply::event_stream(events(&["a", "b"])));
    let server = serve(&config(&upstream, "")).await;
    let body = r#"{"model": "up/m", "prompt": "hi", "stream": true}"#;
    let answer = server.post("/v2/completions", &[("authorization", "Bearer k")], body).await.text();
    assert!(answer.ends_with("data: [DONE]\n\n") && answer.contains("\"text\":\"a\""), "{answer}");
    assert_eq!(server.get("/v1/llm/fine-tunes", &[]).await.json(), json!({"jobs": []}));
}
