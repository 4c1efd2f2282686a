//! The cache around a call: a kept answer in its place, or its answer kept.

use std::pin::Pin;
use std::task::{Context, Poll};

use antiphon_core::{Event, EventStream, Fold, Response, Result};
use futures_core::Stream;
use futures_core::future::BoxFuture;

use crate::cache::{Slot, key};
use crate::client::Client;
use crate::stream;

/// The events of a kept answer.
pub(crate) fn kept(client: &Client, slot: &Slot) -> Option<EventStream> {
    let mut events = client.caches().get(slot)?.to_events();
    events.push(Event::set("antiphon.cache_hit", key::hex(&slot.key)));
    Some(stream::ready(events))
}

/// Keeps the answer that these events make, once it is whole.
pub(crate) fn keeping(client: Client, slot: Slot, events: EventStream) -> EventStream {
    Box::pin(Keeping { client, slot: Some(slot), fold: Fold::new(), stage: Stage::Reading(events) })
}

struct Keeping {
    client: Client,
    /// `None` once there is nothing to keep any more.
    slot: Option<Slot>,
    fold: Fold,
    stage: Stage,
}

enum Stage {
    Reading(EventStream),
    Writing(BoxFuture<'static, ()>),
    Over,
}

impl Stream for Keeping {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match &mut this.stage {
                Stage::Over => return Poll::Ready(None),
                Stage::Writing(writing) => {
                    std::task::ready!(writing.as_mut().poll(context));
                    this.stage = Stage::Over;
                }
                Stage::Reading(events) => match std::task::ready!(events.as_mut().poll_next(context)) {
                    Some(Ok(events)) => {
                        this.fold.extend(events.iter().cloned());
                        return Poll::Ready(Some(Ok(events)));
                    }
                    Some(Err(error)) => {
                        this.slot = None;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => this.stage = this.write(),
                },
            }
        }
    }
}

impl Keeping {
    fn write(&mut self) -> Stage {
        let response = std::mem::take(&mut self.fold).finish();
        let Some(slot) = self.slot.take().filter(|_| is_whole(&response)) else { return Stage::Over };
        let client = self.client.clone();
        Stage::Writing(Box::pin(async move { client.caches().put(slot, response).await }))
    }
}

/// Whether every choice said why it ended. What a fallback answered is not the answer of the model asked for.
fn is_whole(response: &Response) -> bool {
    (!response.choices.is_empty() || response.embeddings.is_some() || response.ranking.is_some())
        && response.choices.iter().all(|choice| choice.finish_reason.is_some())
        && response.meta.fallback_for.is_none()
}
