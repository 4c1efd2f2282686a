//! What is answered: whole and streamed, through aliases, and what a failing upstream becomes.

use antiphon_testkit::faultd::{Auto, Cut, Faultd, Reply, Script, Step, anthropic, openai};
use serde_json::{Value, json};

use crate::rig::{chat, config, serve};

/// The data of each event.
fn events(text: &str) -> Vec<&str> {
    text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
}

fn content(events: &[&str]) -> String {
    let delta = |event: &&str| {
        let chunk: Value = serde_json::from_str(event).ok()?;
        Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
    };
    events.iter().filter_map(delta).collect()
}

#[tokio::test]
async fn a_whole_answer() {
    let upstream = Faultd::start(Reply::auto(Auto::text("Hello.")));
    let server = serve(&config(&upstream, "[aliases]\n\"llama-7b\" = \"fast\"\nfast = \"up/org/m\"\n")).await;
    for path in ["/v1/chat/completions", "/llm-engine/v1/chat/completions"] {
        let answer = server.post(path, &[("x-request-id", "req-7")], &chat("llama-7b", "")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        assert_eq!(json["object"], "chat.completion");
        assert_eq!(json["choices"][0]["message"]["content"], "Hello.");
        assert!(json["usage"]["total_tokens"].is_u64(), "{json}");
        assert_eq!(answer.header("x-request-id"), Some("req-7"));
    }
    let sent = &upstream.requests()[0];
    assert_eq!(sent.json()["model"], "org/m");
    assert_eq!(sent.header("authorization"), Some(&*format!("Bearer {}", crate::rig::UPSTREAM_KEY)));
}

#[tokio::test]
async fn a_streamed_answer() {
    let upstream = Faultd::start(Reply::auto(Auto { chunks: 4, ..Auto::text("Hello, world") }));
    let server = serve(&config(&upstream, "")).await;
    for (more, usage) in [("", false), (", \"stream_options\": {\"include_usage\": true}", true)] {
        let answer = server.ask(&chat("up/m", &format!(", \"stream\": true{more}"))).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        let text = answer.text();
        let events = events(&text);
        assert_eq!(content(&events), "Hello, world");
        assert_eq!(events.last(), Some(&"[DONE]"));
        let counted = |event: &&&str| {
            serde_json::from_str::<Value>(event).is_ok_and(|chunk| chunk["usage"].is_object())
        };
        assert_eq!(events.iter().filter(counted).count(), usize::from(usage), "{text}");
    }
    // Usage is always asked for: the server counts it.
    assert!(upstream.requests().iter().all(|sent| sent.json()["stream_options"]["include_usage"] == true));
    let metrics = server.get("/metrics", &[]).await.text();
    let line = "gen_ai_client_token_usage_count{gen_ai_provider_name=\"up\",gen_ai_request_model=\"up/m\",gen_ai_token_type=\"output\"} 2";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn bytes_of_the_same_dialect_are_passed_on_as_they_are() {
    let body = "{ \"id\":\"x\",  \"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\",\"odd\":[1.50]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}\n";
    let upstream =
        Faultd::start(Reply::json(200, body).header("set-cookie", "a=b").header("x-upstream", "1"));
    let server = serve(&config(&upstream, "")).await;
    let answer = server.ask(&chat("up/m", "")).await;
    assert_eq!(answer.text(), body);
    assert!(answer.header("set-cookie").is_none() && answer.header("x-upstream").is_none(), "{answer:?}");
    // A form is held against the answer, so it is read and written anew.
    let form = ", \"response_format\": {\"type\": \"text\"}";
    assert_ne!(server.ask(&chat("up/m", form)).await.text(), body);

    let piece = |text: &str| {
        format!(
            "data: {{\"id\":\"x\",\"choices\":[{{\"index\":0,  \"delta\":{{\"content\":\"{text}\",\"odd\":1.50}}}}]}}\n\n"
        )
    };
    let end = "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let usage = "data: {\"id\":\"x\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}\n\n";
    let done = "data: [DONE]\n\n";
    let stream = [&*piece("a"), ": still here\n\n", &piece("b"), end, usage, done].concat();
    for size in [3, 50, 4096] {
        let pieces: Vec<String> =
            stream.as_bytes().chunks(size).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        upstream.script(Reply::event_stream(pieces));
        let shown = server
            .ask(&chat("up/m", ", \"stream\": true, \"stream_options\": {\"include_usage\": true}"))
            .await;
        assert_eq!(shown.text(), stream, "{size}");
        let hidden = server.ask(&chat("up/m", ", \"stream\": true")).await;
        assert_eq!(hidden.text(), stream.replace(usage, ""), "{size}");
    }
    // Who ends without `[DONE]` is given one.
    upstream.script(Reply::event_stream([piece("a"), end.to_owned()]));
    let answer = server.ask(&chat("up/m", ", \"stream\": true")).await;
    assert_eq!(answer.text(), [&*piece("a"), end, done].concat());
}

#[tokio::test]
async fn anthropics_bytes_are_passed_on_too() {
    let upstream = Faultd::start(anthropic::stream(&["Hello ", "world"]));
    let config = format!(
        "[providers.other]\nbase_url = \"{}\"\napi_key = \"k\"\ndialect = \"anthropic-messages\"\n",
        upstream.url()
    );
    let server = serve(&config).await;
    let answer =
        server.post("/v1/messages", &[], &chat("other/m", ", \"max_tokens\": 5, \"stream\": true")).await;
    assert_eq!(answer.text(), anthropic::events(&["Hello ", "world"]).concat());
    let cut = anthropic::events(&["Hello ", "world"])[..4].concat();
    upstream.script(Reply::event_stream([cut.clone()]));
    let answer =
        server.post("/v1/messages", &[], &chat("other/m", ", \"max_tokens\": 5, \"stream\": true")).await;
    let rest = answer.text().strip_prefix(&cut).unwrap().to_owned();
    assert!(rest.starts_with("event: error\n") && !rest.contains("message_stop"), "{rest}");
}

#[tokio::test]
async fn another_dialect_is_told_in_the_callers_words() {
    let upstream = Faultd::start(Reply::auto(Auto { chunks: 2, ..Auto::text("Hello, world") }));
    let anthropic = format!(
        "[providers.other]\nbase_url = \"{}\"\napi_key = \"k\"\ndialect = \"anthropic-messages\"\n",
        upstream.url()
    );
    let server = serve(&anthropic).await;
    let whole = server.ask(&chat("other/m", ", \"max_tokens\": 5")).await;
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "Hello, world", "{}", whole.text());
    let text = server.ask(&chat("other/m", ", \"max_tokens\": 5, \"stream\": true")).await.text();
    let events = events(&text);
    assert_eq!((content(&events).as_str(), events.last()), ("Hello, world", Some(&"[DONE]")), "{text}");
    assert!(upstream.requests().iter().all(|sent| sent.target == "/v1/messages"));
}

#[tokio::test]
async fn an_error_before_the_first_content_has_its_status() {
    for stream in ["", ", \"stream\": true"] {
        for (reply, status, words) in [
            (openai::error(400, "invalid_request_error", "", "no such thing"), 400, "no such thing"),
            (
                openai::error(401, "", "invalid_api_key", "bad key canary+4b7f/19c2=e8"),
                502,
                "refuses this server's key",
            ),
            (openai::error(404, "", "model_not_found", "no such model"), 404, "no such model"),
            (openai::error(429, "insufficient_quota", "insufficient_quota", "no money"), 429, "no money"),
            (Reply::json(200, "<html>"), 502, ""),
            (Reply::cut(Cut::Rst), 500, ""),
        ] {
            let upstream = Faultd::start(reply);
            let server = serve(&config(&upstream, "")).await;
            server.ask(&chat("up/m", stream)).await.check(status, words);
        }
    }
}

#[tokio::test]
async fn what_the_upstream_asks_to_wait_is_passed_on() {
    let upstream = Faultd::start(
        openai::error(429, "requests", "rate_limit_exceeded", "slow").header("retry-after", "77"),
    );
    let server = serve(&config(&upstream, "")).await;
    let answer = server.ask(&chat("up/m", "")).await;
    answer.check(429, "slow");
    assert_eq!(answer.header("retry-after"), Some("77"));
}

#[tokio::test]
async fn a_stream_that_is_cut_ends_in_an_error_and_not_in_done() {
    let events_of = openai::events(&["Hello ", "world"]);
    for reply in [
        Reply::event_stream([events_of[..2].concat()]).step(Step::Cut(Cut::Rst)),
        Reply::event_stream([events_of[..2].concat()]),
        Reply::event_stream([
            events_of[..2].concat(),
            openai::error_event("server_error", "x", "broken inside"),
        ]),
    ] {
        let upstream = Faultd::start(reply);
        let server = serve(&config(&upstream, "")).await;
        let answer = server.ask(&chat("up/m", ", \"stream\": true")).await;
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let events = events(&text);
        assert_eq!(content(&events), "Hello ");
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        assert!(last["error"]["message"].is_string(), "{text}");
        assert!(!text.contains("[DONE]"), "{text}");
    }
}

#[tokio::test]
async fn retries_are_the_servers() {
    let script = Script::new()
        .reply(openai::error(500, "", "", "once").header("retry-after-ms", "1"))
        .forever(openai::text("Hello."));
    let upstream = Faultd::start(script);
    let server = serve(&config(&upstream, "")).await;
    assert_eq!(server.ask(&chat("up/m", "")).await.json()["choices"][0]["message"]["content"], "Hello.");
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn embeddings_and_prompts() {
    let vector = json!({
        "object": "list", "model": "e", "usage": {"prompt_tokens": 1, "total_tokens": 1},
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}],
    });
    let upstream = Faultd::start(Reply::json(200, vector.to_string()));
    let server = serve(&config(&upstream, "")).await;
    let answer = server.post("/v1/embeddings", &[], "{\"model\": \"up/e\", \"input\": \"hi\"}").await;
    assert_eq!(answer.json()["data"][0]["embedding"], json!([0.5, -1.0]), "{}", answer.text());

    let text = json!({
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "text": " there", "finish_reason": "stop", "logprobs": null}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    });
    upstream.script(Reply::json(200, text.to_string()));
    let answer = server.post("/v1/completions", &[], "{\"model\": \"up/m\", \"prompt\": \"hi\"}").await;
    assert_eq!(answer.json()["choices"][0]["text"], " there", "{}", answer.text());
}

#[tokio::test]
async fn the_built_in_model_is_there_without_a_configuration() {
    let server = serve("").await;
    let models = server.get("/v1/models", &[]).await.json();
    let names: Vec<&str> =
        models["data"].as_array().unwrap().iter().filter_map(|model| model["id"].as_str()).collect();
    assert!(names.contains(&"local/chorister"), "{names:?}");
    let body = "{\"model\": \"local/chorister\", \"messages\": [{\"role\": \"user\", \"content\": \"What is the capital of France?\"}], \"temperature\": 0";
    let whole = server.ask(&format!("{body}}}")).await;
    let whole = whole.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(whole.contains("Paris"), "{whole}");
    let text = server.ask(&format!("{body}, \"stream\": true}}")).await.text();
    assert_eq!(content(&events(&text)), whole);
}
