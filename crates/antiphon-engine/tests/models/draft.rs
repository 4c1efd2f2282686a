//! Drafts: what a small model guesses hastens an answer, and changes nothing of it.

use std::path::{Path, PathBuf};

use antiphon_core::{Backend, Event, EventStream, Fold, Kind, Operation, Response, Result};
use antiphon_engine::{Adapter, Engine, EngineOptions, Stats, builtin_path};
use antiphon_testkit::random_gguf::{Gguf, Recipe, Tensor, draw};
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::ask::{block_on, request, run};
use crate::tiny_bert::{Pooling, TinyBert};

/// Drafts for chorister, in a folder.
struct Models {
    folder: tempfile::TempDir,
}

/// The weights are the end of the file: first the embeddings, a row of so many bytes for each of so many tokens; last
/// the last layer's way back from its feed-forward, and a norm.
const WEIGHTS: usize = 2_216_960;
const EMBEDDINGS: (usize, usize) = (170, 2048);
const LAST_LAYER: std::ops::Range<usize> = 640..640 + 76_160;

impl Models {
    fn new() -> Self {
        let models = Self { folder: tempfile::tempdir().unwrap() };
        let whole = std::fs::read(builtin_path(Some(models.folder.path())).unwrap()).unwrap();
        let write = |name: &str, change: &dyn Fn(&mut [u8])| {
            let mut bytes = whole.clone();
            change(&mut bytes);
            std::fs::write(models.path(name), bytes).unwrap();
        };
        write("large", &|_| ());
        // Right at times.
        write("like", &|bytes| {
            let end = bytes.len();
            bytes[end - LAST_LAYER.end..end - LAST_LAYER.start].fill(0);
        });
        // As sure, of other tokens.
        write("other", &|bytes| {
            let start = bytes.len() - WEIGHTS;
            let (row, rows) = EMBEDDINGS;
            let embeddings = &mut bytes[start..start + row * rows];
            embeddings.rotate_left(row * 700);
        });
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

/// Whether two values are the same, numbers as far as they do not depend on how much was calculated at once: the less
/// likely a token, the more that is.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, a)| name == "id" || b.get(name).is_some_and(|b| alike(a, b)))
        }
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() < 0.05 + 0.1 * a.abs(),
            _ => a == b,
        },
    }
}

/// All of an answer that is not drawn by chance.
fn told(response: &Response) -> Value {
    let mut told = response.to_json();
    told.as_object_mut().unwrap().retain(|name, _| name == "choices" || name == "usage");
    told
}

fn check(answer: &Response, expected: &Value, what: &dyn std::fmt::Display) {
    let answer = told(answer);
    assert!(alike(&answer, expected), "{what}:\n{answer}\n{expected}");
}

fn with(mut fields: Value, more: Value) -> Value {
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    fields
}

const PROMPT: &str = "The capital of France is Paris. The capital of Italy is Rome. The capital of Spain is";

fn completion(more: Value) -> (Operation, Value) {
    let fields = json!({"prompt": PROMPT, "max_tokens": 60, "ignore_eos": true});
    (Operation::TextCompletion, with(fields, more))
}

fn chat(more: Value) -> (Operation, Value) {
    (Operation::Chat, with(json!({"messages": "What is the capital of France?", "max_tokens": 80}), more))
}

