//! Answers that are kept: which, where, how long, and what becomes of a call whose cache is no good.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use antiphon::cache::hex;
use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::transport::{Play, Scripted};
use antiphon::{Call, Client, Map, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};

const FILE: &str = "answers-1.sqlite";

fn answer(text: &str) -> Play {
    let message = json!({"role": "assistant", "content": text});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    Play::json(
        &json!({"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
            .to_string(),
    )
}

fn client(plays: impl IntoIterator<Item = Play>) -> (Client, Scripted) {
    let transport = Scripted::new(plays);
    let keys = KeyStore::new(Path::new("/nonexistent"));
    (Client::with_transport(Config::default(), keys, Arc::new(transport.clone())), transport)
}

fn call(extra: Value) -> Call {
    let base = json!({"model": "openai/m", "messages": "hi", "api_key": "canary-key-000000"});
    let fields = base.as_object().cloned().into_iter().chain(extra.as_object().cloned());
    Call::from_json(fields.flatten().collect::<Map>()).unwrap()
}

async fn ask(client: &Client, extra: Value) -> Response {
    client.complete(call(extra)).await.unwrap()
}

#[tokio::test]
async fn an_answer_is_kept_in_memory_and_says_so() {
    let (client, transport) = client([answer("one"), answer("two")]);
    let on = json!({"cache_enabled": true});
    let first = ask(&client, on.clone()).await;
    let again = ask(&client, on.clone()).await;
    assert_eq!((first.text(), again.text(), again.id.as_str()), ("one", "one", "a"));
    assert_eq!(
        (first.meta.cache_hit, again.meta.cache_hit),
        (None, Some(hex(&client.cache_key(&call(on)).unwrap())))
    );
    assert_eq!(ask(&client, json!({})).await.text(), "two", "without a place nothing is kept");
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test]
async fn a_folder_is_shared_and_needs_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/cache");
    let on = json!({"cache_path": path});
    let (one, _) = client([answer("one")]);
    assert_eq!(ask(&one, on.clone()).await.text(), "one");
    let (other, transport) = client([answer("two")]);
    let mut keyless = call(on.clone());
    keyless.options.api_key = None;
    let kept = other.complete(keyless).await.unwrap();
    assert_eq!((kept.text(), kept.meta.provider.as_deref()), ("one", Some("openai")));
    assert!(transport.sent().is_empty());
    assert_eq!(ask(&other, json!({"cache_path": path, "cache_enabled": false})).await.text(), "two");
    let bytes = fs::read(path.join(FILE)).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"canary"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn whole_and_streamed_answers_are_the_same_one() {
    let chunk =
        json!({"id": "a", "choices": [{"index": 0, "delta": {"content": "one"}, "finish_reason": "stop"}]});
    let streamed = Play::sse().bytes(&format!("data: {chunk}\n\ndata: [DONE]\n\n"));
    let (client, transport) = client([streamed]);
    for stream in [true, false, true] {
        let mut call = call(json!({"cache_enabled": true}));
        call.request.stream = stream;
        if stream {
            let mut chunks = client.stream(call);
            let mut text = String::new();
            while let Some(chunk) = chunks.next().await {
                text += chunk.unwrap().text();
            }
            assert_eq!(text, "one");
        } else {
            assert_eq!(client.complete(call).await.unwrap().text(), "one");
        }
    }
    assert_eq!(transport.sent().len(), 1);
}

#[tokio::test]
async fn what_is_no_whole_answer_is_not_kept() {
    let cut =
        format!("data: {}\n\n", json!({"id": "a", "choices": [{"index": 0, "delta": {"content": "o"}}]}));
    let (client, transport) = client([Play::status(400), Play::sse().bytes(&cut), answer("one")]);
    let on = || call(json!({"cache_enabled": true}));
    client.complete(on()).await.unwrap_err();
    let mut stream = client.stream(on());
    while let Some(Ok(_)) = stream.next().await {}
    assert_eq!(client.complete(on()).await.unwrap().text(), "one");
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test]
async fn a_fallbacks_answer_is_not_kept_as_the_models() {
    let (client, transport) = client([Play::status(404), answer("other"), answer("one")]);
    let fallback = json!([{"model": "groq/m", "api_key": "canary-key-000001"}]);
    let on = || json!({"cache_enabled": true, "fallbacks": fallback});
    assert_eq!(ask(&client, on()).await.text(), "other");
    assert_eq!(ask(&client, on()).await.text(), "one");
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test]
async fn keys_can_be_kept_apart_and_brought_together() {
    let (client, _) = client([answer("x")]);
    let key = |extra: Value| hex(&client.cache_key(&call(extra)).unwrap());
    let base = key(json!({}));
    assert_eq!(base.len(), 64);
    assert_ne!(key(json!({"cache_key_prefix": "a"})), base);
    assert_ne!(key(json!({"model": "openai/n"})), base);
    let claude =
        |beta: &str| key(json!({"model": "claude-haiku-4-5", "extra_headers": {"anthropic-beta": beta}}));
    assert_ne!(claude("a"), claude("b"));
    assert_eq!(key(json!({"extra_headers": {"x-trace": "1"}})), base);
    let without = |model: &str| key(json!({"include_model_in_cache_key": false, "model": model}));
    assert_eq!(without("openai/m"), without("groq/n"));
    assert_eq!(key(json!({"api_key": "canary-key-000001", "timeout": 5, "cache_path": "/x"})), base);
}

#[tokio::test]
async fn an_answer_is_good_for_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (client, _) = client([answer("one"), answer("two"), answer("three"), answer("four")]);
    for place in [json!({"cache_enabled": true, "ttl": 1}), json!({"cache_path": folder.path(), "ttl": 1})] {
        let first = ask(&client, place.clone()).await;
        assert_eq!(ask(&client, place.clone()).await.text(), first.text());
        std::thread::sleep(Duration::from_millis(2100));
        assert_ne!(ask(&client, place).await.text(), first.text());
    }
}

#[tokio::test]
async fn a_damaged_file_is_put_aside_and_never_answered_from() {
    let folder = tempfile::tempdir().unwrap();
    let on = json!({"cache_path": folder.path()});
    let file = folder.path().join(FILE);
    for (turn, damage) in
        [&b"not a database at all, but long enough to be looked at"[..], &[0; 4096]].iter().enumerate()
    {
        let (first, _) = client([answer("one")]);
        ask(&first, on.clone()).await;
        drop(first);
        fs::write(&file, damage).unwrap();
        let (second, transport) = client([answer("two")]);
        assert_eq!(ask(&second, on.clone()).await.text(), "two", "damage {turn}");
        assert_eq!(ask(&second, on.clone()).await.text(), "two");
        assert_eq!(transport.sent().len(), 1, "it is kept again");
        fs::remove_file(&file).unwrap();
    }
    let aside = fs::read_dir(folder.path()).unwrap().flatten();
    assert!(aside.filter(|entry| entry.file_name().to_string_lossy().contains("damaged")).count() >= 1);
}

#[tokio::test]
async fn a_place_that_cannot_be_used_is_no_matter_for_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let (client, transport) = client([answer("one")]);
    for path in [file.join("below"), "/proc/nothing".into()] {
        assert_eq!(ask(&client, json!({"cache_path": path})).await.text(), "one");
    }
    assert_eq!(transport.sent().len(), 2);
    let error = client.cache_folder(&file.join("below")).stats().unwrap_err();
    assert!(error.message().contains("cannot be used"), "{error}");
}

#[tokio::test]
async fn a_folder_can_be_looked_at_and_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let (client, _) = client([answer("one"), answer("two")]);
    ask(&client, json!({"cache_path": folder.path()})).await;
    ask(&client, json!({"cache_path": folder.path(), "temperature": 1, "ttl": 100})).await;
    let disk = client.cache_folder(folder.path());
    let stats = disk.stats().unwrap();
    assert_eq!((stats.entries, stats.expired), (2, 0));
    let texts: Vec<_> =
        disk.list(10).unwrap().into_iter().filter_map(|it| Some(it.response?.text().to_owned())).collect();
    assert!(texts.contains(&"one".to_owned()) && texts.contains(&"two".to_owned()), "{texts:?}");
    assert_eq!(
        (disk.clear(true).unwrap(), disk.clear(false).unwrap(), disk.stats().unwrap().entries),
        (0, 2, 0)
    );
}
