//! The total deadline of a call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon_core::{Error, Event, EventStream, Kind, Result};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::trail::Trail;

/// When a call ends, whatever it is doing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    after: Duration,
    /// Whether the first events of the answer end it.
    until_begun: bool,
}

impl Deadline {
    /// For everything that is done from now on.
    pub(crate) fn of_everything(after: Duration) -> Self {
        Self { at: Instant::now() + after, after, until_begun: false }
    }

    /// Until the answer begins.
    pub(crate) fn of_the_beginning(after: Duration) -> Self {
        Self { until_begun: true, ..Self::of_everything(after) }
    }

    pub(crate) fn at(self) -> Instant {
        self.at
    }

    /// Ends `events` with an error when the time has come. Dropping them is what cancels the call.
    pub(crate) fn over(self, events: EventStream, trail: Arc<Trail>) -> EventStream {
        Box::pin(Watched { events: Some(events), deadline: Some(self), sleep: None, trail })
    }
}

/// The error of a total deadline.
pub(super) fn passed(after: Duration) -> Error {
    Error::new(Kind::Timeout, format!("the total deadline of {after:?} (timeout) passed")).retryable(false)
}

struct Watched {
    /// `None` once the deadline has passed.
    events: Option<EventStream>,
    deadline: Option<Deadline>,
    sleep: Option<Pin<Box<Sleep>>>,
    trail: Arc<Trail>,
}

impl Stream for Watched {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(events) = &mut this.events else { return Poll::Ready(None) };
        let polled = events.as_mut().poll_next(context);
        let Some(deadline) = this.deadline else { return polled };
        if let Poll::Ready(item) = polled {
            if deadline.until_begun {
                this.deadline = None;
                this.sleep = None;
            }
            return Poll::Ready(item);
        }
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline.at)));
        if sleep.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        this.events = None;
        Poll::Ready(Some(Err(this.trail.onto(passed(deadline.after)))))
    }
}
