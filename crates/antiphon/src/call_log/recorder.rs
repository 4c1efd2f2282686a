//! The record of one call, gathered from its events as they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use antiphon_core::event::Path;
use antiphon_core::{Error, Event, EventStream, Fold, Kind, Operation, Result};
use futures_core::Stream;

use super::CallLog;
use crate::cache::hex;
use crate::call::Call;
use crate::client::Client;
use crate::facts::Facts;

/// A call that is not over yet.
pub(crate) struct Recorder {
    client: Client,
    facts: Facts,
    started: f64,
    clock: Instant,
    method: &'static str,
    stream: bool,
    is_mocked: bool,
    /// How many requests were sent.
    sent: Arc<AtomicU32>,
    cache_key: Option<String>,
    /// What the events say beside the answer itself.
    fold: Fold,
}

/// The function of the Python package that makes such a call.
fn method(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat => "completion",
        Operation::TextCompletion => "text_completion",
        Operation::Embeddings => "embedding",
        Operation::Rerank => "rerank",
    }
}

impl Recorder {
    pub(super) fn new(client: &Client, call: &mut Call) -> Self {
        let is_mocked = call.options.mock.is_some();
        let slot = if is_mocked { None } else { client.slot(call) };
        let sent = call.options.sent.get_or_insert_default().clone();
        Self {
            sent,
            facts: client.facts(&call.request),
            started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()),
            clock: Instant::now(),
            method: method(call.request.task.operation()),
            stream: call.request.stream,
            is_mocked,
            cache_key: slot.map(|slot| hex(&slot.key)),
            fold: Fold::new(),
            client: client.clone(),
        }
    }

    /// The same events; the call is over with the last of them, or when they are dropped.
    pub(crate) fn over(self, events: EventStream) -> EventStream {
        Box::pin(Recorded { recorder: Some(self), events })
    }

    fn note(&mut self, event: &Event) {
        if let Event::Set { path: Path::Response(name), .. } = event
            && (name == "usage" || name.starts_with("antiphon."))
        {
            self.fold.push(event.clone());
        }
    }

    fn finish(self, end: End<'_>) {
        let Self { client, facts, started, clock, method, stream, is_mocked, sent, cache_key, fold } = self;
        let response = fold.finish();
        let Facts { provider, model, cost, .. } = facts.answered(&response);
        let usage = response.usage.as_ref();
        let cache_hit = response.meta.cache_hit.is_some();
        let attempts = sent.load(Ordering::Relaxed);
        let has_price = cache_hit || attempts > 0 || (is_mocked && matches!(end, End::Whole));
        let answering = match end {
            End::Failed(error) if !is_mocked => error.provider(),
            _ => None,
        };
        let record = CallLog {
            id: crate::random::uuid().to_string(),
            started,
            duration: clock.elapsed().as_secs_f64(),
            method: method.to_owned(),
            provider: answering.or(provider).map(str::to_owned),
            model,
            stream,
            input_tokens: usage.map(|usage| usage.prompt_tokens),
            output_tokens: usage.map(|usage| usage.completion_tokens),
            cached_tokens: usage
                .and_then(|usage| usage.prompt_tokens_details.as_ref())
                .and_then(|details| details.cached_tokens),
            // Where nothing was sent, nothing was paid: it failed before, or was shared with a call in flight.
            cost: if has_price { cost } else { Some(0.0) },
            cache_hit,
            cache_key: response.meta.cache_hit.or(cache_key),
            attempts,
            error: end.class().map(str::to_owned),
        };
        client.log().add(record);
    }
}

/// How a call came to its end.
#[derive(Clone, Copy)]
enum End<'a> {
    Whole,
    Failed(&'a Error),
    Dropped,
}

impl End<'_> {
    fn class(self) -> Option<&'static str> {
        match self {
            End::Whole => None,
            End::Failed(error) => Some(error.kind().row().python),
            End::Dropped => Some(Kind::Cancelled.row().python),
        }
    }
}

struct Recorded {
    /// `None` once the call is over.
    recorder: Option<Recorder>,
    events: EventStream,
}

impl Stream for Recorded {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let polled = this.events.as_mut().poll_next(context);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(events))) => {
                if let Some(recorder) = &mut this.recorder {
                    events.iter().for_each(|event| recorder.note(event));
                }
            }
            Poll::Ready(Some(Err(error))) => this.finish(End::Failed(error)),
            Poll::Ready(None) => this.finish(End::Whole),
        }
        polled
    }
}

impl Recorded {
    fn finish(&mut self, end: End<'_>) {
        if let Some(recorder) = self.recorder.take() {
            recorder.finish(end);
        }
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.finish(End::Dropped);
    }
}
