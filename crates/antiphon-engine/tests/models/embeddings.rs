//! Vectors of texts, compared with the same model worked out by hand; and raw prompts on the built-in model.

use antiphon_core::{Error, Kind, Operation, Response, Result};
use antiphon_engine::{Engine, EngineOptions};
use serde_json::{Value, json};

use crate::ask::{request, run};
use crate::tiny_bert::{CLS, CONTEXT, Pooling, SEP, TinyBert, WIDTH};

/// The most that one number of a vector differs: llama.cpp looks GELU up in a table of half floats.
const CLOSE: f64 = 2e-3;

/// An engine of the tiny model, whose file lives as long as the process.
fn bert(pooling: Pooling) -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny-bert.gguf");
    TinyBert::new().write(&path, pooling);
    Engine::load(&path, "tiny-bert", &EngineOptions::default()).unwrap()
}

fn embed(engine: &Engine, fields: Value) -> Result<Response> {
    run(engine, request(Operation::Embeddings, fields))
}

/// Texts, and the tokens that they are.
fn texts() -> Vec<(&'static str, Vec<u32>)> {
    let around = |tokens: &[u32]| [&[CLS], tokens, &[SEP]].concat();
    vec![
        ("the cat sat on the mat", around(&[5, 6, 8, 9, 5, 10])),
        ("dogs", around(&[7, 11])),
        ("The CAT", around(&[5, 6])),
        ("", around(&[])),
        ("[SEP] xyzzy", around(&[1, 1, 1, 1])),
    ]
}

#[test]
fn vectors_are_those_of_the_model_worked_out_by_hand() {
    let model = TinyBert::new();
    for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Last] {
        let engine = bert(pooling);
        assert_eq!(engine.info().embedding_length, Some(WIDTH as u32));
        // As tokens, which leaves out how a text is divided; then as texts, all at once.
        for (text, tokens) in texts() {
            let response = embed(&engine, json!({"input": tokens})).unwrap();
            let vectors = response.embeddings.unwrap();
            assert_close(&vectors[0], &model.vector(&tokens, pooling), text);
        }
        let inputs: Vec<&str> = texts().iter().map(|(text, _)| *text).collect();
        let response = embed(&engine, json!({"input": inputs})).unwrap();
        let vectors = response.embeddings.unwrap();
        assert_eq!(vectors.len(), inputs.len());
        for ((text, tokens), vector) in texts().iter().zip(vectors.iter()) {
            if !text.starts_with('[') {
                assert_close(vector, &model.vector(tokens, pooling), text);
            }
        }
    }
}

fn assert_close(vector: &[f32], expected: &[f64], what: &str) {
    let length: f64 = vector.iter().map(|x| f64::from(*x).powi(2)).sum();
    assert!((length - 1.0).abs() < 1e-5, "{what}: the length is {length}");
    let far = vector.iter().zip(expected).map(|(x, y)| (f64::from(*x) - y).abs()).fold(0.0, f64::max);
    assert!(far < CLOSE, "{what}: {far}\n{vector:?}\n{expected:?}");
}

#[test]
fn many_texts_are_read_in_batches_and_counted() {
    let engine = bert(Pooling::Mean);
    let inputs: Vec<&str> = ["the cat", "dogs", "on the mat"].into_iter().cycle().take(300).collect();
    let response = embed(&engine, json!({"input": inputs})).unwrap();
    let vectors = response.embeddings.unwrap();
    assert_eq!(vectors.len(), 300);
    for (at, vector) in vectors.iter().enumerate() {
        let far = vector.iter().zip(&vectors[at % 3]).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
        assert!(far < 1e-5, "text {at} has another vector than its like: {far}");
    }
    let usage = response.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (100 * (4 + 4 + 5), 0));
    assert_eq!(response.operation, Operation::Embeddings);
    assert_eq!(response.model, "tiny-bert");
}

#[test]
fn what_cannot_be_read_is_told() {
    let engine = bert(Pooling::Mean);
    let told = |fields: Value| -> Error { embed(&engine, fields).unwrap_err() };
    let long = told(json!({"input": ["cat", "cat ".repeat(40)]}));
    assert_eq!((long.kind(), long.field()), (Kind::ContextWindowExceeded, Some("input[1]")));
    let expected = format!("input[1]: the text has 42 tokens, and the model reads {CONTEXT} at once");
    assert_eq!(long.message(), expected);
    assert_eq!(
        told(json!({"input": [99]})).message(),
        "input: token 99 is not in the vocabulary of 12 tokens"
    );
    let dimensions = told(json!({"input": "cat", "dimensions": 8}));
    assert_eq!((dimensions.kind(), dimensions.field()), (Kind::UnsupportedParams, Some("dimensions")));
    assert!(embed(&engine, json!({"input": "cat", "dimensions": WIDTH})).is_ok());
    let chat = run(&engine, request(Operation::Chat, json!({"messages": "hi"}))).unwrap_err();
    assert_eq!(chat.message(), "tiny-bert is a model for embeddings, and generates no text");
    let text = run(&engine, request(Operation::TextCompletion, json!({"prompt": "hi"}))).unwrap_err();
    assert_eq!((text.kind(), text.model()), (Kind::BadRequest, Some("tiny-bert")));
}

