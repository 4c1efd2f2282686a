//! Drafts: what a small model guesses hastens an answer, and changes nothing of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod ask;
#[expect(dead_code, reason = "not every test uses all of it")]
mod random_gguf;
#[expect(dead_code, reason = "not every test uses all of it")]
mod tiny_bert;

use std::path::{Path, PathBuf};

use antiphon_core::{Backend, Event, EventStream, Fold, Kind, Operation, Response, Result};
use antiphon_engine::{Engine, EngineOptions, Stats};
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

use ask::{block_on, request, run};
use random_gguf::Recipe;
use tiny_bert::{Pooling, TinyBert};

/// Models of one vocabulary in a folder, the first of them the large one.
struct Models {
    folder: tempfile::TempDir,
}

/// The recipe with tensors scaled, or drawn anew.
fn changed(recipe: &Recipe, change: impl Fn(&str, &mut Value)) -> Recipe {
    let mut recipe = recipe.clone();
    for row in recipe.json["tensors"].as_array_mut().unwrap() {
        let name = row["name"].as_str().unwrap().to_owned();
        change(&name, row);
    }
    recipe
}

/// The tiny Llama, as sure of its tokens as a trained model is.
fn sure() -> Recipe {
    changed(&Recipe::named("llama"), |name, row| {
        if name == "output.weight" {
            row["scale"] = json!(2.0);
        }
    })
}

impl Models {
    fn new() -> Self {
        let models = Self { folder: tempfile::tempdir().unwrap() };
        let large = sure();
        large.write(&models.path("large"));
        // Right at times.
        let like = changed(&large, |name, row| {
            if name == "blk.1.ffn_down.weight" {
                row["drawn_as"] = json!("another");
            }
        });
        like.write(&models.path("like"));
        // As sure, and right by chance alone.
        let other = changed(&large, |name, row| row["drawn_as"] = json!(format!("other {name}")));
        other.write(&models.path("other"));
        models
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.gguf"))
    }

    /// The large model, with that draft.
    fn load(&self, draft: Option<&str>) -> Engine {
        self.load_with(draft, EngineOptions::default())
    }

    fn load_with(&self, draft: Option<&str>, options: EngineOptions) -> Engine {
        let options = EngineOptions { draft: draft.map(|name| self.path(name)), ..options };
        Engine::load(&self.path("large"), "large", &options).unwrap()
    }
}

const DRAFTS: [&str; 3] = ["large", "like", "other"];

/// The numbers of an engine that has nothing more to do.
fn stats(engine: &Engine) -> Stats {
    loop {
        let stats = engine.stats();
        if (stats.running, stats.waiting) == (0, 0) {
            return stats;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// All of an answer that is not drawn by chance; numbers as far as they do not depend on how much was calculated at
/// once.
fn told(response: &Response) -> Value {
    let mut told = response.to_json();
    let round = |value: &mut Value| {
        if let Some(number) = value.as_f64() {
            *value = json!((number * 100.0).round() / 100.0);
        }
    };
    let map = told.as_object_mut().unwrap();
    map.retain(|name, _| name == "choices" || name == "usage");
    fn each(value: &mut Value, round: &impl Fn(&mut Value)) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| each(item, round)),
            Value::Object(map) => {
                map.remove("id");
                map.values_mut().for_each(|item| each(item, round));
            }
            value => round(value),
        }
    }
    each(&mut told, &round);
    told
}

fn completion(more: Value) -> (Operation, Value) {
    let mut fields = json!({"prompt": Recipe::named("llama").prompt(), "max_tokens": 60, "ignore_eos": true});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (Operation::TextCompletion, fields)
}

fn chat(more: Value) -> (Operation, Value) {
    let mut fields = json!({"messages": "ab cd", "max_tokens": 80});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (Operation::Chat, fields)
}

