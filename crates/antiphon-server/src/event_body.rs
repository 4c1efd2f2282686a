//! The body of a streamed answer: events become bytes as they are polled for, so that a slow reader slows
//! the model down instead of filling memory. Dropping it drops the call.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon::core::dialects::StreamEncoder;
use antiphon::{Error, Event, EventStream};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};

use crate::outcome;
use crate::ticket::Ticket;

/// What is ready at once goes out together, up to about this.
const TOGETHER: usize = 16 << 10;

/// A streamed answer on its way out.
pub(crate) struct EventBody {
    /// `None` after the end.
    events: Option<EventStream>,
    encoder: Box<dyn StreamEncoder>,
    out: Vec<u8>,
    ticket: Arc<Ticket>,
    silence: Silence,
}

impl EventBody {
    /// The answer whose first batch has come, or has not yet.
    pub(crate) fn new(
        first: Option<Vec<Event>>,
        events: EventStream,
        encoder: Box<dyn StreamEncoder>,
        ticket: Arc<Ticket>,
        keep_alive: Duration,
    ) -> Self {
        let silence = Silence { after: keep_alive, sleep: None, last: Instant::now() };
        let mut body = Self { events: Some(events), encoder, out: Vec::new(), ticket, silence };
        if let Some(batch) = first {
            body.take(&batch);
        }
        body
    }

    fn take(&mut self, batch: &[Event]) {
        self.ticket.observe(batch);
        self.encoder.push(batch, &mut self.out);
    }

    fn fail(&mut self, error: &Error) {
        self.ticket.failed(error);
        self.encoder.error(&outcome::told(error), &mut self.out);
    }

    /// Takes in what is ready. `Pending` where nothing is, and there is nothing to send.
    fn gather(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.out.len() < TOGETHER {
            let Some(events) = &mut self.events else { break };
            match events.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(batch))) => self.take(&batch),
                Poll::Ready(Some(Err(error))) => {
                    self.events = None;
                    self.fail(&error);
                }
                Poll::Ready(None) => {
                    self.events = None;
                    self.encoder.finish(&mut self.out);
                }
                Poll::Pending if self.out.is_empty() => {
                    std::task::ready!(self.silence.poll(context));
                    self.encoder.keep_alive(&mut self.out);
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(())
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        std::task::ready!(this.gather(context));
        if this.out.is_empty() {
            return Poll::Ready(None);
        }
        this.silence.last = Instant::now();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(std::mem::take(&mut this.out))))))
    }

    fn is_end_stream(&self) -> bool {
        self.events.is_none() && self.out.is_empty()
    }
}

/// Since when nothing has been sent. The timer is looked at only when nothing comes.
struct Silence {
    after: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    last: Instant,
}

impl Silence {
    /// Ready when it has lasted too long.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let at = self.last + self.after;
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
            std::task::ready!(sleep.as_mut().poll(context));
            sleep.as_mut().reset(at);
        }
    }
}
