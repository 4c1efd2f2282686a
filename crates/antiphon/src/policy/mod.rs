//! What stands between a call and its attempts, the outermost first: the cache, coalescing, the total
//! deadline, fallback, re-ask, the servers of an upstream, retry, the rate limit, the attempt. Whole and
//! streamed, hosted and local, sync and async go through here.
//!
//! The commit point is the first content: before it an attempt may be repeated, or another model asked; what
//! comes after it is the caller's, and an error then carries it.

pub(crate) mod advice;
pub(crate) mod budget;
mod cached;
pub(crate) mod coalesce;
mod deadline;
pub(crate) mod exchange;
pub(crate) mod limits;
mod reask;
mod retry;
pub(crate) mod several;
mod trail;
mod upstream;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::{Error, Event, EventStream, Kind, Request, Result};
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use self::budget::Owner;
use self::deadline::Deadline;
use self::retry::{MAX_RETRIES, Rules, Verdict};
use self::trail::{Trail, UnderWay};
use crate::attempt::attempt;
use crate::cache;
use crate::call::{Call, Fallback, Options, Waits};
use crate::client::Client;
use crate::prepare::prepare;
use crate::rate_limit::fingerprint;
use crate::resolve::{Credential, Hosted, Target};
use crate::structured::Checker;
#[cfg(feature = "local")]
use crate::tap::Tap;

/// The events of a call.
pub(crate) fn run(client: Client, call: Call, checker: Option<Arc<Checker>>) -> EventStream {
    let Some(slot) = client.slot(&call) else { return ask_for(client, call, checker, None) };
    match cached::kept(&client, &slot) {
        Some(events) => events,
        None => cached::keeping(client.clone(), slot.clone(), ask_for(client, call, checker, Some(slot.key))),
    }
}

/// The events of a call that no cache answers. With a `key`, one of its like in flight may.
fn ask_for(
    client: Client,
    call: Call,
    checker: Option<Arc<Checker>>,
    key: Option<cache::Key>,
) -> EventStream {
    let trail = Arc::new(Trail::default());
    let deadline = match call.options.timeout {
        Some(timeout) => Deadline::of_everything(timeout),
        None if call.request.stream => Deadline::of_the_beginning(Waits::DEFAULT_TOTAL),
        None => Deadline::of_everything(Waits::DEFAULT_TOTAL),
    };
    let latest = deadline.at();
    let beginning: BoxFuture<'static, _> = match key.and_then(|key| shared_name(&client, &call, key)) {
        Some(name) => Box::pin(share(client, call, checker, trail.clone(), name)),
        None => Box::pin(begin(client, call, checker, trail.clone(), latest)),
    };
    deadline.over(Box::pin(Events::Beginning(beginning)), trail)
}

/// By what a call finds its like in flight; `None` for one that must have an answer of its own.
fn shared_name(client: &Client, call: &Call, key: cache::Key) -> Option<coalesce::Name> {
    if call.request.stream {
        return None;
    }
    match client.resolve(&call.request.model, &call.options) {
        Ok(Target::Hosted(hosted)) => Some((key, client.fingerprint(&hosted))),
        _ => None,
    }
}

/// The answer of one of several identical calls. Each has its own deadline around this, so that the work
/// itself has none.
async fn share(
    client: Client,
    call: Call,
    checker: Option<Arc<Checker>>,
    trail: Arc<Trail>,
    name: coalesce::Name,
) -> Result<Begun> {
    let whole = || {
        let (client, call, trail) = (client.clone(), call.clone(), trail.clone());
        let checker = checker.clone();
        let never = Instant::now() + Waits::DEFAULT_TOTAL;
        async move { begin(client, call, checker, trail, never).await?.whole().await }.boxed()
    };
    let head = client.flights().share(name, whole).await?;
    Ok(Begun { head, rest: futures_util::stream::empty().boxed() })
}

/// These events, ended by a total deadline.
pub(crate) fn within(timeout: std::time::Duration, events: EventStream) -> EventStream {
    Deadline::of_everything(timeout).over(events, Arc::default())
}

/// An answer that has begun: its events up to the first content, and the rest.
struct Begun {
    head: Vec<Event>,
    rest: EventStream,
}

impl Begun {
    /// All events of the answer.
    async fn whole(self) -> Result<Vec<Event>> {
        let Begun { head: mut events, mut rest } = self;
        while let Some(batch) = rest.next().await {
            events.extend(batch?);
        }
        Ok(events)
    }
}

