//! The body of a streamed answer: events become bytes as they are polled for, so that a slow reader slows
//! the model down instead of filling memory. Dropping it drops the call.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon::core::dialects::StreamEncoder;
use antiphon::{Error, Event, EventStream, Tap};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body::{Body, Frame};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

use crate::outcome;
use crate::store::now;
use crate::ticket::Ticket;

/// What is ready at once goes out together, up to about this.
const TOGETHER: usize = 16 << 10;

/// A streamed answer on its way out.
pub(crate) struct EventBody {
    /// `None` after the end.
    events: Option<EventStream>,
    written: Written,
    out: Vec<u8>,
    /// What waits for its turn behind the tasks that are ready, while there is something to send.
    turn: Option<JoinHandle<()>>,
    /// Whether it has had its turn since something came.
    had_turn: bool,
    ticket: Arc<Ticket>,
    silence: Silence,
}

impl EventBody {
    /// The answer whose first batch has come, or has not yet.
    pub(crate) fn new(
        first: Option<Vec<Event>>,
        events: EventStream,
        written: Written,
        ticket: Arc<Ticket>,
        keep_alive: Duration,
    ) -> Self {
        let silence = Silence { after: keep_alive, sleep: None, last: Instant::now() };
        let mut body = Self {
            events: Some(events),
            written,
            out: Vec::new(),
            turn: None,
            had_turn: false,
            ticket,
            silence,
        };
        if let Some(batch) = first {
            body.take(&batch);
        }
        body
    }

    fn take(&mut self, batch: &[Event]) {
        self.ticket.observe(batch);
        self.written.push(batch, &mut self.out);
    }

    fn fail(&mut self, error: &Error) {
        self.ticket.failed(error);
        self.written.encoder.set_time(now());
        self.written.encoder.error(&outcome::told(error), &mut self.out);
    }

    /// Takes in what is ready. `Pending` where nothing is, and there is nothing to send.
    fn gather(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.out.len() < TOGETHER {
            let Some(events) = &mut self.events else { break };
            match events.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(batch))) => {
                    self.turn = None;
                    self.had_turn = false;
                    self.take(&batch);
                }
                Poll::Ready(Some(Err(error))) => {
                    self.events = None;
                    self.fail(&error);
                }
                Poll::Ready(None) => {
                    self.events = None;
                    self.written.finish(&mut self.out);
                }
                Poll::Pending if self.out.is_empty() => {
                    std::task::ready!(self.silence.poll(context));
                    self.written.encoder.set_time(now());
                    self.written.encoder.keep_alive(&mut self.out);
                }
                // What came in one packet comes one piece at a time: whoever takes them apart has its turn
                // first, so that they go out together, too.
                Poll::Pending if !self.had_turn => {
                    let turn = self.turn.get_or_insert_with(|| tokio::spawn(async {}));
                    // It cannot fail; and if it could, that would be its end, too.
                    let _ = std::task::ready!(Pin::new(turn).poll(context));
                    self.turn = None;
                    self.had_turn = true;
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

/// How events become bytes: encoded, or the very bytes that they came in.
pub(crate) struct Written {
    pub(crate) encoder: Box<dyn StreamEncoder>,
    /// The bytes of the events, where they need no other encoding.
    pub(crate) tap: Option<Tap>,
    /// The last of the bytes that were passed on.
    pub(crate) tail: Vec<u8>,
}

/// How many bytes of what was passed on tell whether its end was there.
const TAIL: usize = 32;

impl Written {
    fn push(&mut self, batch: &[Event], out: &mut Vec<u8>) {
        if !self.pass(out) {
            self.encoder.push(batch, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.pass(out) {
            self.encoder.finish_passed(&self.tail, out);
        } else {
            self.encoder.finish(out);
        }
    }

    /// Passes on what came since, where there are bytes to pass on at all.
    fn pass(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(bytes) = self.tap.as_ref().and_then(Tap::take) else { return false };
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        out.extend_from_slice(&bytes);
        true
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
