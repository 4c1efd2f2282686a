//! A call's events on their way to the caller: the fold, the chunks.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use antiphon_core::{Chunk, Chunker, Error, Event, EventStream, Fold, Response, Result};
use futures_core::Stream;
use futures_util::StreamExt;
use serde_json::Value;

use crate::structured::partial;

/// A stream of one error.
pub(crate) fn failed(error: Error) -> EventStream {
    futures_util::stream::once(std::future::ready(Err(error))).boxed()
}

/// A stream of one batch.
pub(crate) fn ready(events: Vec<Event>) -> EventStream {
    futures_util::stream::once(std::future::ready(Ok(events))).boxed()
}

/// A stream of many batches: one for each piece of the content, as a provider's are.
pub(crate) fn piecemeal(events: Vec<Event>) -> EventStream {
    let mut events = events.into_iter();
    let batches = std::iter::from_fn(move || {
        let mut batch = vec![events.next()?];
        while batch.last().is_some_and(|event| matches!(event, Event::Set { .. }))
            && let Some(event) = events.next()
        {
            batch.push(event);
        }
        Some(Ok(batch))
    });
    futures_util::stream::iter(batches).boxed()
}

/// Folds a call's events into its response. What had come before an error is on the error.
pub(crate) async fn fold(mut events: EventStream) -> Result<Response> {
    let mut fold = Fold::new();
    while let Some(batch) = events.next().await {
        match batch {
            Ok(batch) => fold.extend(batch),
            Err(error) => return Err(with_partial(error, fold)),
        }
    }
    Ok(fold.finish())
}

fn with_partial(error: Error, fold: Fold) -> Error {
    if error.partial_response().is_some() || fold.response().choices.is_empty() {
        return error;
    }
    error.partial(fold.finish())
}

/// An answer in pieces. Dropping it cancels the call.
///
/// Chunks come as a [`Stream`], or all that are known by now at once with
/// [`CompletionStream::next_batch`]; [`CompletionStream::response`] is the answer so far.
pub struct CompletionStream {
    /// `None` after the end.
    events: Option<EventStream>,
    chunker: Chunker,
    fold: Fold,
    waiting: VecDeque<Chunk>,
}

impl CompletionStream {
    pub(crate) fn new(events: EventStream, chunker: Chunker) -> Self {
        Self { events: Some(events), chunker, fold: Fold::new(), waiting: VecDeque::new() }
    }

    /// The answer so far; whole, with usage, after the last chunk.
    pub fn response(&self) -> Response {
        self.fold.clone().finish()
    }

    /// What the JSON of the first choice says so far: strings, lists and objects as far as they have come.
    /// `None` while there is nothing of it.
    pub fn partial(&self) -> Option<Value> {
        let choice = self.fold.response().choices.first()?;
        partial(choice.message.content.as_text()?)
    }

    /// The next chunks, as many as became known together; `None` after the last. Never an empty vector.
    pub async fn next_batch(&mut self) -> Option<Result<Vec<Chunk>>> {
        std::future::poll_fn(|context| self.poll_batch(context)).await
    }

    /// Waits until the answer has begun, so that an error at its start is an error of the call.
    pub async fn begun(mut self) -> Result<Self> {
        match self.next_batch().await {
            Some(Ok(chunks)) => self.waiting.extend(chunks),
            Some(Err(error)) => return Err(error),
            None => {}
        }
        Ok(self)
    }

    /// [`CompletionStream::next_batch`], for those who poll.
    pub fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Vec<Chunk>>>> {
        if !self.waiting.is_empty() {
            return Poll::Ready(Some(Ok(self.waiting.drain(..).collect())));
        }
        loop {
            let Some(events) = &mut self.events else { return Poll::Ready(None) };
            let chunks = match std::task::ready!(events.as_mut().poll_next(context)) {
                Some(Ok(batch)) => self.take(batch),
                Some(Err(error)) => {
                    self.events = None;
                    return Poll::Ready(Some(Err(with_partial(error, self.fold.clone()))));
                }
                None => {
                    self.events = None;
                    self.chunker.finish().into_iter().collect()
                }
            };
            if !chunks.is_empty() {
                return Poll::Ready(Some(Ok(chunks)));
            }
        }
    }

    fn take(&mut self, batch: Vec<Event>) -> Vec<Chunk> {
        let chunks = self.chunker.push(&batch);
        self.fold.extend(batch);
        chunks
    }
}

impl Stream for CompletionStream {
    type Item = Result<Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.waiting.is_empty() {
            match std::task::ready!(self.poll_batch(context)) {
                Some(Ok(chunks)) => self.waiting.extend(chunks),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(self.waiting.pop_front().map(Ok))
    }
}
