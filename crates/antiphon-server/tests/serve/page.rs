//! The page at `/`, and what its route tells whom.

use antiphon_testkit::faultd::{Auto, Faultd, Reply, Step, openai};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::rig::{Running, chat, config, read_until, request, serve};

const STATUS: &str = "/v1/antiphon/status";

const KEYS: &str = r#"
[[serve.keys]]
name = "all"
key = "k-all"
[[serve.keys]]
name = "few"
key = "k-few"
models = ["up/m"]
requests_per_minute = 1
"#;

#[tokio::test]
async fn the_files_are_everybodys_and_may_do_little() {
    let server = serve(KEYS).await;
    for (path, content_type, words) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/llm-engine/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/page.css", "text/css; charset=utf-8", "prefers-color-scheme"),
        ("/page.js", "text/javascript; charset=utf-8", "v1/antiphon/status"),
        ("/page.svg", "image/svg+xml", "<svg"),
    ] {
        let answer = server.get(path, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path}");
        assert!(answer.text().contains(words), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        for directive in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));

        let etag = answer.header("etag").unwrap();
        for known in [etag.to_owned(), format!("\"other\", W/{etag}")] {
            let again = server.get(path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        }
        assert_eq!(server.get(path, &[("if-none-match", "\"other\"")]).await.status, 200);
        let head = server.send(&request("HEAD", path, &[], b"")).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("etag"), Some(etag));
    }
    assert_eq!(server.post("/", &[("x-api-key", "k-all")], "{}").await.status, 405);
}

#[test]
fn the_files_name_no_other_place() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("http://www.w3.org/2000/svg", "");
        for found in
            ["//cdn", "http:", "https:", "innerHTML", "insertAdjacentHTML", "document.write", "eval("]
        {
            assert!(!text.contains(found), "{path:?} has {found}");
        }
    }
}

#[tokio::test]
async fn the_status_follows_the_calls() {
    let upstream = Faultd::start(Reply::auto(Auto::text("hello")));
    let server = serve(&config(&upstream, "[aliases]\nfast = \"local/chorister\"\n")).await;
    let before = status(&server, "").await;
    assert_eq!((&before["models"], &before["recent"]), (&json!([]), &json!([])));
    assert_eq!(before["totals"]["latency_seconds"], Value::Null);
    for stream in ["", ", \"stream\": true"] {
        assert_eq!(server.ask(&chat("up/m", stream)).await.status, 200);
    }
    assert_eq!(server.ask(&chat("nobody", "")).await.status, 404);
    assert_eq!(server.ask("{").await.status, 400);
    // What asks no model is no call.
    server.get("/v1/models", &[]).await;
    server.get("/nowhere", &[]).await;

    let after = status(&server, "").await;
    assert_eq!(after["version"], env!("CARGO_PKG_VERSION"));
    assert!(after["uptime_seconds"].as_f64() > before["uptime_seconds"].as_f64());
    assert_eq!(after["totals"]["requests"], 4);
    assert_eq!(after["totals"]["errors"], json!({"InvalidRequestError": 1, "NotFoundError": 1}));
    let [row] = after["models"].as_array().unwrap().as_slice() else { panic!("{after}") };
    assert_eq!((&row["model"], &row["requests"], &row["errors"]), (&json!("up/m"), &json!(2), &json!({})));
    assert!(row["output_tokens"].as_u64() > Some(0), "{row}");
    assert!(row["latency_seconds"]["p95"].as_f64() >= row["time_to_first_token_seconds"]["p50"].as_f64());
    let calls = after["recent"].as_array().unwrap();
    let brief: Vec<_> = calls.iter().map(|call| (&call["model"], &call["status"], &call["face"])).collect();
    let openai = json!("OpenAI");
    assert_eq!(
        brief,
        [
            (&Value::Null, &json!(400), &openai),
            (&json!("nobody"), &json!(404), &openai),
            (&json!("up/m"), &json!(200), &openai),
            (&json!("up/m"), &json!(200), &openai),
        ]
    );
    // Nothing of what was asked or answered.
    assert!(!after.to_string().contains("hello") && !after.to_string().contains("\"hi\""), "{after}");
}

#[tokio::test]
async fn a_key_of_some_models_sees_these_alone() {
    let upstream = Faultd::start(Reply::auto(Auto::text("hello")));
    let server = serve(&config(&upstream, KEYS)).await;
    server.get(STATUS, &[]).await.check(401, "no key");
    for model in ["up/m", "up/secret"] {
        let answer = server.post("/v1/chat/completions", &[("x-api-key", "k-all")], &chat(model, "")).await;
        assert_eq!(answer.status, 200);
    }
    server.post("/v1/chat/completions", &[], "{}").await.check(401, "no key");

    let all = status(&server, "k-all").await;
    assert_eq!((&all["totals"]["requests"], &all["in_flight"]), (&json!(3), &json!(0)));
    assert_eq!(all["recent"].as_array().unwrap().len(), 3);
    // The key may ask once a minute, and look as often as it likes.
    for _ in 0..3 {
        let few = status(&server, "k-few").await;
        assert_eq!(few["totals"]["requests"], 1);
        assert_eq!(few["totals"]["errors"], json!({}));
        let models: Vec<&Value> = few["models"].as_array().unwrap().iter().map(|row| &row["model"]).collect();
        assert_eq!(models, ["up/m"]);
        assert_eq!(few["recent"].as_array().unwrap().len(), 1);
        assert_eq!((&few["in_flight"], &few["max_in_flight"]), (&Value::Null, &Value::Null));
        assert!(!few.to_string().contains("secret"), "{few}");
    }
}

#[tokio::test]
async fn a_server_that_is_full_can_still_be_looked_at() {
    let events = openai::events(&["Hello ", "world"])[..2].concat();
    let upstream = Faultd::start(Reply::event_stream([events]).step(Step::Hang));
    let server = serve(&config(&upstream, "[serve]\nmax_in_flight = 1\n")).await;
    let mut client = server.connect().await;
    let body = chat("up/m", ", \"stream\": true");
    client.write_all(&request("POST", "/v1/chat/completions", &[], body.as_bytes())).await.unwrap();
    read_until(&mut client, "Hello ").await;
    let full = status(&server, "").await;
    assert_eq!((&full["in_flight"], &full["max_in_flight"]), (&json!(1), &json!(1)));
    drop(client);
    let gone = upstream.wait_for_async(|record| record.in_flight == 0, crate::rig::SOON).await;
    assert!(gone);
    let call = async {
        loop {
            let call = status(&server, "").await["recent"][0].take();
            if call.is_object() {
                return call;
            }
        }
    };
    let call = tokio::time::timeout(crate::rig::SOON, call).await.unwrap();
    assert_eq!((&call["status"], &call["error"]), (&json!(499), &Value::Null));
    assert!(call["time_to_first_token_seconds"].is_f64(), "{call}");
    assert_eq!(status(&server, "").await["models"][0]["cancelled"], 1);
}

async fn status(server: &Running, key: &str) -> Value {
    let answer = server.get(STATUS, &[("x-api-key", key)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}
