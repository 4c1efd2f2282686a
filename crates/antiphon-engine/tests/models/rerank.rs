//! Tiny models that rank, against what transformers makes of the same weights (`scripts/architectures.py`).

use antiphon_core::{Error, Kind, Operation, Response, Result};
use antiphon_engine::{Engine, EngineOptions};
use antiphon_testkit::random_gguf::Recipe;
use serde_json::{Value, json};

use crate::ask::{request, run};
use crate::tiny_bert::{Pooling, TinyBert};

/// The most that a score differs.
const CLOSE: f64 = 3e-3;

fn load(recipe: &Recipe) -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    recipe.write(&path);
    Engine::load(&path, &recipe.name, &EngineOptions::default()).unwrap()
}

fn rerank(engine: &Engine, fields: Value) -> Result<Response> {
    run(engine, request(Operation::Rerank, fields))
}

fn fields(recipe: &Recipe) -> Value {
    json!({"query": recipe.json["query"], "documents": recipe.json["documents"]})
}

/// The scores of the recipe's documents, in their order.
fn scores(engine: &Engine, recipe: &Recipe) -> Vec<f64> {
    let mut ranking = rerank(engine, fields(recipe)).unwrap().ranking.unwrap();
    ranking.sort_by_key(|ranked| ranked.index);
    ranking.iter().map(|ranked| ranked.relevance_score).collect()
}

fn difference(engine: &Engine, recipe: &Recipe) -> f64 {
    let expected: Vec<f64> = serde_json::from_value(recipe.json["scores"].clone()).unwrap();
    let scores = scores(engine, recipe);
    assert_eq!(scores.len(), expected.len());
    scores.iter().zip(expected).map(|(score, expected)| (score - expected).abs()).fold(0.0, f64::max)
}

#[test]
fn scores_are_those_of_transformers() {
    for name in ["bge-reranker", "qwen3-reranker"] {
        let recipe = Recipe::ranker(name);
        let far = difference(&load(&recipe), &recipe);
        assert!(far < CLOSE, "{name}: {far}");
    }
}

#[test]
fn a_layer_or_a_form_that_is_another_shows() {
    for (name, tensor) in [("bge-reranker", "cls.weight"), ("qwen3-reranker", "cls.output.weight")] {
        let recipe = Recipe::ranker(name);
        let mut changed = recipe.clone();
        let tensors = changed.json["tensors"].as_array_mut().unwrap();
        let row = tensors.iter_mut().find(|row| row["name"] == tensor).unwrap();
        row["drawn_as"] = "another name".into();
        assert!(difference(&load(&changed), &recipe) > CLOSE, "{name}");
    }
    let recipe = Recipe::ranker("qwen3-reranker");
    let mut changed = recipe.clone();
    changed.json["rerank_template"] = "<s>{document}\n{query}</s>".into();
    assert!(difference(&load(&changed), &recipe) > CLOSE);
}

#[test]
fn the_best_come_first_with_their_texts_where_they_are_wanted() {
    let recipe = Recipe::ranker("bge-reranker");
    let engine = load(&recipe);
    assert!(engine.info().is_reranker);
    let scores = scores(&engine, &recipe);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
    let mut asked = fields(&recipe);
    (asked["top_n"], asked["return_documents"]) = (2.into(), true.into());
    let response = rerank(&engine, asked).unwrap();
    let json = response.to_json();
    assert!(response.id.starts_with("rerank-"), "{}", response.id);
    for (place, expected) in order.iter().take(2).enumerate() {
        assert_eq!(json["results"][place]["index"], *expected);
        assert_eq!(json["results"][place]["document"]["text"], recipe.json["documents"][*expected]);
    }
    assert_eq!(json["results"].as_array().unwrap().len(), 2);
    // Of all documents each is read with the query: three tokens, four around them, and its own.
    let documents: Vec<String> = serde_json::from_value(recipe.json["documents"].clone()).unwrap();
    let expected: u64 = documents.iter().map(|text| 3 + 4 + 1 + text.len() as u64).sum();
    assert_eq!(response.usage.unwrap().prompt_tokens, expected);
    // A document counts for itself: who else is there changes nothing.
    let alone = json!({"query": recipe.json["query"], "documents": [recipe.json["documents"][2]]});
    let alone = rerank(&engine, alone).unwrap().ranking.unwrap();
    assert!((alone[0].relevance_score - scores[2]).abs() < 1e-4);
}

