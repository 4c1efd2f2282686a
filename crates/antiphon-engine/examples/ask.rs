//! Asks a GGUF file a question and says how fast the answer came:
//! `cargo run --release -p antiphon-engine --example ask -- MODEL.gguf "What is the capital of France?" '{"max_tokens": 50}'`.
//! Without a file (`-`) it is the built-in model.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to the terminal")]

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use antiphon_core::{Backend, Event, Fold, Request};
use antiphon_engine::{Engine, EngineOptions};
use futures_util::StreamExt;
use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or("-".into());
    let prompt = arguments.next().unwrap_or("What is the capital of France?".into());
    let parameters: Map<String, Value> = serde_json::from_str(&arguments.next().unwrap_or("{}".into()))?;
    let at_once: usize = arguments.next().map_or(Ok(1), |count| count.parse())?;

    let start = Instant::now();
    let cache = std::env::temp_dir().join("antiphon-example");
    let options = EngineOptions::default();
    let engine = match path.as_str() {
        "-" => Engine::builtin(Some(&cache), &options)?,
        path => Engine::load(Path::new(path), "model", &options)?,
    };
    eprintln!("loaded in {:?}: {:?}", start.elapsed(), engine.info());
    let mut map = Map::from_iter([("messages".to_owned(), Value::from(prompt))]);
    map.extend(parameters);
    let request = Request::from_json(map)?;
    for _ in 0..2 {
        let start = Instant::now();
        let answers = (0..at_once).map(|i| answer(&engine, request.clone(), start, i == 0));
        let tokens: u64 = futures_executor(futures_util::future::join_all(answers)).into_iter().sum();
        eprintln!("{tokens} tokens, {:.0} a second", tokens as f64 / start.elapsed().as_secs_f64());
    }
    Ok(())
}

async fn answer(engine: &Engine, request: Request, start: Instant, show: bool) -> u64 {
    let mut events = engine.call(request);
    let (mut fold, mut first) = (Fold::new(), None);
    while let Some(batch) = events.next().await {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                eprintln!("{error}");
                return 0;
            }
        };
        if batch.iter().any(Event::is_content) {
            first.get_or_insert_with(|| start.elapsed());
        }
        for event in &batch {
            if let Event::Text { text, .. } | Event::Arguments { text, .. } = event
                && show
            {
                print!("{text}");
                let _ = std::io::stdout().flush();
            }
        }
        fold.extend(batch);
    }
    let response = fold.finish();
    if show {
        println!();
        eprintln!(
            "first content after {first:?}; {:?}",
            response.choices.first().map(|choice| &choice.message.tool_calls)
        );
        eprintln!(
            "{:?} {:?}",
            response.choices.first().and_then(|choice| choice.finish_reason.clone()),
            response.usage
        );
    }
    response.usage.map_or(0, |usage| usage.completion_tokens)
}

/// Runs a future to its end on this thread.
fn futures_executor<T>(future: impl Future<Output = T>) -> T {
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