/// The events of an answer that has to begin first.
enum Events {
    Beginning(BoxFuture<'static, Result<Begun>>),
    Rest(EventStream),
    Over,
}

impl Stream for Events {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut *self {
            Events::Over => Poll::Ready(None),
            Events::Rest(rest) => rest.as_mut().poll_next(context),
            Events::Beginning(beginning) => match std::task::ready!(beginning.as_mut().poll(context)) {
                Ok(Begun { head, rest }) => {
                    *self = Events::Rest(rest);
                    Poll::Ready(Some(Ok(head)))
                }
                Err(error) => {
                    *self = Events::Over;
                    Poll::Ready(Some(Err(error)))
                }
            },
        }
    }
}

/// Asks the model, and then its fallbacks, until an answer begins.
async fn begin(
    client: Client,
    call: Call,
    checker: Option<Arc<Checker>>,
    trail: Arc<Trail>,
    latest: Instant,
) -> Result<Begun> {
    let Call { request, mut options, .. } = call;
    // Every future that it is moved into would hold it, some of them twice.
    let mut request = Box::new(request);
    let mut fallbacks = std::mem::take(&mut options.fallbacks).into_iter();
    let mut failures: Vec<Event> = Vec::new();
    loop {
        let next = fallbacks.next();
        let kept = next.is_some().then(|| request.clone());
        let outcome = match &checker {
            None => ask(&client, request, &options, &trail, latest).await,
            Some(checker) => Box::pin(reask::ask(checker, &client, request, &options, &trail, latest)).await,
        };
        match (outcome, next, kept) {
            (Ok(mut begun), ..) => {
                begun.head.splice(0..0, failures);
                return Ok(begun);
            }
            (Err(error), Some(next), Some(kept)) if another_may_answer(&error) => {
                failures.push(Event::set("warning", failure(&kept.model, &error)));
                if failures.len() == 1 {
                    failures.insert(0, Event::set("antiphon.fallback_for", kept.model.as_str()));
                }
                (request, options) = turn_to(next, kept, options)?;
            }
            (Err(error), ..) => return Err(trail.onto(error)),
        }
    }
}

/// Whether the error is one model's, and not the request's.
fn another_may_answer(error: &Error) -> bool {
    !matches!(error.kind(), Kind::InvalidRequest | Kind::Cancelled | Kind::Internal | Kind::Config)
}

fn failure(model: &str, error: &Error) -> String {
    format!("{model} failed ({}), and a fallback was asked", error.message())
}

fn turn_to(
    next: Fallback,
    mut request: Box<Request>,
    mut options: Options,
) -> Result<(Box<Request>, Options)> {
    let Fallback { model, api_key, base_url, params } = next;
    request.model = model;
    for (name, value) in params {
        request.set(&name, value)?;
    }
    // Key and address were the first model's.
    options.api_key = api_key;
    options.has_turn = false;
    options.base_url = base_url;
    Ok((request, options))
}

/// Asks one model, be it one of several servers.
async fn ask(
    client: &Client,
    request: Box<Request>,
    options: &Options,
    trail: &Arc<Trail>,
    latest: Instant,
) -> Result<Begun> {
    match client.upstream(&request.model) {
        Some(pool) => Box::pin(upstream::ask(pool, client, request, options, trail, latest)).await,
        None => ask_one(client, request, options, trail, latest).await,
    }
}

/// Asks one model where it is.
async fn ask_one(
    client: &Client,
    request: Box<Request>,
    options: &Options,
    trail: &Arc<Trail>,
    latest: Instant,
) -> Result<Begun> {
    match several::parts(client, &request, options)? {
        Some(parts) => {
            let ask = |part| ask_once(client, Box::new(part), options, trail, latest);
            Box::pin(several::answer(parts, ask)).await
        }
        None => ask_once(client, request, options, trail, latest).await,
    }
}

