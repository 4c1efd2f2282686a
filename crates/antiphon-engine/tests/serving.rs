//! Many requests at once, and one after the other, on the built-in model: what they share, and that it changes
//! no answer.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::{Duration, Instant};

use antiphon_core::{Backend, Event, EventStream, Fold, Kind, Request, Response, Result};
use antiphon_engine::{Engine, EngineOptions, Stats};
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
        let read = prompt_tokens(response) - cached(response);
        assert!((1..32).contains(&read), "{read} tokens were read again");
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

/// What nobody runs is set aside while the next tale is told.
#[test]
fn what_goes_out_of_the_cells_is_found_again() {
    let tale =
        |name: &str| json!(format!("{name} {}", "sings a song about the sea and the wind. ".repeat(16)));
    let tales = ["A sailor", "My mother", "The old king"];
    let tell = |engine: &Engine, name: &str| block_on(fold(engine.call(request(tale(name))))).unwrap();
    let expected: Vec<Response> = tales.iter().map(|name| tell(&cold(), name)).collect();
    assert!(expected.iter().all(|response| (170..220).contains(&prompt_tokens(response))), "{expected:?}");
    let small = load(EngineOptions {
        context: Some(256),
        cache_tokens: Some(512),
        sequences: Some(2),
        ..EngineOptions::default()
    });
    for round in 0..3 {
        for (name, expected) in tales.iter().zip(&expected) {
            let told = tell(&small, name);
            assert_eq!(told.text(), expected.text());
            let found = if round == 0 { 0 } else { prompt_tokens(&told) - 1 };
            assert_eq!(cached(&told), found, "{name}, round {round}");
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

/// Waits until the engine's numbers are so.
fn until(engine: &Engine, what: impl Fn(Stats) -> bool) -> Stats {
    let begin = Instant::now();
    loop {
        let stats = engine.stats();
        if what(stats) {
            return stats;
        }
        assert!(begin.elapsed().as_secs() < 30, "{stats:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What [`long`] is answered.
fn song() -> String {
    "One man went to mow. ".repeat(25)
}

/// A request whose answer takes many steps: with probabilities asked for, every token of it is sampled.
fn long(question: &str) -> Request {
    let regex = "(One man went to mow\\. ){25}";
    let body = json!({"messages": prompt(question), "guided_regex": regex, "logprobs": true});
    Request::from_json(body.as_object().unwrap().clone()).unwrap()
}

fn tiered(question: &str, tier: &str) -> Request {
    let mut request = long(question);
    request.set("service_tier", json!(tier)).unwrap();
    request
}

/// The texts of streams, each with how many of the others had ended before it: of answers that take long enough for
/// each end to be seen before the next.
fn in_order(streams: Vec<EventStream>) -> Vec<(usize, String)> {
    let ended = std::cell::Cell::new(0);
    let one = |events| async {
        let response = fold(events).await.unwrap();
        (ended.replace(ended.get() + 1), response.text().to_owned())
    };
    block_on(join_all(streams.into_iter().map(one)))
}

#[test]
fn a_client_with_many_requests_does_not_hold_up_another_ones_first() {
    let engine = load(EngineOptions { sequences: Some(2), ..EngineOptions::default() });
    let many = (0..20).map(|_| engine.call_for(Some("a"), long(QUESTIONS[0])));
    let mut streams: Vec<EventStream> = many.collect();
    until(&engine, |stats| stats.running == 2);
    streams.push(engine.call_for(Some("b"), request(prompt(QUESTIONS[1]))));
    let ended = in_order(streams);
    let (before, text) = ended.last().unwrap();
    assert!(*before <= 2, "{before} others went before");
    assert_eq!(*text, ask(&cold(), QUESTIONS[1]).text());
    assert!(engine.stats().preemptions >= 1);
    assert!(ended[..20].iter().all(|(_, text)| *text == song()), "who gave way lost something");
}

#[test]
fn tiers_say_who_goes_first() {
    let engine = load(EngineOptions { sequences: Some(1), ..EngineOptions::default() });
    let first = engine.call(long(QUESTIONS[0]));
    until(&engine, |stats| stats.running == 1);
    let streams = ["flex", "default", "priority"].map(|tier| engine.call(tiered(QUESTIONS[1], tier)));
    until(&engine, |stats| stats.waiting == 3);
    drop(first);
    let order: Vec<usize> = in_order(streams.into()).into_iter().map(|(before, _)| before).collect();
    assert_eq!(order, [2, 1, 0]);
}

#[test]
fn within_a_tier_the_lowest_priority_goes_first() {
    let engine = load(EngineOptions { sequences: Some(1), ..EngineOptions::default() });
    let first = engine.call(long(QUESTIONS[0]));
    until(&engine, |stats| stats.running == 1);
    let streams = [5, 0, -3].map(|priority| {
        let mut request = long(QUESTIONS[1]);
        request.set("priority", json!(priority)).unwrap();
        engine.call(request)
    });
    until(&engine, |stats| stats.waiting == 3);
    drop(first);
    let order: Vec<usize> = in_order(streams.into()).into_iter().map(|(before, _)| before).collect();
    assert_eq!(order, [2, 1, 0]);
}

#[test]
fn flex_gives_way_to_everybody_and_goes_on_later() {
    let engine = load(EngineOptions { sequences: Some(1), ..EngineOptions::default() });
    let mut request = long(QUESTIONS[0]);
    request.set("service_tier", json!("flex")).unwrap();
    let flex = engine.call(request);
    until(&engine, |stats| stats.generated_tokens > 3);
    let ended = in_order(vec![flex, call(&engine, QUESTIONS[1])]);
    assert_eq!((ended[0].0, ended[1].0), (1, 0));
    assert_eq!(ended[0].1, song());
}

#[test]
fn beyond_the_most_that_may_wait_the_greediest_is_refused() {
    let options = EngineOptions { sequences: Some(1), max_waiting: Some(3), ..EngineOptions::default() };
    let engine = load(options);
    let running = engine.call_for(Some("a"), long(QUESTIONS[0]));
    until(&engine, |stats| stats.running == 1);
    let ask = |client| engine.call_for(Some(client), request(prompt(QUESTIONS[1])));
    let greedy: Vec<EventStream> = (0..5).map(|_| ask("a")).collect();
    until(&engine, |stats| stats.waiting == 3);
    let modest = ask("b");
    let outcomes = block_on(join_all(greedy.into_iter().chain([modest, running]).map(fold)));
    let refused: Vec<bool> = outcomes.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, false, true, true, true, false, false]);
    let error = outcomes[2].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.provider_code()), (Kind::RateLimit, Some("overloaded")));
    assert!(error.wait().is_some_and(|wait| wait.as_secs() >= 1), "{error:?}");
}

#[test]
fn who_leaves_frees_its_place_in_the_line_and_its_cells() {
    let engine = load(EngineOptions { sequences: Some(1), ..EngineOptions::default() });
    let running = engine.call(long(QUESTIONS[0]));
    let waiting: Vec<EventStream> = (0..3).map(|_| engine.call(long(QUESTIONS[1]))).collect();
    let stats = until(&engine, |stats| stats.waiting == 3 && stats.running == 1);
    assert!(stats.cells_used > 0 && stats.cells_used < stats.cells);
    drop(waiting);
    until(&engine, |stats| stats.waiting == 0 && stats.running == 1);
    drop(running);
    until(&engine, |stats| (stats.waiting, stats.running, stats.cells_used) == (0, 0, 0));
}

#[test]
fn what_is_counted_is_what_the_answers_say() {
    let engine = warm();
    let responses: Vec<Response> = answers(&engine).into_iter().chain(answers_at_once(&engine)).collect();
    let sum = |count: fn(&Response) -> u64| responses.iter().map(count).sum::<u64>();
    let stats = until(&engine, |stats| stats.running == 0);
    assert_eq!(stats.prompt_tokens, sum(prompt_tokens));
    assert_eq!(stats.cached_tokens, sum(cached));
    assert_eq!(stats.generated_tokens, sum(|response| response.usage.clone().unwrap().completion_tokens));
    assert_eq!((stats.waiting, stats.cells_used, stats.preemptions), (0, 0, 0));
}