/// What a request can ask for that works on tokens as they come.
fn everything() -> Vec<(Operation, Value)> {
    let tool = json!({"type": "function", "function": {"name": "get", "parameters": {
        "type": "object", "properties": {"what": {"enum": ["weather", "time"]}, "count": {"type": "integer"}},
        "required": ["what", "count"], "additionalProperties": false}}});
    vec![
        completion(json!({})),
        completion(json!({"max_tokens": 1})),
        completion(json!({"max_tokens": 2})),
        completion(json!({"max_tokens": 216})),
        completion(json!({"temperature": 1, "seed": 1})),
        completion(json!({"temperature": 1.5, "seed": 2, "top_p": 0.95, "top_k": 50})),
        completion(json!({"repetition_penalty": 1.3, "frequency_penalty": 0.5, "presence_penalty": 0.5})),
        completion(json!({"logprobs": 5})),
        completion(json!({"logprobs": 2, "temperature": 1, "seed": 5})),
        completion(json!({"echo": true})),
        completion(json!({"stop": ["a", "o"]})),
        completion(json!({"stop": ["e"], "include_stop_str_in_output": true, "temperature": 1, "seed": 9})),
        completion(json!({"logit_bias": {"140": 5, "2": 8}, "ignore_eos": false})),
        completion(json!({"n": 3, "temperature": 1, "seed": 3})),
        chat(json!({"guided_regex": "([a-f]{3} ){12}"})),
        chat(json!({"guided_choice": ["be", "bo", "bu"]})),
        chat(json!({"response_format": {"type": "json_object"}, "temperature": 1, "seed": 4})),
        chat(json!({"guided_regex": "([a-f]{3} ){12}", "logprobs": true, "top_logprobs": 3})),
        chat(json!({"tools": [tool], "tool_choice": "required", "parallel_tool_calls": false})),
        chat(json!({"tools": [tool], "temperature": 1, "seed": 6})),
    ]
}

fn ask(engine: &Engine, (operation, fields): (Operation, Value)) -> Result<Response> {
    run(engine, request(operation, fields))
}

#[test]
fn an_answer_is_the_same_with_any_draft() {
    let models = Models::new();
    let plain = models.load(None);
    let expected: Vec<Value> = everything().into_iter().map(|it| told(&ask(&plain, it).unwrap())).collect();
    assert_eq!(stats(&plain).draft_tokens, 0);
    for draft in DRAFTS {
        let engine = models.load(Some(draft));
        for (asked, expected) in everything().into_iter().zip(&expected) {
            let answer = told(&ask(&engine, asked.clone()).unwrap());
            assert_eq!(&answer, expected, "{draft}: {}", asked.1);
        }
        let stats = stats(&engine);
        assert!(stats.draft_tokens > 0, "{draft}: {stats:?}");
        assert_eq!(stats.generated_tokens, self::stats(&plain).generated_tokens, "{draft}");
    }
}

#[test]
fn right_guesses_are_taken_and_wrong_ones_are_soon_left_off() {
    let models = Models::new();
    let asked = |draft| {
        let engine = models.load(Some(draft));
        for seed in 0..4 {
            ask(&engine, completion(json!({"max_tokens": 200, "seed": seed}))).unwrap();
        }
        stats(&engine)
    };
    let same = asked("large");
    assert!(same.draft_tokens > 400, "{same:?}");
    assert!(same.accepted_tokens * 10 >= same.draft_tokens * 9, "{same:?}");
    let like = asked("like");
    assert!(like.accepted_tokens > 50 && like.accepted_tokens < like.draft_tokens, "{like:?}");
    let other = asked("other");
    assert!((1..100).contains(&other.draft_tokens), "of 800 tokens: {other:?}");
    assert!(other.accepted_tokens * 2 < other.draft_tokens, "{other:?}");
}

