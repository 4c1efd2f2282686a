//! A local model and several clients: whose turn it is, who is refused, and what the metrics say.

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::rig::{Running, SOON, chat, read_until, request, serve};

const CONFIG: &str = r#"
[local]
sequences = 2
max_waiting = 1
[[serve.keys]]
name = "a"
key = "k-a"
[[serve.keys]]
name = "b"
key = "k-b"
"#;

const A: (&str, &str) = ("authorization", "Bearer k-a");
const B: (&str, &str) = ("authorization", "Bearer k-b");

#[tokio::test]
async fn who_asks_for_a_model_that_does_not_fit_is_told_both_sizes() {
    let server = serve("[local]\nmemory = \"3MB\"\n").await;
    let answer = server.ask(&chat("local/chorister", "")).await;
    answer.check(400, "of memory, and local models may take 3 MB");
    let error = &answer.json()["error"];
    assert_eq!(error["code"], "local_model");
    let message = error["message"].as_str().unwrap();
    assert!(!message.contains(['/', '\\']) && !message.contains("config"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_what_a_draft_is_worth() {
    let server = serve(
        "[local.drafts]\nchorister = \"local/chorister\"\n[[serve.keys]]\nname = \"a\"\nkey = \"k-a\"\n",
    )
    .await;
    let body = chat("local/chorister", ", \"max_tokens\": 40");
    assert_eq!(server.post("/v1/chat/completions", &[A], &body).await.status, 200);
    let engine = &server.get("/v1/antiphon/status", &[A]).await.json()["engines"][0];
    let (guessed, accepted) = (&engine["draft_tokens"], &engine["accepted_tokens"]);
    assert!(accepted.as_u64().unwrap() > 0 && guessed.as_u64() >= accepted.as_u64(), "{engine}");
    let label = r#"_tokens_total{gen_ai_response_model="chorister"}"#;
    until(&server, &format!("antiphon_spec_decode_num_draft{label} {guessed}")).await;
    until(&server, &format!("antiphon_spec_decode_num_accepted{label} {accepted}")).await;
}

#[tokio::test]
async fn what_the_configuration_names_and_is_not_there_is_the_servers_own_affair() {
    let weights = tempfile::NamedTempFile::new().unwrap();
    let config = format!(
        "[local]\nmodels_dir = \"/srv/secret\"\n[local.drafts]\nchorister = \"nobody\"\n\
         [local.adapters.pirate]\nmodel = \"nobody\"\npath = {:?}\n",
        weights.path()
    );
    let server = serve(&config).await;
    for model in ["local/chorister", "local/pirate"] {
        let answer = server.ask(&chat(model, "")).await;
        assert!(answer.status >= 400 && !answer.text().contains("/srv"), "{}", answer.text());
    }
}

/// Waits until the metrics have that line.
async fn until(server: &Running, line: &str) {
    let seen = async {
        loop {
            let metrics = server.get("/metrics", &[A]).await.text();
            if metrics.lines().any(|there| there == line) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, seen).await.unwrap_or_else(|_| panic!("no {line}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_take_turns_and_the_line_has_an_end() {
    let server = serve(CONFIG).await;
    let song = json!({
        "model": "local/chorister", "messages": "Sing", "stream": true, "n": 60, "logprobs": true,
        "guided_regex": "(One man went to mow\\. ){25}",
    });
    let mut singing = server.connect().await;
    let headers = [A, ("content-type", "application/json")];
    let bytes = request("POST", "/v1/chat/completions", &headers, song.to_string().as_bytes());
    singing.write_all(&bytes).await.unwrap();
    read_until(&mut singing, "\"content\"").await;
    let label = r#"{gen_ai_response_model="chorister"}"#;
    until(&server, &format!("antiphon_num_requests_running{label} 2")).await;
    until(&server, &format!("antiphon_num_requests_waiting{label} 58")).await;

    let body = chat("local/chorister", ", \"max_tokens\": 4");
    let ask = async |key| server.post("/v1/chat/completions", &[key], &body).await;
    let second = ask(A);
    let others = async {
        until(&server, &format!("antiphon_num_requests_waiting{label} 59")).await;
        let third = ask(A).await;
        third.check(429, "requests wait for this model already");
        let wait: u64 = third.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        // Another client's first request is let in at once: one of those that are written gives way.
        assert_eq!(ask(B).await.status, 200);
        until(&server, &format!("antiphon_num_requests_running{label} 2")).await;
        let status = server.get("/v1/antiphon/status", &[A]).await.json();
        let engine = &status["engines"][0];
        assert_eq!(engine["model"], "chorister");
        assert!(engine["preemptions"].as_u64().unwrap() >= 1, "{engine}");
        assert!(engine["kv_cache_tokens_used"].as_u64().unwrap() > 0, "{engine}");
        drop(singing);
    };
    let (second, ()) = tokio::join!(second, others);
    assert_eq!(second.status, 200, "{}", second.text());
    for line in ["antiphon_num_requests_running", "antiphon_num_requests_waiting"] {
        until(&server, &format!("{line}{label} 0")).await;
    }
    until(&server, &format!("antiphon_kv_cache_usage_perc{label} 0.0")).await;
}
