//! Models that run here, through the same calls as any other.
#![cfg(feature = "local")]

use std::path::Path;
use std::time::Duration;

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::{Client, Kind, Message};
use antiphon_testkit::random_gguf::Recipe;
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

#[tokio::test]
async fn documents_are_ranked_and_each_model_does_what_it_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let client = client();
    for name in ["bge-reranker", "qwen3-reranker"] {
        let recipe = Recipe::ranker(name);
        let path = folder.path().join(format!("{name}.gguf"));
        recipe.write(&path);
        let model = format!("local/{}", path.display());
        let documents: Vec<String> = serde_json::from_value(recipe.json["documents"].clone()).unwrap();
        let expected: Vec<f64> = serde_json::from_value(recipe.json["scores"].clone()).unwrap();
        let ask = || client.rerank(recipe.json["query"].as_str().unwrap(), documents.clone()).model(&model);
        let response = ask().param("return_documents", true).await.unwrap();
        assert_eq!(response.model, name);
        let ranking = response.ranking.unwrap();
        assert_eq!(ranking.len(), documents.len());
        assert!(ranking.is_sorted_by(|left, right| left.relevance_score >= right.relevance_score));
        for ranked in &ranking {
            let place = ranked.index as usize;
            assert!((ranked.relevance_score - expected[place]).abs() < 3e-3, "{name}: {ranked:?}");
            assert_eq!(ranked.document.as_ref(), Some(&documents[place]));
        }
        let best = ask().param("top_n", 1).await.unwrap().ranking.unwrap();
        assert_eq!((best.len(), best[0].index), (1, ranking[0].index));

        let long = client.rerank("1", ["2".to_owned(), "3 ".repeat(300)]).model(&model);
        let error = long.await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (Kind::ContextWindowExceeded, Some("documents[1]")));
        let file = antiphon::local::find(&path.display().to_string(), client.config()).unwrap();
        let context = client.model_info(&file).await.unwrap().context_length;
        assert!(error.message().contains(&format!("the model reads {context} at once")), "{error}");
        let chat = client.completion("hi").model(&model).await.unwrap_err();
        assert_eq!(chat.message(), format!("{name} is a model for reranking, and generates no text"));
        let vectors = client.embedding("hi").model(&model).await.unwrap_err();
        assert_eq!(vectors.message(), format!("{name} ranks documents, and gives no embeddings"));
    }
    let error = client.rerank("q", ["a"]).model("local/chorister").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::BadRequest, Some("model")));
    assert_eq!(error.message(), "chorister generates text, and ranks no documents");
}