/// Asks one model with one request, again where that may help.
async fn ask_once(
    client: &Client,
    request: Box<Request>,
    options: &Options,
    trail: &Arc<Trail>,
    latest: Instant,
) -> Result<Begun> {
    trail.asks(None);
    let hosted = match client.resolve(&request.model, options)? {
        Target::Hosted(hosted) => Arc::new(hosted),
        #[cfg(feature = "local")]
        Target::Local(model) => {
            trail.asks(Some(&model.name));
            options.tap.iter().for_each(Tap::close);
            let mut head = origin(crate::providers::LOCAL, &model.name);
            // The engine holds its model to the form by its grammar.
            let rung = crate::structured::asked(&request);
            head.extend(rung.map(|rung| Event::set("antiphon.structured_output", rung.as_str())));
            return commit(head, client.local(model, *request, options)).await;
        }
        #[cfg(not(feature = "local"))]
        Target::Local(model) => match model {},
    };
    let spelling = client.spelling(&hosted, &request).await;
    let prepared = prepare(&hosted, *request, options, spelling)?;
    let owner = (hosted.provider.id, client.fingerprint(&hosted));
    for retries in 0.. {
        if client.limits().is_on() && !trail.has_turn(options) {
            client.limits().turn(&hosted, owner.1, latest).await?;
        }
        options.count_request();
        let mut under_way = UnderWay::new(trail, &hosted);
        let outcome = match attempt(client.transport(), &prepared, options.waits).await {
            Ok(answer) => commit(origin(hosted.provider.id, &hosted.model), Box::pin(answer)).await,
            Err(error) => Err(error),
        };
        let error = match outcome {
            Ok(mut begun) => {
                client.budgets().answered(owner, retries);
                begun.rest = Box::pin(Rest { events: begun.rest, under_way });
                return Ok(begun);
            }
            Err(error) => under_way.failed(error),
        };
        client.versions().doubt(&hosted, &error);
        until_retry(client, options, owner, error, retries, latest).await?;
    }
    unreachable!("retries are counted up to their limit")
}

/// Waits until it is time to ask again after `error`; gives it back where it stands.
async fn until_retry(
    client: &Client,
    options: &Options,
    owner: Owner,
    error: Error,
    retries: u32,
    latest: Instant,
) -> Result<()> {
    let rules = Rules {
        max_retries: options.max_retries.unwrap_or(MAX_RETRIES),
        delay: options.retry_delay,
        on: options.retry_on.as_deref(),
    };
    let (after, asked_for) = match rules.judge(&error, retries) {
        Verdict::Retry { after, asked_for } => (after, asked_for),
        Verdict::Stop => return Err(error),
        Verdict::TooLong => return Err(too_long(error)),
    };
    // A wait past the deadline would only hide the error behind it. What a provider asks for does not
    // come out of the budget: it paces the calls itself.
    if Instant::now() + after >= latest || (!asked_for && !client.budgets().take(owner)) {
        return Err(error);
    }
    tracing::debug!(retry = retries + 1, ?after, reason = error.message(), "retrying");
    tokio::time::sleep(after).await;
    Ok(())
}

fn too_long(error: Error) -> Error {
    let wait = error.wait().unwrap_or_default();
    error.hint(format!(
        "the provider asks to wait {wait:?}; more than a minute is not waited for, so try later"
    ))
}

/// Who answers, for the caller.
fn origin(provider: &str, model: &str) -> Vec<Event> {
    vec![Event::set("antiphon.provider", provider), Event::set("antiphon.model", model)]
}

/// Waits for the first content, or the end.
async fn commit(mut head: Vec<Event>, mut events: EventStream) -> Result<Begun> {
    while let Some(batch) = events.next().await {
        let batch = batch?;
        let has_content = batch.iter().any(Event::is_content);
        head.extend(batch);
        if has_content {
            break;
        }
    }
    Ok(Begun { head, rest: events })
}

/// The rest of an answer. An error in it names who was asked and tells of every attempt, too.
struct Rest {
    events: EventStream,
    under_way: UnderWay,
}

impl Stream for Rest {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.events.as_mut().poll_next(context);
        match polled {
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(self.under_way.ended_by(error)))),
            Poll::Ready(None) => {
                self.under_way.ended();
                Poll::Ready(None)
            }
            polled => polled,
        }
    }
}

impl Client {
    /// What tells one key of a provider from another, and cannot be turned back into it.
    fn fingerprint(&self, hosted: &Hosted) -> u64 {
        match &hosted.credential {
            Credential::None => 0,
            Credential::Key(key) | Credential::Token(key) => fingerprint(key),
        }
    }

    /// Waits until the rate limits let the call's first attempt go, without using up its deadline; a call that
    /// is answered in this process, by a mock or from a cache has no limit.
    pub async fn take_turn(&self, call: &mut Call) {
        if !self.limits().is_on() || call.options.mock.is_some() {
            return;
        }
        // What is wrong with the call is told when it is made.
        let Ok(Target::Hosted(hosted)) = self.resolve(&call.request.model, &call.options) else { return };
        if self.slot(call).is_some_and(|slot| self.caches().get(&slot).is_some()) {
            return;
        }
        self.limits().patient_turn(&hosted, self.fingerprint(&hosted)).await;
        call.options.has_turn = true;
    }
}
