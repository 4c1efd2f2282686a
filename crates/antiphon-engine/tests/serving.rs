//! Many requests at once, and one after the other, on the built-in model: what they share, and that it changes
//! no answer.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use antiphon_core::{Backend, Event, EventStream, Fold, Request, Response, Result};
use antiphon_engine::{Engine, EngineOptions};
use futures_util::StreamExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

fn load(options: EngineOptions) -> Engine {
    Engine::builtin(None, &options).unwrap()
}

fn cold() -> Engine {
    load(EngineOptions { prefix_cache: Some(false), ..EngineOptions::default() })
}

fn warm() -> Engine {
    load(EngineOptions::default())
}

/// A prompt of well over a hundred tokens, whose end alone depends on `question`.
fn prompt(question: &str) -> Value {
    let rules = "You are a helpful singer. Answer every question in one short sentence, and say so when you \
                 do not know. Never make up a name, a number or a place. "
        .repeat(2);
    json!([{"role": "system", "content": rules}, {"role": "user", "content": question}])
}

fn request(messages: Value) -> Request {
    let body = json!({"messages": messages, "max_tokens": 30});
    Request::from_json(body.as_object().unwrap().clone()).unwrap()
}

fn call(engine: &Engine, question: &str) -> EventStream {
    engine.call(request(prompt(question)))
}

fn ask(engine: &Engine, question: &str) -> Response {
    block_on(fold(call(engine, question))).unwrap()
}

async fn fold(mut events: EventStream) -> Result<Response> {
    let mut fold = Fold::new();
    while let Some(batch) = events.next().await {
        fold.extend(batch?);
    }
    Ok(fold.finish())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Wake, Waker};
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn cached(response: &Response) -> u64 {
    let details = response.usage.clone().unwrap().prompt_tokens_details;
    details.and_then(|details| details.cached_tokens).unwrap_or_default()
}

fn prompt_tokens(response: &Response) -> u64 {
    response.usage.clone().unwrap().prompt_tokens
}

const QUESTIONS: [&str; 6] = [
    "What is the capital of France?",
    "What is 2 + 3?",
    "Tell me a joke.",
    "What is the opposite of hot?",
    "Who are you?",
    "What is the capital of Italy?",
];

fn texts<'a>(responses: impl IntoIterator<Item = &'a Response>) -> Vec<String> {
    responses.into_iter().map(|response| response.text().to_owned()).collect()
}

fn answers(engine: &Engine) -> Vec<Response> {
    QUESTIONS.iter().map(|question| ask(engine, question)).collect()
}

fn answers_at_once(engine: &Engine) -> Vec<Response> {
    let calls = QUESTIONS.iter().map(|question| fold(call(engine, question)));
    block_on(join_all(calls)).into_iter().map(Result::unwrap).collect()
}

#[test]
fn a_prefix_that_was_read_before_changes_no_answer() {
    let expected = answers(&cold());
    assert!(expected.iter().all(|response| cached(response) == 0));
    let warm = warm();
    let first = answers(&warm);
    assert_eq!(cached(&first[0]), 0);
    for response in &first[1..] {
        assert!(cached(response) >= 60 && cached(response) < prompt_tokens(response), "{}", cached(response));
    }
    let second = answers(&warm);
    for response in &second {
        assert_eq!(cached(response), prompt_tokens(response) - 1, "all but the last token is there");
    }
    assert_eq!(texts(&first), texts(&expected));
    assert_eq!(texts(&second), texts(&expected));
}

#[test]
fn requests_at_once_read_their_common_prefix_once() {
    let expected = answers(&cold());
    let together = answers_at_once(&warm());
    assert_eq!(texts(&together), texts(&expected));
    assert_eq!(together.iter().filter(|response| cached(response) == 0).count(), 1);
    let apart = answers_at_once(&cold());
    assert_eq!(texts(&apart), texts(&expected));
    assert!(apart.iter().all(|response| cached(response) == 0));
}

