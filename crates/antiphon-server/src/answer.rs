//! From a caller's body to a model's answer: decode, check, ask, encode.
//!
//! A call is built from the [`Request`] alone. What surrounds it (keys, addresses, files, retries) is the
//! server's own, and a body that names any of it is refused.

use std::time::Duration;

use antiphon::core::Operation;
use antiphon::core::dialects::{self, ServeDialect, StreamHead};
use antiphon::{Call, Error, Kind, Request, Result, Tap, Task, is_call_option};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::event_body::{EventBody, Written};
use crate::face::json;
use crate::models;
use crate::store::now;
use crate::ticket::Caller;

/// How a face streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// After how much silence a sign of life is sent.
    pub(crate) keep_alive: Duration,
    /// After how long the head goes out though nothing has come. `None`: with the first content, so that
    /// what goes wrong before it still has its status.
    pub(crate) head_within: Option<Duration>,
    /// Makes the id of an answer.
    pub(crate) id: fn(Operation) -> String,
}

impl Manner {
    /// What suits most clients.
    pub(crate) const DEFAULT: Manner =
        Manner { keep_alive: Duration::from_secs(15), head_within: None, id: antiphon::answer_id };
}

/// Answers a body in the words of the dialect of that name.
pub(crate) async fn answer(
    caller: &Caller,
    dialect: &'static str,
    body: &Bytes,
    manner: Manner,
) -> Result<Response> {
    let id = dialect;
    let missing = || Error::new(Kind::Internal, format!("the dialect {id:?} is not served"));
    let dialect = dialects::serve_by_id(id).ok_or_else(missing)?;
    let request = dialect.decode_request(body)?;
    let mut call = call(caller, request)?;
    call.options.tap = tap(id, &call.request);
    if call.request.stream {
        streamed(caller, dialect, call, manner).await
    } else {
        whole(caller, dialect, call).await
    }
}

/// Where the bytes of an answer come through that needs no other encoding: the caller speaks the provider's own
/// dialect. An answer that is held against a form may be asked for again, or taken out of words around it.
fn tap(dialect: &'static str, request: &Request) -> Option<Tap> {
    // Only OpenAI's has an event for usage that callers ask for; we always do.
    let shows_usage = request.include_usage || dialect != "openai-chat";
    let is_plain = request.task == Task::Chat && request.response_format.is_none();
    is_plain.then(|| Tap::new(dialect, shows_usage))
}

/// The call of a request that this caller may make.
pub(crate) fn call(caller: &Caller, mut request: Request) -> Result<Call> {
    if let Some(name) = request.extra.keys().find(|name| is_call_option(name)) {
        let message = "is no parameter of a request: this server sets it itself";
        return Err(Error::invalid(name, message));
    }
    caller.ticket.note(|notes| notes.model = Some(request.model.clone()));
    match caller.app.kept.target(&request.model) {
        Some(target) => {
            models::check_key(caller.key.as_deref(), &request.model)?;
            request.model = target;
        }
        None => models::check(&caller.live, caller.key.as_deref(), &request.model)?,
    }
    caller.ticket.note(|notes| notes.served = true);
    if caller.live.settings.log_prompts {
        let asked = serde_json::Value::Object(request.to_json());
        tracing::info!(target: "antiphon::serve::prompt", request_id = caller.ticket.id(), %asked);
    }
    let mut call = Call::new(request);
    // What one key was answered is not another's to find.
    call.options.client = caller.key.as_ref().map(|key| key.name.clone());
    call.options.cache.key_prefix = caller.key.as_ref().map(|key| format!("key:{}", key.name));
    Ok(call)
}

/// Asks, and answers when everything is there.
pub(crate) async fn whole(
    caller: &Caller,
    dialect: &'static dyn ServeDialect,
    call: Call,
) -> Result<Response> {
    let (request, tap) = (call.request.clone(), call.options.tap.clone());
    let answer = caller.live.client.complete(call).await?;
    caller.ticket.observe_whole(&answer);
    let passed = tap.and_then(|tap| tap.take()).filter(|bytes| !bytes.is_empty());
    Ok(json(StatusCode::OK, passed.unwrap_or_else(|| dialect.encode_response(&answer, &request))))
}

/// Asks, and answers piece by piece.
pub(crate) async fn streamed(
    caller: &Caller,
    dialect: &'static dyn ServeDialect,
    call: Call,
    manner: Manner,
) -> Result<Response> {
    let encoder = dialect.stream(StreamHead {
        id: (manner.id)(call.request.task.operation()),
        created: now(),
        model: call.request.model.clone(),
        include_usage: call.request.include_usage,
    });
    let encoder =
        encoder.ok_or_else(|| Error::invalid("stream", "must be false here: there is nothing to stream"))?;
    let tap = call.options.tap.clone();
    let mut events = caller.live.client.events(call);
    let first = match manner.head_within {
        None => events.next().await,
        Some(within) => match tokio::time::timeout(within, events.next()).await {
            Ok(first) => first,
            Err(_) => Some(Ok(Vec::new())),
        },
    };
    let written = Written { encoder, tap, tail: Vec::new() };
    let body = EventBody::new(first.transpose()?, events, written, caller.ticket.clone(), manner.keep_alive);
    Ok(event_stream(Body::new(body)))
}

/// The head of a stream that no proxy shall hold back.
pub(crate) fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