#[test]
fn a_model_that_generates_gives_no_vectors() {
    let chorister = Engine::builtin(None, &EngineOptions::default()).unwrap();
    let error = embed(&chorister, json!({"input": "hi"})).unwrap_err();
    assert_eq!(error.message(), "chorister generates text, and gives no embeddings");
    assert!(error.advice().unwrap().contains("pooling"));
}

#[test]
fn a_raw_prompt_goes_to_the_model_as_it_is() {
    let engine = Engine::builtin(None, &EngineOptions::default()).unwrap();
    let ask = |fields: Value| run(&engine, request(Operation::TextCompletion, fields));
    // The chat, rendered by hand: the same answer.
    let prompt = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n";
    let chat = run(
        &engine,
        request(Operation::Chat, json!({"messages": "What is the capital of France?", "max_tokens": 30})),
    );
    let chat = chat.unwrap();
    let raw = ask(json!({"prompt": prompt, "max_tokens": 30})).unwrap();
    assert_eq!((raw.text(), &raw.usage), (chat.text(), &chat.usage));
    assert!(raw.id.starts_with("cmpl-"), "{}", raw.id);
    assert_eq!(raw.operation, Operation::TextCompletion);
    // As tokens, the same again; and with an echo.
    let tokens = json!(ask_tokens(&engine, prompt));
    let again = ask(json!({"prompt": tokens, "max_tokens": 30})).unwrap();
    assert_eq!(again.text(), raw.text());
    let echoed = ask(json!({"prompt": prompt, "max_tokens": 30, "echo": true, "n": 2})).unwrap();
    assert_eq!(echoed.choices[1].message.content.text(), format!("{prompt}{}", raw.text()));
    // Where nobody says how long, sixteen tokens.
    let short = ask(json!({"prompt": "Once upon a time", "ignore_eos": true})).unwrap();
    assert_eq!(short.usage.unwrap().completion_tokens, 16);
    let with = ask(json!({"prompt": prompt, "logprobs": 2, "max_tokens": 4})).unwrap();
    let logprobs = with.choices[0].logprobs.clone().unwrap().text.unwrap();
    assert_eq!(logprobs.tokens.unwrap().concat(), with.text());
    assert!(logprobs.top_logprobs.unwrap().iter().all(|top| top.as_ref().is_some_and(|top| top.len() == 2)));
}

/// The tokens of a prompt whose special tokens are read as such.
fn ask_tokens(engine: &Engine, prompt: &str) -> Vec<u32> {
    let chat = request(Operation::Chat, json!({"messages": "What is the capital of France?"}));
    let count = engine.count_tokens(&chat).unwrap() as usize;
    // Each special token is found by asking which id stands for its text.
    let mut tokens = Vec::new();
    let mut rest = prompt;
    while !rest.is_empty() {
        let special = ["<|im_start|>", "<|im_end|>"].into_iter().find(|special| rest.starts_with(special));
        let end = special.map_or_else(|| rest.find("<|").unwrap_or(rest.len()), str::len);
        let (piece, tail) = rest.split_at(end);
        match special {
            Some(special) => {
                tokens.extend((0..engine.info().vocabulary).find(|id| engine.detokenize(&[*id]) == special));
            }
            None => tokens.extend(engine.tokenize(piece)),
        }
        rest = tail;
    }
    assert_eq!(tokens.len(), count, "the prompt is the chat as the template renders it");
    tokens
}

#[test]
fn what_a_raw_prompt_cannot_have_is_told() {
    let engine = Engine::builtin(None, &EngineOptions::default()).unwrap();
    let told = |fields: Value| run(&engine, request(Operation::TextCompletion, fields)).unwrap_err();
    for (fields, field) in [
        (json!({"prompt": "a", "suffix": "b"}), "suffix"),
        (json!({"prompt": "a", "best_of": 3}), "best_of"),
        (json!({"prompt": "a", "echo": true, "logprobs": 1}), "echo"),
    ] {
        let error = told(fields);
        assert_eq!((error.kind(), error.field()), (Kind::UnsupportedParams, Some(field)));
    }
    let long = told(json!({"prompt": "word ".repeat(20_000)}));
    assert_eq!((long.kind(), long.field()), (Kind::ContextWindowExceeded, Some("prompt")));
    assert!(told(json!({"prompt": [1_000_000]})).message().starts_with("prompt: token 1000000 is not in"));
}
