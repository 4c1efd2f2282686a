//! The model's own process: it loads one model, and answers until nobody asks any more.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::time::Duration;

use antiphon_core::{Error, EventStream, Kind, Result};
use antiphon_engine::{Engine, Stats};
use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;

use super::wire::{self, Answer, Failure, Order, Report};
use crate::local::model::load_here;

/// How often the numbers of what goes on are told, where they change.
const TELL_STATS: Duration = Duration::from_millis(500);

/// Runs a model for the process that started this one: orders come on stdin, answers go to stdout. It ends
/// with its input.
pub fn run_engine_process() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Internal, format!("cannot start the runtime: {error}")))?;
    go_first_when_memory_is_short();
    let (sender, orders) = unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let order = line.ok().and_then(|line| serde_json::from_str::<Order>(&line).ok());
            if order.is_none_or(|order| sender.send(order).is_err()) {
                break;
            }
        }
    });
    runtime.block_on(answer(orders));
    Ok(())
}

/// Of the processes that could end, the kernel is to take this one, and not the one that others depend on.
fn go_first_when_memory_is_short() {
    // Elsewhere than on Linux there is no such file, and no such thing.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
}

async fn answer(mut orders: UnboundedReceiver<Order>) {
    let Some(engine) = load(orders.recv().await).await else { return };
    let mut calls: HashMap<u64, AbortHandle> = HashMap::new();
    let mut told = Stats::default();
    let mut tick = tokio::time::interval(TELL_STATS);
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                None => break,
                Some(order) => carry_out(&engine, order, &mut calls),
            },
            _ = tick.tick() => {
                calls.retain(|_, call| !call.is_finished());
                let stats = engine.stats();
                if stats != told {
                    told = stats;
                    tell(&Report::Stats { stats });
                }
            }
        }
    }
    // Streams hold the engine, and it has to end before the process does.
    for call in calls.into_values() {
        call.abort();
    }
    tokio::task::yield_now().await;
}

async fn load(order: Option<Order>) -> Option<Engine> {
    let Some(Order::Load { path, name, options }) = order else { return None };
    let loading = tokio::task::spawn_blocking(move || load_here(path.as_deref(), &name, &options));
    let loaded = loading.await.unwrap_or_else(|panic| {
        Err(Error::new(Kind::Internal, format!("loading the model panicked: {panic}")))
    });
    match loaded {
        Ok(engine) => {
            tell(&Report::Loaded { info: Box::new(engine.info().clone()) });
            Some(engine)
        }
        Err(error) => {
            tell(&Report::Unfit { error: Failure::of(&error) });
            None
        }
    }
}

fn carry_out(engine: &Engine, order: Order, calls: &mut HashMap<u64, AbortHandle>) {
    match order {
        // The model is loaded.
        Order::Load { .. } => {}
        Order::Call { id, client, asked } => match asked.request() {
            Ok(request) => {
                let events = engine.call_for(client.as_deref(), request);
                calls.insert(id, tokio::spawn(pass_on(id, events)).abort_handle());
            }
            Err(error) => tell(&Report::End { id, error: Some(Failure::of(&error)) }),
        },
        Order::Cancel { id } => {
            if let Some(call) = calls.remove(&id) {
                call.abort();
            }
        }
        Order::Count { id, asked } => {
            let counted = asked.request().and_then(|request| engine.count_tokens(&request));
            let answer = match counted {
                Ok(count) => Answer::Count(count),
                Err(error) => Answer::Failure(Failure::of(&error)),
            };
            tell(&Report::Answer { id, answer });
        }
        Order::Tokenize { id, text } => {
            tell(&Report::Answer { id, answer: Answer::Tokens(engine.tokenize(&text)) });
        }
        Order::Detokenize { id, tokens } => {
            tell(&Report::Answer { id, answer: Answer::Text(engine.detokenize(&tokens)) });
        }
    }
}

async fn pass_on(id: u64, mut events: EventStream) {
    let mut error = None;
    while let Some(batch) = events.next().await {
        match batch {
            Ok(events) => tell(&Report::Events { id, events }),
            Err(failed) => error = Some(Failure::of(&failed)),
        }
    }
    tell(&Report::End { id, error });
}

fn tell(report: &Report) {
    // Whoever does not read any more has closed stdin as well, which ends this process.
    let _ = wire::write(&mut io::stdout().lock(), report);
}
