//! What every request goes through before its handler, and after it. A route cannot be without it: the
//! router has no other way in.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use antiphon::{Error, Kind, Result};
use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use tower::ServiceExt;

use crate::app::{App, Live};
use crate::auth;
use crate::face::Face;
use crate::keys::Key;
use crate::routes::{self, Access};
use crate::ticket::{Caller, Place, Ticket, Tracked};

/// How both sides name a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What Anthropic's clients call it.
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// When to come back where all places are taken.
const BUSY: Duration = Duration::from_secs(1);

/// Answers one request.
pub(crate) async fn handle(app: Arc<App>, mut request: Request<Body>) -> Response {
    let live = app.live();
    let path = routes::unprefixed(request.uri().path());
    let prefixed = path.len() != request.uri().path().len();
    let route = routes::of_path(path);
    let face = match route {
        Some(route) => route.face,
        None if prefixed => Face::LlmEngine,
        None => Face::of_path(path),
    };
    let id = request_id(request.headers());
    let ticket = Ticket::new(app.clone(), id, request.method(), request.uri().path(), route);
    let answered = match admit(&live, route.map(|route| route.access), request.headers()) {
        Err(error) => Err((error, None)),
        Ok((key, place)) => {
            let key_name = key.as_ref().map(|key| key.name.clone());
            ticket.note(|notes| notes.key = key_name);
            let caller = Caller { app: app.clone(), live, key, face, ticket: ticket.clone() };
            if prefixed && let Some(uri) = without_prefix(request.uri()) {
                *request.uri_mut() = uri;
            }
            request.extensions_mut().insert(caller);
            let answer = AssertUnwindSafe(app.router.clone().oneshot(request)).catch_unwind().await;
            match answer {
                Ok(Ok(response)) => Ok((response, place)),
                Ok(Err(never)) => match never {},
                Err(_) => Err((Error::new(Kind::Internal, "the request hit a fault of the server"), place)),
            }
        }
    };
    let (mut response, place) = answered.unwrap_or_else(|(error, place)| {
        ticket.failed(&error);
        (face.refuse(&error), place)
    });
    if let Ok(id) = HeaderValue::try_from(ticket.id()) {
        if face == Face::Anthropic {
            response.headers_mut().insert(ANTHROPIC_REQUEST_ID, id.clone());
        }
        response.headers_mut().insert(REQUEST_ID, id);
    }
    ticket.answered(response.status());
    response.map(|body| Body::new(Tracked::new(body, ticket, place)))
}

/// Lets a request in: who asks has a key, has not asked too often, and there is a place free.
fn admit(
    live: &Live,
    access: Option<Access>,
    headers: &HeaderMap,
) -> Result<(Option<Arc<Key>>, Option<Place>)> {
    if access == Some(Access::Open) {
        return Ok((None, None));
    }
    let key = auth::authenticate(&live.keys, headers)?;
    if access == Some(Access::Unlimited) {
        return Ok((key, None));
    }
    if let Some(key) = &key {
        key.take().map_err(|(limit, wait)| {
            let message = format!(
                "the key {:?} may send {limit} requests a minute; wait as Retry-After says",
                key.name
            );
            Error::new(Kind::RateLimit, message).retry_after(wait)
        })?;
    }
    let place = live.in_flight.clone().try_acquire_owned().map_err(|_| {
        let limit = live.settings.max_in_flight;
        let message =
            format!("{limit} requests are under way, which is the most this server takes; try again");
        Error::new(Kind::RateLimit, message).retry_after(BUSY)
    })?;
    Ok((key, Some(place)))
}

/// The caller's name for the request where it is a decent one, else one of our own.
fn request_id(headers: &HeaderMap) -> String {
    let theirs = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let decent = |id: &&str| (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic());
    theirs.filter(decent).map_or_else(|| antiphon::random_uuid().to_string(), str::to_owned)
}

fn without_prefix(uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query()?.as_str();
    Uri::try_from(routes::unprefixed(path)).ok()
}
