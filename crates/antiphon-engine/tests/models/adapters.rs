//! LoRA adapters: a model under one answers as the model does whose weights were changed by it.

use std::path::Path;

use antiphon_core::{Kind, Operation};
use antiphon_engine::{Adapter, Engine, EngineOptions, Scale};
use antiphon_testkit::random_gguf::{Gguf, Recipe, Tensor, draw};
use serde_json::{Value, json};

use crate::ask::{request, run};

const RANK: usize = 4;
const ALPHA: f32 = 6.0;
const INPUT: usize = 64;
const OUTPUT: usize = 96;
const CHANGED: &str = "blk.0.ffn_up.weight";

fn tensor(name: &str, shape: [usize; 2]) -> Tensor {
    let numbers = draw(name, shape[0] * shape[1], 0.5, 0.0);
    Tensor { name: name.into(), shape: shape.map(|size| size as u64).to_vec(), numbers }
}

fn factors() -> [Tensor; 2] {
    [
        tensor(&format!("{CHANGED}.lora_a"), [INPUT, RANK]),
        tensor(&format!("{CHANGED}.lora_b"), [RANK, OUTPUT]),
    ]
}

fn write_adapter(path: &Path, architecture: &str) {
    let mut file = Gguf::default();
    file.text("general.type", "adapter");
    file.text("general.architecture", architecture);
    file.text("adapter.type", "lora");
    file.float("adapter.lora.alpha", ALPHA);
    std::fs::write(path, file.finish(&factors())).unwrap();
}

/// The recipe with the adapter's product added to the weights: what the adapter means.
fn merged(recipe: &Recipe, scale: f32) -> Recipe {
    let mut recipe = recipe.clone();
    let [a, b] = factors();
    let rows = recipe.json["tensors"].as_array_mut().unwrap();
    let row = rows.iter_mut().find(|row| row["name"] == CHANGED).unwrap();
    assert_eq!(row["shape"], json!([INPUT, OUTPUT]));
    let mut weights = draw(CHANGED, INPUT * OUTPUT, row["scale"].as_f64().unwrap() as f32, 0.0);
    for (at, weight) in weights.iter_mut().enumerate() {
        let (output, input) = (at / INPUT, at % INPUT);
        let product: f32 =
            (0..RANK).map(|k| b.numbers[output * RANK + k] * a.numbers[k * INPUT + input]).sum();
        *weight += scale * ALPHA / RANK as f32 * product;
    }
    row["values"] = json!(weights);
    recipe
}

fn load(path: &Path, adapter: Option<(&Path, f32)>) -> antiphon_core::Result<Engine> {
    let adapter = adapter
        .map(|(path, scale)| Adapter { path: path.to_owned(), scale: Scale::try_from(scale).unwrap() });
    Engine::load(path, "tiny", &EngineOptions { adapter, ..EngineOptions::default() })
}

/// The logarithms of the probabilities of the likeliest tokens after the recipe's prompt.
fn probabilities(engine: &Engine, recipe: &Recipe) -> Vec<(String, f64)> {
    let fields = json!({"prompt": recipe.prompt(), "max_tokens": 1, "logprobs": 20, "ignore_eos": true});
    let response = run(engine, request(Operation::TextCompletion, fields)).unwrap();
    let logprobs = response.choices[0].logprobs.clone().unwrap().text.unwrap();
    let top = logprobs.top_logprobs.unwrap()[0].clone().unwrap();
    let mut found: Vec<(String, f64)> =
        top.iter().map(|(token, value)| (token.clone(), Value::as_f64(value).unwrap())).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn distance(a: &[(String, f64)], b: &[(String, f64)]) -> f64 {
    if a.iter().map(|it| &it.0).ne(b.iter().map(|it| &it.0)) {
        return f64::INFINITY;
    }
    a.iter().zip(b).map(|(a, b)| (a.1 - b.1).abs()).fold(0.0, f64::max)
}

#[test]
fn a_model_under_an_adapter_is_the_model_with_the_weights_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (model, adapter) = (folder.path().join("model.gguf"), folder.path().join("adapter.gguf"));
    let recipe = Recipe::named("llama");
    recipe.write(&model);
    write_adapter(&adapter, "llama");
    let plain = probabilities(&load(&model, None).unwrap(), &recipe);
    for scale in [1.0, 0.5] {
        let path = folder.path().join("merged.gguf");
        merged(&recipe, scale).write(&path);
        let expected = probabilities(&load(&path, None).unwrap(), &recipe);
        let adapted = probabilities(&load(&model, Some((&adapter, scale))).unwrap(), &recipe);
        let far = distance(&adapted, &expected);
        assert!(far < 0.02, "{scale}: {far}");
        assert!(distance(&plain, &expected) > 0.1, "the change is one that shows");
    }
    let nothing = probabilities(&load(&model, Some((&adapter, 0.0))).unwrap(), &recipe);
    assert!(distance(&nothing, &plain) < 1e-4);
}

#[test]
fn an_adapter_that_does_not_fit_is_refused_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (model, adapter) = (folder.path().join("model.gguf"), folder.path().join("adapter.gguf"));
    Recipe::named("llama").write(&model);
    let refused = |path: &Path, part: &str| {
        let error = load(&model, Some((path, 1.0))).err().unwrap();
        assert_eq!(error.kind(), Kind::LocalModel);
        assert!(error.message().contains(part) && !error.message().contains('\n'), "{error}");
    };
    write_adapter(&adapter, "falcon");
    refused(&adapter, "the adapter does not fit the model");
    refused(&model, "the adapter does not fit the model");
    std::fs::write(&adapter, b"rubbish").unwrap();
    refused(&adapter, "is not a GGUF file");
    refused(&folder.path().join("nobody.gguf"), "no such file");
}
