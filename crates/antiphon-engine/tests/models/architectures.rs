//! Each architecture, as a tiny random model: what the engine makes of it, against what transformers makes of the same
//! weights (`scripts/architectures.py`).

use antiphon_core::{Kind, Operation, Response, Result};
use antiphon_engine::{Engine, EngineOptions};
use antiphon_testkit::random_gguf::{Recipe, text};
use serde_json::{Value, json};

use crate::ask::{request, run};

/// The most that the logarithm of a probability differs: keys and values are kept in half floats.
const CLOSE: f64 = 0.03;

fn load(recipe: &Recipe) -> Result<Engine> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    recipe.write(&path);
    Engine::load(&path, &recipe.name, &EngineOptions::default())
}

fn fields(recipe: &Recipe) -> Value {
    let length = recipe.steps().len();
    json!({"prompt": recipe.prompt(), "max_tokens": length, "logprobs": 20, "ignore_eos": true})
}

/// How far the greedy answer to the recipe's prompt is from what it should be.
fn difference(engine: &Engine, recipe: &Recipe) -> f64 {
    let response = run(engine, request(Operation::TextCompletion, fields(recipe))).unwrap();
    choice_difference(&response, 0, recipe)
}

/// The largest difference of a probability's logarithm, endless where another token came.
fn choice_difference(response: &Response, choice: usize, recipe: &Recipe) -> f64 {
    let steps = recipe.steps();
    let logprobs = response.choices[choice].logprobs.clone().unwrap().text.unwrap();
    let (tokens, tops) = (logprobs.tokens.unwrap(), logprobs.top_logprobs.unwrap());
    assert_eq!(tokens.len(), steps.len());
    let mut most: f64 = 0.0;
    for (step, (token, top)) in steps.iter().zip(tokens.iter().zip(&tops)) {
        if *token != text(step[0].0) {
            return f64::INFINITY;
        }
        let top = top.as_ref().unwrap();
        for (expected, logprob) in step {
            let had = top.get(&text(*expected)).and_then(Value::as_f64).unwrap_or(f64::INFINITY);
            most = most.max((had - logprob).abs());
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

#[test]
fn a_model_in_several_files_is_one_model() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe::named("llama");
    let whole = folder.path().join("whole.gguf");
    recipe.write(&whole);
    let first = recipe.write_split(folder.path(), 3);
    let options = EngineOptions::default();
    let engine = Engine::load(&first, "split", &options).unwrap();
    let far = difference(&engine, &recipe);
    assert!(far <= CLOSE, "{far}");
    let sizes =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    let whole_size = std::fs::metadata(&whole).unwrap().len();
    let size = sizes.sum::<u64>() - whole_size;
    assert_eq!(engine.info().file_size, size);
    let memory = |path| Engine::memory(path, &options).unwrap();
    assert_eq!(memory(&first) - size, memory(&whole) - whole_size);
    std::fs::remove_file(folder.path().join("llama-00002-of-00003.gguf")).unwrap();
    let error = Engine::memory(&first, &options).unwrap_err();
    let expected = "llama-00001-of-00003.gguf: is the first of 3 files, and beside it llama-00002-of-00003.gguf: no such file";
    assert!(error.message().ends_with(expected), "{error}");
}

/// What does not show: llama.cpp has no window for Phi-3, and T5 has no norm that this is of; the rotation of a short
/// context is the same at twice these bounds; and a small epsilon makes no difference, nor does a large one that
/// transformers does not know.
const UNSEEN: &[&str] = &[
    "phi3.attention.sliding_window",
    "t5.attention.layer_norm_epsilon",
    "deepseek2.rope.scaling.yarn_beta_fast",
    "deepseek2.rope.scaling.yarn_beta_slow",
    "deepseek2.attention.layer_norm_rms_epsilon",
    "mpt.attention.layer_norm_epsilon",
];

/// Everything else that is in the file matters: with one number or tensor of it changed, the comparison fails.
#[test]
fn whatever_is_changed_in_a_file_shows() {
    let mut unseen = Vec::new();
    for recipe in Recipe::all() {
        // A fifth of them by default.
        let step = if std::env::var_os("ANTIPHON_SOAK").is_some() { 1 } else { 5 };
        for (what, changed) in changes(&recipe).into_iter().step_by(step) {
            let engine = load(&changed).unwrap();
            let far = difference(&engine, &recipe);
            if far <= CLOSE && !UNSEEN.contains(&what.as_str()) {
                unseen.push(format!("{}: {what}: {far}", recipe.name));
            }
        }
    }
    assert!(unseen.is_empty(), "{unseen:#?}");
}

/// The recipe with one thing changed at a time: numbers that are no sizes, and the tensors of one layer of a kind.
fn changes(recipe: &Recipe) -> Vec<(String, Recipe)> {
    let mut all = Vec::new();
    for (key, entry) in recipe.json["metadata"].as_object().unwrap() {
        let name = key.split_once('.').unwrap().1;
        let value = match (name, entry[0].as_str().unwrap()) {
            ("expert_used_count", _) => json!(1),
            ("attention.sliding_window", _) => json!(24),
            (_, "float32") => json!(entry[1].as_f64().unwrap() * 2.0),
            (_, "bool") => json!(!entry[1].as_bool().unwrap()),
            _ => continue,
        };
        let mut changed = recipe.clone();
        changed.json["metadata"][key][1] = value;
        all.push((key.clone(), changed));
    }
    let mut seen = std::collections::HashSet::new();
    for (at, row) in recipe.json["tensors"].as_array().unwrap().iter().enumerate() {
        let name = row["name"].as_str().unwrap();
        let kind: String = name.split('.').filter(|part| part.parse::<u32>().is_err()).collect();
        if row["values"].is_null() && seen.insert(kind) {
            let mut changed = recipe.clone();
            changed.json["tensors"][at]["drawn_as"] = "another name".into();
            all.push((name.to_owned(), changed));
        }
    }
    all
}

/// What is kept of a prompt, and who else is answered, changes nothing: a cache with a window and the state of
/// a recurrent model included.
#[test]
fn answers_are_the_same_beside_others_and_again() {
    let mut wrong = Vec::new();
    for recipe in Recipe::all() {
        let engine = load(&recipe).unwrap();
        let ask = |fields: Value| run(&engine, request(Operation::TextCompletion, fields)).unwrap();
        let mut twice = fields(&recipe);
        twice["n"] = 2.into();
        let start = &recipe.prompt().as_array().unwrap()[..30];
        let (pair, ..) = std::thread::scope(|scope| {
            let pair = scope.spawn(|| ask(twice.clone()));
            let others = [20, 25].map(|length| {
                scope.spawn(move || {
                    ask(json!({"prompt": start[..length], "max_tokens": 30, "ignore_eos": true}))
                })
            });
            (pair.join().unwrap(), others.map(|other| other.join().unwrap()))
        });
        let again = ask(fields(&recipe));
        let far = [(&pair, 0), (&pair, 1), (&again, 0)]
            .map(|(response, choice)| choice_difference(response, choice, &recipe));
        if far.iter().any(|far| *far > CLOSE) {
            wrong.push(format!("{}: {far:?}", recipe.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn chat(engine: &Engine, fields: Value) -> Result<Response> {
    run(engine, request(Operation::Chat, fields))
}

#[test]
fn a_model_without_a_chat_template_goes_on_with_plain_lines_and_says_so() {
    let falcon = Recipe::named("falcon-7b");
    let engine = load(&falcon).unwrap();
    let fields = json!({"messages": [{"role": "system", "content": "Hi."}, {"role": "user", "content": "a"}], "max_tokens": 5});
    let response = chat(&engine, fields.clone()).unwrap();
    assert!(
        response.warnings[0].starts_with("messages: the model's file has no chat template"),
        "{response:?}"
    );
    let raw = json!({"prompt": "Hi.\n\nUser: a\nAssistant:", "max_tokens": 5});
    let raw = run(&engine, request(Operation::TextCompletion, raw)).unwrap();
    assert_eq!((response.text(), &response.usage), (raw.text(), &raw.usage));
    assert!(raw.warnings.is_empty());
    // With a template of its own there is nothing to say.
    let template = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}";
    let own = load(&Recipe { template: Some(template.into()), ..falcon }).unwrap();
    assert!(own.info().has_chat_template);
    assert!(chat(&own, fields).unwrap().warnings.is_empty());
}

#[test]
fn a_model_with_an_encoder_reads_the_texts_alone() {
    let engine = load(&Recipe::named("t5")).unwrap();
    let limit = 4;
    let response =
        chat(&engine, json!({"messages": "ab cd", "max_tokens": limit, "ignore_eos": true})).unwrap();
    assert!(response.warnings.is_empty());
    let raw = json!({"prompt": "ab cd", "max_tokens": limit, "ignore_eos": true});
    let raw = run(&engine, request(Operation::TextCompletion, raw)).unwrap();
    assert_eq!(response.text(), raw.text());
    // What ends a text is put behind the prompt, once.
    let tokens = engine.tokenize("ab cd");
    let usage = raw.usage.clone().unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (tokens.len() as u64 + 1, limit));
    let closed: Vec<u32> = tokens.into_iter().chain([2]).collect();
    let as_tokens = json!({"prompt": closed, "max_tokens": limit, "ignore_eos": true});
    let as_tokens = run(&engine, request(Operation::TextCompletion, as_tokens)).unwrap();
    assert_eq!(as_tokens.text(), raw.text());
    // The prompt takes no room of the answer, and may be as long as the context is.
    let context = engine.info().context_length as u64;
    let long = |length: u64| {
        let prompt: Vec<u64> = (0..length).map(|at| 131 + at % 60).collect();
        run(
            &engine,
            request(
                Operation::TextCompletion,
                json!({"prompt": prompt, "max_tokens": 1000, "ignore_eos": true}),
            ),
        )
    };
    let usage = long(context - 1).unwrap().usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (context - 1, context - 1));
    let error = long(context).unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::ContextWindowExceeded, Some("prompt")));
    // An answer in a form.
    let form = json!({"messages": "ab", "response_format": {"type": "json_object"}, "max_tokens": 60});
    let response = chat(&engine, form).unwrap();
    assert!(response.text().starts_with('{'), "{}", response.text());
}