#[test]
fn what_was_guessed_in_vain_is_in_nobodys_way() {
    let models = Models::new();
    let plain = models.load(None);
    let prompt = Recipe::named("llama").prompt().clone();
    for draft in DRAFTS {
        let engine = models.load(Some(draft));
        let first = ask(&engine, completion(json!({"max_tokens": 40}))).unwrap();
        assert_eq!(told(&first), told(&ask(&plain, completion(json!({"max_tokens": 40}))).unwrap()));
        // The same prompt goes on with what the first answer was read for.
        for length in [33, 40] {
            let fields = json!({"prompt": prompt.as_array().unwrap()[..length], "max_tokens": 50});
            let again = |engine| told(&ask(engine, (Operation::TextCompletion, fields.clone())).unwrap());
            let (with, without) = (again(&engine), again(&plain));
            assert_eq!(with, without, "{draft}");
            assert!(without["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64() >= Some(32));
        }
    }
}

async fn fold(mut events: EventStream) -> Result<Response> {
    let mut fold = Fold::new();
    while let Some(batch) = events.next().await {
        fold.extend(batch?);
    }
    Ok(fold.finish())
}

fn call(engine: &Engine, more: Value) -> EventStream {
    let (operation, fields) = completion(more);
    engine.call(request(operation, fields))
}

/// The texts of answers to the same requests, each asked for alone.
fn alone(models: &Models, asked: &[Value]) -> Vec<String> {
    let plain = models.load_with(None, EngineOptions { prefix_cache: Some(false), ..Default::default() });
    asked.iter().map(|more| block_on(fold(call(&plain, more.clone()))).unwrap().text().to_owned()).collect()
}

fn asked(count: u64, length: u64) -> Vec<Value> {
    (0..count).map(|seed| json!({"temperature": 1, "seed": seed, "max_tokens": length + 7 * seed})).collect()
}

#[test]
fn streams_come_and_go() {
    let models = Models::new();
    let asked = asked(6, 30);
    let expected = alone(&models, &asked);
    for draft in DRAFTS {
        let engine = models.load(Some(draft));
        // Answers end one by one, until one is left; then others come.
        for _ in 0..2 {
            let streams = asked.iter().map(|more| fold(call(&engine, more.clone())));
            let texts = block_on(join_all(streams)).into_iter().map(|it| it.unwrap().text().to_owned());
            assert_eq!(texts.collect::<Vec<_>>(), expected, "{draft}");
        }
        assert!(stats(&engine).draft_tokens > 0);
    }
}

#[test]
fn who_leaves_in_the_middle_leaves_nothing_behind() {
    let models = Models::new();
    let expected = alone(&models, &asked(3, 60));
    for draft in DRAFTS {
        let engine = models.load(Some(draft));
        for (more, expected) in asked(3, 60).into_iter().zip(&expected) {
            let mut left = call(&engine, json!({"max_tokens": 200}));
            block_on(async {
                let is_text = |event: &Event| matches!(event, Event::Text { .. });
                while !left.next().await.unwrap().unwrap().iter().any(is_text) {}
            });
            drop(left);
            assert_eq!(block_on(fold(call(&engine, more))).unwrap().text(), expected, "{draft}");
        }
        assert_eq!(stats(&engine).cells_used, 0);
    }
}

#[test]
fn where_cells_run_out_answers_wait_and_guesses_are_not_made() {
    let models = Models::new();
    let asked = asked(3, 150);
    let expected = alone(&models, &asked);
    for draft in DRAFTS {
        let options = EngineOptions { context: Some(256), cache_tokens: Some(256), ..Default::default() };
        let engine = models.load_with(Some(draft), options);
        let streams = asked.iter().map(|more| fold(call(&engine, more.clone())));
        let texts = block_on(join_all(streams)).into_iter().map(|it| it.unwrap().text().to_owned());
        assert_eq!(texts.collect::<Vec<_>>(), expected, "{draft}");
        let stats = stats(&engine);
        assert!(stats.preemptions >= 1 && stats.draft_tokens > 0, "{draft}: {stats:?}");
    }
}

#[test]
fn an_adapter_has_its_models_draft() {
    let models = Models::new();
    let adapter = models.folder.path().join("adapter.gguf");
    let tensor = |name: &str, shape: [u64; 2]| random_gguf::Tensor {
        name: format!("blk.0.ffn_up.weight.{name}"),
        shape: shape.to_vec(),
        numbers: random_gguf::draw(name, (shape[0] * shape[1]) as usize, 0.5, 0.0),
    };
    let mut file = random_gguf::Gguf::default();
    file.text("general.type", "adapter");
    file.text("general.architecture", "llama");
    file.text("adapter.type", "lora");
    file.float("adapter.lora.alpha", 4.0);
    let tensors = [tensor("lora_a", [64, 4]), tensor("lora_b", [4, 96])];
    std::fs::write(&adapter, file.finish(&tensors)).unwrap();
    let adapter = antiphon_engine::Adapter { path: adapter, scale: 1.0.try_into().unwrap() };
    let options = EngineOptions { adapter: Some(adapter), ..Default::default() };
    let [with, without] = [Some("large"), None].map(|draft| models.load_with(draft, options.clone()));
    let answer = |engine| told(&ask(engine, completion(json!({"max_tokens": 100}))).unwrap());
    assert_eq!(answer(&with), answer(&without));
    assert_ne!(answer(&without), answer(&models.load(None)), "the adapter is one that shows");
    let stats = stats(&with);
    assert!(stats.accepted_tokens < stats.draft_tokens, "the draft is without it: {stats:?}");
}

#[test]
fn its_memory_counts() {
    let models = Models::new();
    let needed = |draft: Option<&str>| {
        let options = EngineOptions { draft: draft.map(|name| models.path(name)), ..Default::default() };
        Engine::memory(&models.path("large"), &options).unwrap()
    };
    let size = std::fs::metadata(models.path("other")).unwrap().len();
    assert!(needed(Some("other")) > needed(None) + size);
}

#[test]
fn a_draft_that_does_not_fit_is_refused_in_a_line_that_names_both() {
    let models = Models::new();
    let recipe = |name: &str| {
        let path = models.path(name);
        Recipe::named(name).write(&path);
        path
    };
    let renamed = models.path("renamed");
    Recipe { renamed: Some((150, "xyz".into())), ..sure() }.write(&renamed);
    let large = models.path("large");
    let bert = models.path("bert");
    TinyBert::new().write(&bert, Pooling::Mean);
    let chorister = antiphon_engine::builtin_path(Some(models.folder.path())).unwrap();
    let cannot_go_back = "a recurrent model, or one with a sliding window";
    let cases = [
        (&large, &chorister, "tokens, and the model 192"),
        (&large, &renamed, "its token 150 is \"xyz\", and the model's is \""),
        (&large, &recipe("lfm2"), cannot_go_back),
        (&large, &recipe("gemma3"), cannot_go_back),
        (&large, &recipe("t5"), "a model with an encoder"),
        (&large, &bert, "a model for embeddings"),
        (&bert, &large, "a model for embeddings"),
        (&recipe("lfm2"), &large, cannot_go_back),
        (&recipe("t5"), &large, "a model with an encoder"),
        (&large, &models.path("nobody"), "no such file"),
    ];
    let check = |model: &Path, draft: &Path, part: &str| {
        let options = EngineOptions { draft: Some(draft.to_owned()), ..EngineOptions::default() };
        let error = Engine::load(model, "model", &options).err().unwrap();
        let message = error.message();
        assert_eq!(error.kind(), Kind::LocalModel);
        assert!(message.contains(part) && !message.contains('\n'), "{error}");
        for path in [model, draft] {
            assert!(message.contains(path.to_str().unwrap()), "{path:?}: {error}");
        }
    };
    for (model, draft, part) in cases {
        check(model, draft, part);
    }
}