#[test]
fn a_conversation_goes_on_from_its_answer() {
    let warm = warm();
    let first = ask(&warm, QUESTIONS[0]);
    let mut messages = prompt(QUESTIONS[0]);
    let turns = [
        json!({"role": "assistant", "content": first.text()}),
        json!({"role": "user", "content": "And of Spain?"}),
    ];
    messages.as_array_mut().unwrap().extend(turns);
    let next = |engine: &Engine| block_on(fold(engine.call(request(messages.clone())))).unwrap();
    let second = next(&warm);
    assert!(cached(&second) >= prompt_tokens(&first), "{} of {}", cached(&second), prompt_tokens(&first));
    assert_eq!(second.text(), next(&cold()).text());
}

/// Far more text than the cache has room for, in few slots and in many.
#[test]
fn under_pressure_what_is_kept_goes_and_answers_stay() {
    let expected = texts(&answers(&cold()));
    for (sequences, cache_tokens) in [(1, 256), (3, 256), (6, 300)] {
        let small = load(EngineOptions {
            context: Some(256),
            cache_tokens: Some(cache_tokens),
            sequences: Some(sequences),
            ..EngineOptions::default()
        });
        for round in 0..4 {
            let other = format!("{round}: {}", "Sing a song about the sea and the wind. ".repeat(6));
            let calls = [other.as_str()].into_iter().chain(QUESTIONS).map(|text| {
                if text.starts_with(char::is_numeric) {
                    small.call(request(json!(text)))
                } else {
                    call(&small, text)
                }
            });
            let found = block_on(join_all(calls.map(fold)));
            let found: Vec<Response> = found.into_iter().map(Result::unwrap).collect();
            assert_eq!(texts(&found[1..]), expected, "{sequences} at once, {cache_tokens} cells");
        }
    }
}

#[test]
fn streams_that_were_dropped_leave_a_cache_of_use() {
    let expected = texts(&answers(&cold()));
    let warm = load(EngineOptions { sequences: Some(2), ..EngineOptions::default() });
    for question in QUESTIONS {
        drop(call(&warm, question));
        let mut begun = call(&warm, question);
        block_on(async { while !begun.next().await.unwrap().unwrap().iter().any(Event::is_content) {} });
        let other = call(&warm, question);
        drop(begun);
        drop(other);
    }
    assert_eq!(texts(&answers(&warm)), expected);
    assert_eq!(texts(&answers_at_once(&warm)), expected);
}

#[test]
fn a_request_that_fails_leaves_a_cache_of_use() {
    let expected = texts(&answers(&cold()));
    let warm = warm();
    let nothing: serde_json::Map<String, Value> =
        (0..warm.info().vocabulary).map(|token| (token.to_string(), json!(-100))).collect();
    let mut body = json!({"messages": prompt(QUESTIONS[0]), "logit_bias": nothing, "max_tokens": 5});
    let _ = block_on(fold(warm.call(Request::from_json(body.as_object().unwrap().clone()).unwrap())));
    body["guided_regex"] = json!("[0-9]{3}");
    let _ = block_on(fold(warm.call(Request::from_json(body.as_object().unwrap().clone()).unwrap())));
    assert_eq!(texts(&answers(&warm)), expected);
}

#[test]
fn several_choices_read_their_prompt_once_and_find_it_again() {
    let warm = warm();
    let several = || {
        let body = json!({"messages": prompt(QUESTIONS[0]), "max_tokens": 20, "n": 3});
        block_on(fold(warm.call(Request::from_json(body.as_object().unwrap().clone()).unwrap()))).unwrap()
    };
    let (first, second) = (several(), several());
    assert_eq!(cached(&first), 0);
    assert_eq!(cached(&second), prompt_tokens(&second) - 1);
    assert_eq!(first.choices, second.choices);
}

#[test]
fn the_size_of_the_cache_is_checked() {
    let options = EngineOptions { context: Some(128), cache_tokens: Some(127), ..EngineOptions::default() };
    let error = Engine::builtin(None, &options).err().unwrap();
    assert!(error.message().starts_with("cache_tokens: must be 128"), "{}", error.message());
}
