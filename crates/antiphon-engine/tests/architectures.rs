//! Each architecture, as a tiny random model: what the engine makes of it, against what transformers makes of the same
//! weights (`scripts/architectures.py`).
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod ask;
mod random_gguf;

use antiphon_core::{Operation, Result};
use antiphon_engine::{Engine, EngineOptions};
use serde_json::{Value, json};

use ask::{request, run};
use random_gguf::{Recipe, text};

/// The most that the logarithm of a probability differs: keys and values are kept in half floats.
const CLOSE: f64 = 0.02;

fn load(recipe: &Recipe) -> Result<Engine> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    recipe.write(&path);
    Engine::load(&path, &recipe.name, &EngineOptions::default())
}

/// How far the greedy answer to `prompt` is from the recipe's: the largest difference of a logarithm, endless where
/// another token came.
fn difference(engine: &Engine, recipe: &Recipe) -> f64 {
    let steps = recipe.steps();
    let fields = json!({"prompt": recipe.prompt(), "max_tokens": steps.len(), "logprobs": 20, "ignore_eos": true});
    let response = run(engine, request(Operation::TextCompletion, fields)).unwrap();
    let logprobs = response.choices[0].logprobs.clone().unwrap().text.unwrap();
    let (tokens, tops) = (logprobs.tokens.unwrap(), logprobs.top_logprobs.unwrap());
    assert_eq!(tokens.len(), steps.len());
    let mut most: f64 = 0.0;
    for (step, (token, top)) in steps.iter().zip(tokens.iter().zip(&tops)) {
        let top = top.as_ref().unwrap();
        for (expected, logprob) in step {
            let had = top.get(&text(*expected)).and_then(Value::as_f64).unwrap_or(f64::INFINITY);
            most = most.max((had - logprob).abs());
        }
        if *token != text(step[0].0) {
            return f64::INFINITY;
        }
    }
    most
}

#[test]
fn every_architecture_answers_as_transformers_does() {
    let mut wrong = Vec::new();
    for recipe in Recipe::all() {
        let engine = match load(&recipe) {
            Ok(engine) => engine,
            Err(error) => {
                wrong.push(format!("{}: {error}", recipe.name));
                continue;
            }
        };
        let far = difference(&engine, &recipe);
        println!("{}: {far:.5}", recipe.name);
        if far > CLOSE {
            wrong.push(format!("{}: {far}", recipe.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