/// What a request can ask for that works on tokens as they come.
fn everything() -> Vec<(Operation, Value)> {
    let tool = json!({"type": "function", "function": {"name": "get", "parameters": {
        "type": "object", "properties": {"what": {"enum": ["weather", "time"]}, "count": {"type": "integer"}},
        "required": ["what", "count"], "additionalProperties": false}}});
    let song = "(One man went to mow\\. ){5}";
    vec![
        // The form goes on otherwise in the middle of what is guessed; first, while there are guesses.
        chat(
            json!({"guided_regex": "[A-Z][a-z]+ capital of (France|Spain) is London, (I [a-z ]{20,40}|you)\\."}),
        ),
        completion(json!({})),
        completion(json!({"max_tokens": 1})),
        completion(json!({"max_tokens": 2})),
        completion(json!({"max_tokens": 200})),
        completion(json!({"temperature": 1, "seed": 1})),
        completion(json!({"temperature": 1.5, "seed": 2, "top_p": 0.95, "top_k": 50})),
        completion(json!({"repetition_penalty": 1.3, "frequency_penalty": 0.5, "presence_penalty": 0.5})),
        completion(json!({"logprobs": 2})),
        completion(json!({"logprobs": 1, "temperature": 1, "seed": 5})),
        completion(json!({"echo": true})),
        completion(json!({"stop": ["of", "Lon"]})),
        completion(json!({"stop": ["e"], "include_stop_str_in_output": true, "temperature": 1, "seed": 9})),
        completion(json!({"n": 3, "temperature": 1, "seed": 3})),
        chat(json!({})),
        chat(json!({"ignore_eos": true, "skip_special_tokens": false, "max_tokens": 40})),
        chat(json!({"messages": "Tell me a joke.", "temperature": 0.7, "seed": 8})),
        chat(json!({"guided_regex": song})),
        chat(json!({"guided_choice": ["London", "Paris", "Rome"]})),
        chat(json!({"response_format": {"type": "json_object"}, "temperature": 1, "seed": 4})),
        chat(json!({"guided_regex": song, "logprobs": true, "top_logprobs": 1})),
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
            let answer = ask(&engine, asked.clone()).unwrap();
            check(&answer, expected, &format_args!("{draft}: {}", asked.1));
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
        for start in ["One.", "Two.", "Three.", "Four."] {
            let prompt = format!("{start} {PROMPT}");
            ask(&engine, completion(json!({"max_tokens": 200, "prompt": prompt}))).unwrap();
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
    let rules =
        "Answer every question in one short sentence, and never make up a name or a place. ".repeat(3);
    for draft in DRAFTS {
        let (engine, plain) = (models.load(Some(draft)), models.load(None));
        let mut prompt = rules.clone();
        // What is asked next goes on with what the answer before was read for.
        for round in 0..4 {
            let fields = json!({"prompt": prompt, "max_tokens": 30, "ignore_eos": true});
            let [answer, expected] =
                [&engine, &plain].map(|it| ask(it, (Operation::TextCompletion, fields.clone())).unwrap());
            assert_eq!(answer.text(), expected.text(), "{draft}");
            // The last token of an answer is read where it was guessed.
            let more = cached(&answer) - cached(&expected);
            assert!((0..=1).contains(&more) && (round == 0 || cached(&expected) > 60), "{draft}: {more}");
            prompt += expected.text();
        }
        assert!(stats(&engine).draft_tokens > 0);
    }
}

fn cached(response: &Response) -> i64 {
    let details = response.usage.clone().unwrap().prompt_tokens_details;
    details.and_then(|details| details.cached_tokens).unwrap_or(0).cast_signed()
}

async fn fold(mut events: EventStream) -> Result<Response> {
    let mut fold = Fold::new();
    while let Some(batch) = events.next().await {
        fold.extend(batch?);
    }
    Ok(fold.finish())
}

fn call(engine: &Engine, (operation, fields): (Operation, Value)) -> EventStream {
    engine.call(request(operation, fields))
}

/// The answers to the same requests, each asked for alone.
fn alone(models: &Models, asked: &[(Operation, Value)]) -> Vec<Value> {
    let plain = models.load_with(None, EngineOptions { prefix_cache: Some(false), ..Default::default() });
    asked.iter().map(|asked| told(&ask(&plain, asked.clone()).unwrap())["choices"].take()).collect()
}

/// Asks for all of them at once.
fn check_together(engine: &Engine, asked: &[(Operation, Value)], expected: &[Value], draft: &str) {
    let streams = asked.iter().map(|asked| fold(call(engine, asked.clone())));
    for (answer, expected) in block_on(join_all(streams)).into_iter().zip(expected) {
        let answer = told(&answer.unwrap())["choices"].take();
        assert!(alike(&answer, expected), "{draft}:\n{answer}\n{expected}");
    }
}

/// Questions with answers of several lengths, and how likely each of their tokens was.
fn questions() -> Vec<(Operation, Value)> {
    ["Tell me a joke.", "What is 2 + 3?", "Who are you?", "What is the capital of Italy?", "Hello!"]
        .map(|question| chat(json!({"messages": question, "logprobs": true})))
        .to_vec()
}

/// Songs of so many lines: their text is given, and the probabilities tell whether all of it was read.
fn songs(lines: &[usize]) -> Vec<(Operation, Value)> {
    let song = |lines| format!("(One man went to mow\\. ){{{lines}}}");
    let song = |lines| json!({"guided_regex": song(lines), "logprobs": true, "max_tokens": 400});
    lines.iter().map(|lines| chat(song(*lines))).collect()
}

#[test]
fn streams_come_and_go() {
    let models = Models::new();
    let asked = [questions(), songs(&[3, 9])].concat();
    let expected = alone(&models, &asked);
    for draft in DRAFTS {
        let engine = models.load(Some(draft));
        // Answers end one by one, until one is left; then others come.
        for _ in 0..2 {
            check_together(&engine, &asked, &expected, draft);
        }
        assert!(stats(&engine).draft_tokens > 0);
    }
}

#[test]
fn who_leaves_in_the_middle_leaves_nothing_behind() {
    let models = Models::new();
    let expected = alone(&models, &questions());
    for draft in DRAFTS {
        let engine = models.load(Some(draft));
        for (asked, expected) in questions().into_iter().zip(&expected) {
            let mut left = call(&engine, completion(json!({"max_tokens": 400})));
            block_on(async {
                let is_text = |event: &Event| matches!(event, Event::Text { .. });
                while !left.next().await.unwrap().unwrap().iter().any(is_text) {}
            });
            drop(left);
            check_together(&engine, &[asked], std::slice::from_ref(expected), draft);
        }
        assert_eq!(stats(&engine).cells_used, 0);
    }
}

#[test]
fn where_cells_run_out_answers_wait_and_guesses_are_not_made() {
    let models = Models::new();
    let asked = songs(&[14, 15, 16]);
    let expected = alone(&models, &asked);
    for draft in DRAFTS {
        let options = EngineOptions { context: Some(200), cache_tokens: Some(200), ..Default::default() };
        let engine = models.load_with(Some(draft), options);
        check_together(&engine, &asked, &expected, draft);
        let stats = stats(&engine);
        assert!(stats.preemptions >= 1 && stats.draft_tokens > 0, "{draft}: {stats:?}");
    }
}

/// A tiny random Llama, as sure of its tokens as a trained model is.
fn sure() -> Recipe {
    let mut recipe = Recipe::named("llama");
    let rows = recipe.json["tensors"].as_array_mut().unwrap();
    rows.iter_mut().find(|row| row["name"] == "output.weight").unwrap()["scale"] = json!(2.0);
    recipe
}

#[test]
fn an_adapter_has_its_models_draft() {
    let folder = tempfile::tempdir().unwrap();
    let (tiny, adapter) = (folder.path().join("tiny.gguf"), folder.path().join("adapter.gguf"));
    sure().write(&tiny);
    let load = |draft: Option<&Path>, adapter: Option<Adapter>| {
        let options = EngineOptions { draft: draft.map(Path::to_owned), adapter, ..Default::default() };
        Engine::load(&tiny, "tiny", &options).unwrap()
    };
    let tensor = |name: &str, shape: [u64; 2]| Tensor {
        name: format!("blk.0.ffn_up.weight.{name}"),
        shape: shape.to_vec(),
        numbers: draw(name, (shape[0] * shape[1]) as usize, 0.5, 0.0),
    };
    let mut file = Gguf::default();
    file.text("general.type", "adapter");
    file.text("general.architecture", "llama");
    file.text("adapter.type", "lora");
    file.float("adapter.lora.alpha", 4.0);
    let tensors = [tensor("lora_a", [64, 4]), tensor("lora_b", [4, 96])];
    std::fs::write(&adapter, file.finish(&tensors)).unwrap();
    let adapter = Adapter { path: adapter, scale: 1.0.try_into().unwrap() };
    let fields = json!({"prompt": sure().prompt(), "max_tokens": 60, "ignore_eos": true});
    let answer =
        |engine: &Engine| ask(engine, (Operation::TextCompletion, fields.clone())).unwrap().text().to_owned();
    let drafted = load(Some(&tiny), Some(adapter.clone()));
    let text = answer(&drafted);
    assert_eq!(text, answer(&load(None, Some(adapter))));
    assert_ne!(text, answer(&load(None, None)), "the adapter is one that shows");
    let stats = stats(&drafted);
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
    let large = models.path("tiny");
    sure().write(&large);
    let bert = models.path("bert");
    TinyBert::new().write(&bert, Pooling::Mean);
    let chorister = builtin_path(Some(models.folder.path())).unwrap();
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
