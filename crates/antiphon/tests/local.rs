//! Models that run here, through the same calls as any other.
#![cfg(feature = "local")]

use std::path::Path;
use std::time::Duration;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::{Client, Kind, Message};
use futures_util::StreamExt;
use serde_json::json;

const CHORISTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/chorister/chorister.gguf");

/// A client that sees nothing of this machine's configuration.
fn client() -> Client {
    Client::with_config(Config::default(), KeyStore::new(Path::new("/nonexistent")))
        .expect("an empty configuration")
}

#[tokio::test]
async fn the_built_in_model_answers_whole_and_streamed() {
    let client = client();
    let call = || client.completion("What is the capital of France?").model("local/chorister");
    let whole = call().await.unwrap();
    assert_eq!(whole.model, "chorister");
    assert!(!whole.text().is_empty());
    let usage = whole.usage.clone().unwrap();
    assert!(usage.prompt_tokens > 0 && usage.completion_tokens > 0, "{usage:?}");
    let mut stream = call().stream().await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text += chunk.unwrap().text();
    }
    assert_eq!(text, whole.text(), "greedy answers are the same each time");
    assert_eq!(stream.response().usage, whole.usage);
}

#[tokio::test]
async fn a_file_is_a_model_and_calls_share_it() {
    let client = client();
    let model = format!("local/{CHORISTER}");
    let prompts = ["What is the capital of France?", "Add 1 and 1", "hello", "What colour is the sky?"];
    let calls = prompts.map(|prompt| {
        let call = client.completion(prompt).model(&model);
        async move { call.await.unwrap().text().to_owned() }
    });
    let together = futures_util::future::join_all(calls).await;
    for (prompt, answer) in prompts.iter().zip(together) {
        let alone = client.completion(*prompt).model("local/chorister").await.unwrap();
        assert_eq!(answer, alone.text(), "{prompt}: the same model, whatever its name and company");
    }
}

#[tokio::test]
async fn a_deadline_ends_a_long_answer_with_what_there_was() {
    let call = client()
        .completion([Message::user("Count.")])
        .model("local/chorister")
        .param("ignore_eos", true)
        .param("max_tokens", 100_000)
        .param("n", 16)
        .timeout(Duration::from_millis(1));
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout, "{error}");
    assert_eq!((error.provider(), error.model()), (Some("local"), Some("chorister")));
}

#[tokio::test]
async fn a_schema_is_obeyed() {
    let schema = json!({"type": "json_schema", "json_schema": {"name": "person", "schema": {
        "type": "object", "required": ["name", "age"],
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    }}});
    let response = client()
        .completion("Ada is 36 years old.")
        .model("local/chorister")
        .param("response_format", schema)
        .await
        .unwrap();
    let value: serde_json::Value = serde_json::from_str(response.text()).unwrap();
    assert!(value["name"].is_string() && value["age"].is_i64(), "{value}");
}

#[tokio::test]
async fn files_that_are_no_models_are_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let whole = std::fs::read(CHORISTER).unwrap();
    let cases = [
        (file("text.gguf", b"hello"), "GGUF"),
        (file("empty.gguf", b""), "GGUF"),
        (file("cut.gguf", &whole[..whole.len() / 2]), "is cut"),
        (folder.path().to_path_buf(), "is a directory"),
        (folder.path().join("none.gguf"), "no such file"),
    ];
    for (path, expected) in cases {
        let model = format!("local/{}", path.display());
        let error = client().completion("hi").model(model).await.unwrap_err();
        let message = error.message().to_lowercase();
        assert!(message.contains(&expected.to_lowercase()), "{}: {error}", path.display());
        assert!(!message.contains('\n'), "one line: {message}");
    }
}
