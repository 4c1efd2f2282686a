//! Answers that are given: for tests of policy under a clock that stands still, and of programs offline.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use antiphon_core::{Error, Kind, Result};
use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::StreamExt;

use super::{HttpRequest, HttpResponse, Transport};

/// One scripted answer.
#[derive(Debug, Clone)]
pub struct Play {
    status: u16,
    headers: HeaderMap,
    delay: Duration,
    body: Vec<(Duration, Result<Bytes>)>,
    error: Option<Error>,
    hangs: bool,
}

impl Play {
    /// An answer of that status, without a body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            delay: Duration::ZERO,
            body: Vec::new(),
            error: None,
            hangs: false,
        }
    }

    /// A JSON body of status 200.
    pub fn json(body: &str) -> Self {
        Self::status(200).header("content-type", "application/json").bytes(body)
    }

    /// A stream of server-sent events of status 200.
    pub fn sse() -> Self {
        Self::status(200).header("content-type", "text/event-stream")
    }

    /// No answer, but this error.
    pub fn error(error: Error) -> Self {
        Self { error: Some(error), ..Self::status(0) }
    }

    /// With a header.
    ///
    /// # Panics
    /// If name or value cannot stand in a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("the script's header is text");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// With bytes of body, at once.
    pub fn bytes(self, bytes: &str) -> Self {
        self.bytes_after(Duration::ZERO, bytes)
    }

    /// With bytes of body, after a pause.
    pub fn bytes_after(mut self, pause: Duration, bytes: &str) -> Self {
        self.body.push((pause, Ok(Bytes::from(bytes.to_owned()))));
        self
    }

    /// The body breaks off with this error.
    pub fn breaks(mut self, error: Error) -> Self {
        self.body.push((Duration::ZERO, Err(error)));
        self
    }

    /// The body never ends.
    pub fn hangs(mut self) -> Self {
        self.hangs = true;
        self
    }

    /// The head comes after this.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// Plays its answers in order; the last one again and again.
#[derive(Debug, Clone, Default)]
pub struct Scripted {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    plays: VecDeque<Play>,
    sent: Vec<(tokio::time::Instant, HttpRequest)>,
}

impl Scripted {
    /// A transport that plays these.
    pub fn new(plays: impl IntoIterator<Item = Play>) -> Self {
        let inner = Inner { plays: plays.into_iter().collect(), sent: Vec::new() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// The requests so far, with when they came.
    pub fn sent(&self) -> Vec<(tokio::time::Instant, HttpRequest)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).sent.clone()
    }

    fn next(&self, request: HttpRequest) -> Result<Play> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sent.push((tokio::time::Instant::now(), request));
        let play = if inner.plays.len() > 1 { inner.plays.pop_front() } else { inner.plays.front().cloned() };
        play.ok_or_else(|| Error::new(Kind::Internal, "the script has no answer"))
    }
}

impl Transport for Scripted {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let play = self.next(request);
        Box::pin(async move {
            let play = play?;
            tokio::time::sleep(play.delay).await;
            if let Some(error) = play.error {
                return Err(error);
            }
            let body = futures_util::stream::iter(play.body).then(|(pause, bytes)| async move {
                tokio::time::sleep(pause).await;
                bytes
            });
            let body =
                if play.hangs { body.chain(futures_util::stream::pending()).boxed() } else { body.boxed() };
            Ok(HttpResponse { status: play.status, headers: play.headers, body })
        })
    }
}
