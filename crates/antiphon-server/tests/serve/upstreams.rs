//! Several servers behind one name, for callers over HTTP.

use std::time::Duration;

use antiphon_server::{Check, Options};
use antiphon_testkit::faultd::{Auto, Faultd, Reply, Script, openai, refused_port};
use tokio::io::AsyncWriteExt;

use crate::rig::{SOON, chat, read_until, request, serve};

fn table(own: &str, servers: &[(&str, u16)]) -> String {
    let server = |(name, port): &(&str, u16)| {
        format!(
            "[[upstreams.llama.servers]]\nmodel = \"vllm/llama\"\nname = \"{name}\"\n\
             base_url = \"http://127.0.0.1:{port}/v1\"\n"
        )
    };
    format!("[upstreams.llama]\n{own}\n{}", servers.iter().map(server).collect::<String>())
}

fn hello() -> Reply {
    Reply::auto(Auto::text("hello"))
}

#[tokio::test]
async fn an_upstream_is_served_listed_and_counted() {
    let busy = openai::error(503, "", "", "no").header("retry-after", "60");
    let (bad, good) = (Faultd::start(busy), Faultd::start(hello()));
    let server = serve(&table("", &[("bad", bad.port()), ("good", good.port())])).await;
    for _ in 0..3 {
        assert_eq!(server.ask(&chat("llama", "")).await.status, 200);
    }
    assert_eq!(server.get("/v1/models/llama", &[]).await.json()["owned_by"], "antiphon");
    let metrics = server.get("/metrics", &[]).await.text();
    for line in [
        r#"antiphon_upstream_up{upstream="llama",server="bad"} 0"#,
        r#"antiphon_upstream_up{upstream="llama",server="good"} 1"#,
        r#"antiphon_upstream_in_flight{upstream="llama",server="good"} 0"#,
        r#"antiphon_upstream_requests_total{upstream="llama",server="bad"} 1"#,
        r#"antiphon_upstream_requests_total{upstream="llama",server="good"} 3"#,
        r#"antiphon_upstream_failures_total{upstream="llama",server="bad"} 1"#,
        r#"antiphon_upstream_waiting{upstream="llama"} 0"#,
    ] {
        assert!(metrics.lines().any(|there| there == line), "no {line:?} in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
}

#[tokio::test]
async fn an_endpoint_made_at_run_time_may_stand_for_an_upstream() {
    let good = Faultd::start(hello());
    let server = serve(&table("", &[("good", good.port())])).await;
    let body = r#"{"name": "mine", "model_name": "llama"}"#;
    let made = server.post("/v1/llm/model-endpoints", &[], body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(server.ask(&chat("mine", "")).await.status, 200);
    assert_eq!(good.requests()[0].json()["model"], "llama");
    let taken =
        server.post("/v1/llm/model-endpoints", &[], r#"{"name": "llama", "model_name": "llama"}"#).await;
    assert_eq!(taken.status, 400);
}

#[tokio::test]
async fn no_caller_learns_an_address() {
    let gone = refused_port();
    let server = serve(&table("", &[("one", gone.port()), ("two", gone.port())])).await;
    for stream in ["", ", \"stream\": true"] {
        let answer = server.ask(&chat("llama", stream)).await;
        answer.check(503, "no server of \"llama\" answered: one (no connection), two (no connection)");
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
    }
}

#[tokio::test]
async fn whoever_waits_for_a_server_hears_pings_and_the_queue_is_bounded() {
    let sleeping = Faultd::start(hello());
    sleeping.listen(false);
    let server = serve(&table("wait_seconds = 15\nqueue = 1", &[("s", sleeping.port())])).await;
    // LLM Engine's clients give up after ten seconds of silence, so their streams ping the soonest.
    let mut client = server.connect().await;
    let path = "/v1/llm/completions-stream?model_endpoint_name=llama";
    let body = br#"{"prompt": "hi", "max_new_tokens": 5, "temperature": 0}"#;
    client.write_all(&request("POST", path, &[], body)).await.unwrap();
    let waiting = r#"antiphon_upstream_waiting{upstream="llama"} 1"#;
    let seen = async {
        while !server.get("/metrics", &[]).await.text().contains(waiting) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, seen).await.expect("it waits");
    let refused = server.ask(&chat("llama", "")).await;
    refused.check(429, "requests wait for one already");
    assert!(refused.header("retry-after").is_some());
    let head = read_until(&mut client, ": ").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    sleeping.listen(true);
    assert!(read_until(&mut client, "\"finished\":true").await.contains("\"text\":\"lo\""));
}

#[tokio::test]
async fn the_health_path_is_asked_while_the_server_runs() {
    let script = Script::new().forever(Reply::status(200).on_path("/health")).forever(hello());
    let upstream = Faultd::start(script);
    let _server = serve(&table("health = \"/health\"", &[("s", upstream.port())])).await;
    assert!(upstream.wait_for_async(|record| !record.requests.is_empty(), SOON).await);
    assert_eq!(upstream.requests()[0].target, "/health");
}

/// Calls come all the while the servers of the upstream are replaced one by one.
#[tokio::test]
async fn a_reload_under_load_loses_no_request() {
    let upstreams: Vec<Faultd> =
        (0..3).map(|_| Faultd::start(Reply::auto(Auto { delay_ms: 5, ..Auto::text("hello") }))).collect();
    let ports: Vec<u16> = upstreams.iter().map(Faultd::port).collect();
    let server = serve(&table("", &[("a", ports[0]), ("b", ports[1])])).await;
    let calls = futures_util::future::join_all((0..4).map(async |_| {
        for _ in 0..40 {
            let answer = server.ask(&chat("llama", "")).await;
            assert_eq!((answer.status, answer.text().contains("hello")), (200, true), "{}", answer.text());
        }
    }));
    let reloads = async {
        for turn in 0..12 {
            server.reconfigure(&table("", &[("a", ports[turn % 3]), ("b", ports[(turn + 1) % 3])]));
            server.handle.reload().unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::join!(calls, reloads);
    assert_eq!(upstreams.iter().map(|upstream| upstream.requests().len()).sum::<usize>(), 160);
    assert!(upstreams.iter().all(|upstream| !upstream.requests().is_empty()));
}

#[test]
fn a_check_names_the_servers_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.toml");
    let text = table("wait_seconds = 9", &[("a", 1)])
        .replace("\"vllm/llama\"", "\"vllm/llama\"\napi_key = \"canary\"");
    std::fs::write(&path, text + "[[upstreams.llama.servers]]\nmodel = \"openai/gpt-4o-mini\"\nweight = 0\n")
        .unwrap();
    let check = Check::of(&Options { config: Some(path.clone()), ..Options::default() }).unwrap();
    let expected = "upstream llama = a (vllm/llama, http://127.0.0.1:1/v1, weight 1), \
                    openai/gpt-4o-mini (last resort); up to 100 requests wait up to 9 s";
    assert!(check.lines.iter().any(|line| line == expected), "{check:?}");
    let aliases = vec![("llama".to_owned(), "openai/x".to_owned())];
    let error = Check::of(&Options { config: Some(path), aliases, ..Options::default() }).unwrap_err();
    assert!(error.message().contains("is an alias, too"), "{error}");
}

/// Every configuration that the page and the examples show.
#[test]
fn the_examples_are_understood() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/upstreams.md")).unwrap();
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let files = ["deploy/ray/config.toml", "deploy/kserve/config.toml"];
    let files = files.map(|file| std::fs::read_to_string(root.join(file)).unwrap());
    let examples: Vec<String> = blocks.chain(files).collect();
    assert_eq!(examples.len(), 4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.toml");
    for text in examples {
        std::fs::write(&path, &text).unwrap();
        let check = Check::of(&Options { config: Some(path.clone()), ..Options::default() });
        assert!(check.unwrap().lines.iter().any(|line| line.contains("llama-3-8b = ")), "{text}");
    }
}
