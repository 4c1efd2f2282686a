//! What accompanies one request: who asks, what became of it, and the line of the log at its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use antiphon::core::event::Path;
use antiphon::{Error, Event, Response as Answer, Usage};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use crate::app::{App, Live};
use crate::calls::Ended;
use crate::face::Face;
use crate::keys::Key;
use crate::routes::{Access, Route};

/// A place among the requests that are under way.
pub(crate) type Place = OwnedSemaphorePermit;

/// Who asks, for handlers: the gate has let them in.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) app: Arc<App>,
    /// The settings that this request began with.
    pub(crate) live: Arc<Live>,
    /// `None` where everybody may ask.
    pub(crate) key: Option<Arc<Key>>,
    pub(crate) face: Face,
    pub(crate) ticket: Arc<Ticket>,
}

impl Caller {
    /// To whom what is kept for them belongs: the name of their key; empty where there are none.
    pub(crate) fn owner(&self) -> String {
        self.key.as_ref().map(|key| key.name.clone()).unwrap_or_default()
    }

    /// The answer that says what went wrong.
    pub(crate) fn refuse(&self, error: &Error) -> Response {
        self.ticket.failed(error);
        self.face.refuse(error)
    }

    /// An answer, or what went wrong.
    pub(crate) fn reply(&self, outcome: antiphon::Result<Response>) -> Response {
        outcome.unwrap_or_else(|error| self.refuse(&error))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Caller>().expect("the gate puts it there").clone())
    }
}

/// One request from its arrival to the last byte of its answer. Dropping the last handle of it ends it.
pub(crate) struct Ticket {
    app: Arc<App>,
    id: String,
    started: Instant,
    method: Method,
    path: String,
    /// `None` for a path that nothing has.
    route: Option<&'static Route>,
    notes: Mutex<Notes>,
}

/// What is learnt on the way.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) key: Option<String>,
    /// The model as it was asked for.
    pub(crate) model: Option<String>,
    /// Whether it is one of this server's that the caller may ask.
    pub(crate) served: bool,
    pub(crate) provider: Option<String>,
    /// The model in the provider's word.
    pub(crate) answered_by: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) cost: Option<f64>,
    pub(crate) first_content: Option<Duration>,
    pub(crate) error: Option<&'static str>,
    pub(crate) status: Option<StatusCode>,
    /// Whether the answer was delivered to its end.
    pub(crate) whole: bool,
}

impl Ticket {
    pub(crate) fn new(
        app: Arc<App>,
        id: String,
        method: &Method,
        path: &str,
        route: Option<&'static Route>,
    ) -> Arc<Self> {
        app.metrics.begin();
        Arc::new(Self {
            app,
            id,
            started: Instant::now(),
            method: method.clone(),
            path: path.to_owned(),
            route,
            notes: Mutex::default(),
        })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn failed(&self, error: &Error) {
        let class = error.kind().row().python;
        self.note(|notes| notes.error = Some(class));
        if error.kind().row().status >= 500 || error.provider().is_some() {
            // What the caller is not told stands here.
            tracing::warn!(target: "antiphon::serve", request_id = self.id, error = class, "{error}");
        }
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        self.note(|notes| notes.status = Some(status));
    }

    /// Notes what events say of the call as a whole.
    pub(crate) fn observe(&self, events: &[Event]) {
        self.note(|notes| {
            for event in events {
                match event {
                    Event::Set { path: Path::Response(name), value } => match &**name {
                        "usage" => notes.usage = serde_json::from_value(value.clone()).ok(),
                        "antiphon.provider" => notes.provider = value.as_str().map(str::to_owned),
                        "antiphon.model" => notes.answered_by = value.as_str().map(str::to_owned),
                        _ => {}
                    },
                    event if notes.first_content.is_none() && event.is_content() => {
                        notes.first_content = Some(self.started.elapsed());
                    }
                    _ => {}
                }
            }
        });
    }

    /// Notes what a whole answer says of itself.
    pub(crate) fn observe_whole(&self, answer: &Answer) {
        self.note(|notes| {
            notes.usage.clone_from(&answer.usage);
            notes.provider.clone_from(&answer.meta.provider);
            notes.answered_by.clone_from(&answer.meta.model);
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let notes = std::mem::take(self.notes.get_mut().unwrap_or_else(PoisonError::into_inner));
        let elapsed = self.started.elapsed();
        // Nobody was there any more to be told a status: nginx's word for it.
        let status = match notes.status {
            Some(status) if notes.whole => status.as_u16(),
            _ => 499,
        };
        let cost = self.app.live().cost(&notes);
        let notes = Notes { cost, ..notes };
        let route = self.route.map_or("other", |route| route.path);
        self.app.metrics.end(route, &self.method, status, elapsed, &notes);
        self.log(status, elapsed, &notes);
        self.count(status, elapsed, notes);
    }
}

impl Ticket {
    fn log(&self, status: u16, elapsed: Duration, notes: &Notes) {
        // A page that is open looks each second, which is worth no line.
        if status < 400 && self.route.is_some_and(|route| route.access == Access::Unlimited) {
            return;
        }
        let usage = notes.usage.as_ref();
        tracing::info!(
            target: "antiphon::serve",
            request_id = self.id,
            method = self.method.as_str(),
            path = self.path,
            status,
            ms = elapsed.as_millis() as u64,
            key = notes.key,
            model = notes.model,
            provider = notes.provider,
            input_tokens = usage.map(|usage| usage.prompt_tokens),
            output_tokens = usage.map(|usage| usage.completion_tokens),
            error = notes.error,
            "request"
        );
    }

    /// Takes a call in, or a request that was refused where one could be made.
    fn count(&mut self, status: u16, took: Duration, notes: Notes) {
        let Some(route) = self.route else { return };
        if notes.model.is_none() && (notes.error.is_none() || route.body.is_none()) {
            return;
        }
        self.app.calls.end(Ended {
            id: std::mem::take(&mut self.id),
            route: route.path,
            face: route.face,
            model: notes.model,
            served: notes.served,
            answered: notes.provider.is_some(),
            status,
            error: notes.error,
            took,
            first_content: notes.first_content,
            tokens: notes.usage.map(|usage| (usage.prompt_tokens, usage.completion_tokens)),
            cost: notes.cost,
        });
    }
}

/// A body that keeps the request's place, and its ticket, until it is over or nobody wants it any more.
pub(crate) struct Tracked {
    body: Body,
    ticket: Arc<Ticket>,
    _place: Option<Place>,
}

impl Tracked {
    pub(crate) fn new(body: Body, ticket: Arc<Ticket>, place: Option<Place>) -> Self {
        let tracked = Self { body, ticket, _place: place };
        // Nobody asks a body for more that says it has none, as those of HEAD and of empty answers do.
        if tracked.body.is_end_stream() {
            tracked.ticket.note(|notes| notes.whole = true);
        }
        tracked
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.ticket.note(|notes| notes.whole = true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