#[test]
fn a_document_that_is_too_long_is_named_or_cut() {
    let recipe = Recipe::ranker("bge-reranker");
    let engine = load(&recipe);
    let context = engine.info().context_length;
    let asked = json!({"query": "1", "documents": ["2", "3 ".repeat(200)]});
    let error = rerank(&engine, asked.clone()).unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::ContextWindowExceeded, Some("documents[1]")));
    assert!(error.message().contains(&format!("the model reads {context} at once")), "{error}");
    assert!(error.advice().unwrap().contains("max_tokens_per_doc"));
    let mut cut = asked;
    cut["max_tokens_per_doc"] = 20.into();
    assert_eq!(rerank(&engine, cut).unwrap().ranking.unwrap().len(), 2);
}

#[test]
fn each_model_does_what_it_was_trained_for() {
    let told = |outcome: Result<Response>| -> (String, String) {
        let error: Error = outcome.unwrap_err();
        (error.message().to_owned(), error.advice().unwrap_or_default().to_owned())
    };
    let ranker = load(&Recipe::ranker("bge-reranker"));
    let vectors = run(&ranker, request(Operation::Embeddings, json!({"input": "a"})));
    assert_eq!(told(vectors).0, "bge-reranker ranks documents, and gives no embeddings");
    let chat = run(&ranker, request(Operation::Chat, json!({"messages": "a"})));
    let (message, advice) = told(chat);
    assert_eq!(message, "bge-reranker is a model for reranking, and generates no text");
    assert_eq!(advice, "ask it to rerank documents");
    let asked = || json!({"query": "a", "documents": ["b"]});
    let chorister = Engine::builtin(None, &EngineOptions::default()).unwrap();
    let (message, advice) = told(rerank(&chorister, asked()));
    assert_eq!(message, "chorister generates text, and ranks no documents");
    assert!(advice.contains("bge-reranker"), "{advice}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bert.gguf");
    TinyBert::new().write(&path, Pooling::Mean);
    let bert = Engine::load(&path, "bert", &EngineOptions::default()).unwrap();
    assert_eq!(told(rerank(&bert, asked())).0, "bert gives embeddings, and ranks no documents");
}

#[test]
fn a_model_that_sorts_into_classes_ranks_nothing() {
    let mut recipe = Recipe::ranker("bge-reranker");
    recipe.json["metadata"]["bert.classifier.output_labels"][1] = json!(["a", "b", "c"]);
    for row in recipe.json["tensors"].as_array_mut().unwrap() {
        if row["name"] == "cls.output.weight" || row["name"] == "cls.output.bias" {
            *row["shape"].as_array_mut().unwrap().last_mut().unwrap() = 3.into();
        }
    }
    let error = rerank(&load(&recipe), json!({"query": "1", "documents": ["2"]})).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (Kind::LocalModel, Some("local")));
    assert_eq!(error.message(), "the model sorts texts into 3 classes, and ranks none");
}

#[test]
fn files_that_leave_the_separator_unsaid_have_it_all_the_same() {
    let mut recipe = Recipe::ranker("bge-reranker");
    recipe.json["tokenizer"] = "t5".into();
    let tokens = |recipe: &Recipe| {
        let response = rerank(&load(recipe), fields(recipe)).unwrap();
        response.usage.unwrap().prompt_tokens
    };
    let said = tokens(&recipe);
    recipe.json["unsaid_sep"] = true.into();
    assert_eq!(tokens(&recipe), said);
}

#[test]
fn a_ranker_that_lacks_its_last_layer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    let refused = || {
        let error = Engine::load(&path, "tiny", &EngineOptions::default()).err().unwrap();
        assert_eq!(error.kind(), Kind::LocalModel);
        assert!(error.message().contains("tiny.gguf: a reranker without the layer that ranks"), "{error}");
    };
    TinyBert::new().write(&path, Pooling::Rank);
    refused();
    let mut recipe = Recipe::ranker("qwen3-reranker");
    let rows = recipe.json["tensors"].as_array_mut().unwrap();
    rows.retain(|row| row["name"] != "cls.output.weight");
    recipe.write(&path);
    refused();
}
