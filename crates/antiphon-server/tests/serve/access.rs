//! Keys and what they may do.

use antiphon_testkit::faultd::{Auto, Faultd, Reply};

use crate::rig::{chat, config, serve};

const KEYS: &str = r#"
[serve]
[[serve.keys]]
name = "all"
key = "k-1:a"
[[serve.keys]]
name = "few"
key_sha256 = "ab8460920d12844abaa011a263ae6d89aaef8e25fcd504b0955d5ec6e08af934"
[[serve.keys]]
name = "limited"
key = "k-3"
requests_per_minute = 2
models = ["up/m", "fast*"]
"#;

fn upstream() -> Faultd {
    Faultd::start(Reply::auto(Auto::text("hello")))
}

#[tokio::test]
async fn every_way_to_send_a_key_is_accepted() {
    let upstream = upstream();
    let server = serve(&config(&upstream, KEYS)).await;
    let body = chat("up/m", "");
    // `k-1:a:` in base64.
    for header in
        [("authorization", "Bearer k-1:a"), ("x-api-key", "k-1:a"), ("authorization", "Basic ay0xOmE6")]
    {
        let answer = server.post("/v1/chat/completions", &[header], &body).await;
        assert_eq!(answer.status, 200, "{header:?}: {}", answer.text());
    }
    // A wrong one beside a right one does no harm.
    let both = [("x-api-key", "old"), ("authorization", "Basic ay0xOmE6")];
    assert_eq!(server.post("/v1/chat/completions", &both, &body).await.status, 200);
    assert_eq!(upstream.requests().len(), 4);
}

#[tokio::test]
async fn no_key_and_wrong_keys_are_refused() {
    let upstream = upstream();
    let server = serve(&config(&upstream, KEYS)).await;
    let answer = server.ask(&chat("up/m", "")).await;
    answer.check(401, "Authorization: Bearer KEY");
    assert!(answer.header("www-authenticate").is_some());
    for wrong in ["Bearer k-1", "Bearer k-1:a2", "Bearer", "Basic ay0x", "k-1:a", "Bearer root"] {
        let answer = server.post("/v1/chat/completions", &[("authorization", wrong)], "{}").await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_key_has_its_models_and_its_pace() {
    let upstream = upstream();
    let keys = format!("[aliases]\nfaster = \"up/x\"\n{KEYS}");
    let server = serve(&config(&upstream, &keys)).await;
    let key = [("authorization", "Bearer k-3")];
    let ask = |model: &'static str| {
        server.post("/v1/chat/completions", &key, Box::leak(chat(model, "").into_boxed_str()))
    };
    ask("up/other").await.check(403, "may not ask \"up/other\"");
    assert_eq!(ask("faster").await.status, 200);
    let answer = ask("up/m").await;
    answer.check(429, "2 requests a minute");
    let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let sent: Vec<_> = upstream.requests().iter().map(|request| request.json()["model"].clone()).collect();
    assert_eq!(sent, ["x"]);
}

#[tokio::test]
async fn the_list_shows_what_a_key_may_ask() {
    let upstream = upstream();
    let aliases = "[aliases]\nfast = \"up/m\"\nslow = \"up/n\"\n";
    let server = serve(&config(&upstream, &format!("{aliases}{KEYS}"))).await;
    let names = |answer: crate::rig::Answer| -> Vec<String> {
        let json = answer.json();
        assert_eq!(json["object"], "list");
        json["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = names(server.get("/v1/models", &[("x-api-key", "k-1:a")]).await);
    assert!(all.contains(&"fast".to_owned()) && all.contains(&"slow".to_owned()), "{all:?}");
    let few = names(server.get("/v1/models", &[("x-api-key", "k-3")]).await);
    assert_eq!(few, ["fast"]);
    let one = server.get("/v1/models/slow", &[("x-api-key", "k-1:a")]).await;
    assert_eq!((one.status, one.json()["id"].clone()), (200, "slow".into()));
}

#[tokio::test]
async fn without_keys_everybody_here_is_answered_and_nobody_from_elsewhere() {
    let upstream = upstream();
    let server = serve(&config(&upstream, "")).await;
    let body = chat("up/m", "");
    assert_eq!(server.ask(&body).await.status, 200);
    for key in [("authorization", "Bearer root"), ("x-api-key", "anything")] {
        assert_eq!(server.post("/v1/chat/completions", &[key], &body).await.status, 200);
    }
    let origin = [("origin", "https://evil.example")];
    server.post("/v1/chat/completions", &origin, &body).await.check(403, "Origin");
    let rebound = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    server.send(rebound.as_bytes()).await.check(403, "Host");
    assert_eq!(upstream.requests().len(), 3);
}
