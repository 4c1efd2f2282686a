//! The servers of an upstream around a call: another one where one fails before its first content, a wait
//! where none is ready, another round where all have failed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::{Error, Event, EventStream, Kind, Request, Result};
use futures_core::Stream;
use tokio::time::{Instant, sleep_until};

use super::trail::Trail;
use super::{Begun, ask_one, until_retry};
use crate::call::Options;
use crate::client::Client;
use crate::upstreams::{self, Among, Fault, Lease, Pool, Waiting};

/// Asks the servers until an answer begins.
pub(super) async fn ask(
    pool: &Arc<Pool>,
    client: &Client,
    request: Box<Request>,
    options: &Options,
    trail: &Arc<Trail>,
    latest: Instant,
) -> Result<Begun> {
    pool.check(options)?;
    let owner = ("upstreams", pool.id);
    let mut call = Asking::new(pool, client, request, options, trail, latest);
    for retries in 0.. {
        let error = match call.round().await? {
            Round::Begun(begun) => {
                client.budgets().answered(owner, retries);
                return Ok(begun);
            }
            Round::Failed(error) => error,
        };
        if let Err(error) = until_retry(client, options, owner, error, retries, latest).await {
            return Err(call.told(error));
        }
        call.begin_anew();
    }
    unreachable!("retries are counted up to their limit")
}

/// What came of asking each server once.
enum Round {
    Begun(Begun),
    /// All have failed, the last one so.
    Failed(Error),
}

/// A call on its way through the servers.
struct Asking<'a> {
    pool: &'a Arc<Pool>,
    client: &'a Client,
    request: Box<Request>,
    options: &'a Options,
    trail: &'a Arc<Trail>,
    latest: Instant,
    session: Option<u64>,
    /// The end of waiting.
    until: Instant,
    among: Among,
    /// Which servers were asked since the last wait.
    tried: Vec<bool>,
    /// How each server failed in this round.
    failures: Vec<Option<(Fault, Error)>>,
    last: Option<Error>,
}

impl<'a> Asking<'a> {
    fn new(
        pool: &'a Arc<Pool>,
        client: &'a Client,
        request: Box<Request>,
        options: &'a Options,
        trail: &'a Arc<Trail>,
        latest: Instant,
    ) -> Self {
        let count = pool.count();
        let session = pool.session(&request);
        let until = latest.min(Instant::now() + pool.config.wait());
        let (tried, failures) = (vec![false; count], vec![None; count]);
        let (among, last) = (Among::Ready, None);
        Self { pool, client, request, options, trail, latest, session, until, among, tried, failures, last }
    }

    fn begin_anew(&mut self) {
        self.tried.fill(false);
        self.failures.fill(None);
        self.among = Among::Ready;
    }

    async fn round(&mut self) -> Result<Round> {
        let mut place: Option<Waiting> = None;
        loop {
            // From before the look at the servers, so that no news falls in between.
            let mut news = std::pin::pin!(self.pool.news());
            news.as_mut().enable();
            let pick = self.pool.pick(self.session, &self.tried, self.among);
            if let Some(probed) = pick.probe {
                let (client, pool) = (self.client.clone(), self.pool.clone());
                tokio::spawn(async move { upstreams::probe(client.transport(), &pool, probed).await });
                if pick.lease.is_none() {
                    // There may be more to look at.
                    continue;
                }
            }
            if let Some(lease) = pick.lease {
                if let Some(begun) = self.ask_server(lease).await? {
                    return Ok(Round::Begun(begun));
                }
                continue;
            }
            if !self.may_wait() {
                match self.last.take() {
                    Some(error) => return Ok(Round::Failed(error)),
                    // All were out before this call came; it finds out whether they still are.
                    None => self.among = Among::All,
                }
                continue;
            }
            if Instant::now() >= self.until {
                return Err(self.none_ready());
            }
            if place.is_none() {
                place = Some(self.pool.wait()?);
            }
            let wake = pick.wake.map_or(self.until, |wake| wake.min(self.until));
            tokio::select! {
                () = &mut news => {}
                () = sleep_until(wake) => {}
            }
            self.tried.fill(false);
            self.among = Among::Awaited;
        }
    }

    /// Asks one server. `None` where it failed and another one may not.
    async fn ask_server(&mut self, mut lease: Lease) -> Result<Option<Begun>> {
        let place = lease.place;
        // Another server is better than the same one again.
        let options = Options { max_retries: Some(0), ..self.pool.options(place, self.options) };
        let mut request = self.request.clone();
        self.pool.model(place).clone_into(&mut request.model);
        let error = match ask_one(self.client, request, &options, self.trail, self.latest).await {
            Ok(begun) => {
                lease.answered();
                return Ok(Some(self.answer(begun, lease)));
            }
            Err(error) => error,
        };
        let Some(fault) = Fault::of(&error) else {
            // Any other would say the same.
            lease.answered();
            return Err(error);
        };
        lease.failed(fault, &error);
        let server = self.pool.server_name(place);
        tracing::debug!(
            upstream = self.pool.name,
            server,
            reason = error.message(),
            "another server is asked"
        );
        self.tried[place] = true;
        self.failures[place] = Some((fault, error.clone()));
        self.last = Some(error);
        Ok(None)
    }

    /// The answer, with the server's count of what is under way kept up to its end. One by the last resort is
    /// told as a fallback's.
    fn answer(&self, mut begun: Begun, lease: Lease) -> Begun {
        if self.pool.is_last_resort(lease.place) {
            let server = self.pool.server_name(lease.place);
            let words = format!("no other server of {} is ready, and {server} was asked", self.pool.name);
            let events =
                [Event::set("antiphon.fallback_for", self.pool.name.as_str()), Event::set("warning", words)];
            begun.head.splice(0..0, events);
        }
        begun.rest = Box::pin(Leased { events: begun.rest, lease });
        begun
    }

    /// Whether to wait for those that are not ready: nothing was said that a wait does not heal.
    fn may_wait(&self) -> bool {
        let heals = |failure: &Option<(Fault, Error)>| match failure {
            None => true,
            Some((fault, _)) => fault.passes(),
        };
        let stands = |failure: &Option<(Fault, Error)>| matches!(failure, Some((Fault::Failed, _)));
        self.pool.config.wait_seconds > 0
            && self.failures.iter().any(heals)
            && !self.failures.iter().any(stands)
    }

    fn none_ready(&self) -> Error {
        let Pool { name, config, .. } = &**self.pool;
        let waited = config.wait_seconds;
        let message = format!("no server of {name:?} was ready within {waited} s: {}", self.listed());
        Error::new(Kind::ServiceUnavailable, message).retry_after(self.pool.come_back())
    }

    /// The error of the call, where the last server failed so.
    fn told(&self, last: Error) -> Error {
        let faults = || self.failures.iter().flatten();
        if self.pool.count() == 1 || faults().all(|(fault, _)| *fault == Fault::Unable) {
            return last;
        }
        let is_alike = faults().all(|(_, error)| error.kind() == last.kind());
        let kind = match last.kind() {
            kind if is_alike && kind != Kind::Connection => kind,
            _ => Kind::ServiceUnavailable,
        };
        let message = format!("no server of {:?} answered: {}", self.pool.name, self.listed());
        let error = Error::new(kind, message);
        if kind.row().retryable { error.retry_after(self.pool.come_back()) } else { error }
    }

    /// Each server and what is wrong with it, in words that name no address.
    fn listed(&self) -> String {
        let server = |(place, failure): (usize, &Option<(Fault, Error)>)| {
            let why = match failure {
                None => "is out".to_owned(),
                Some((_, error)) => match (error.received_status(), error.kind()) {
                    (Some(status), _) => format!("status {status}"),
                    (None, Kind::Connection) => "no connection".to_owned(),
                    (None, Kind::Timeout) => "a deadline passed".to_owned(),
                    (None, kind) => kind.row().python.to_owned(),
                },
            };
            format!("{} ({why})", self.pool.server_name(place))
        };
        self.failures.iter().enumerate().map(server).collect::<Vec<_>>().join(", ")
    }
}

/// The rest of an answer, which counts as under way until it is over.
struct Leased {
    events: EventStream,
    lease: Lease,
}

impl Stream for Leased {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.events.as_mut().poll_next(context);
        if let Poll::Ready(Some(Err(error))) = &polled
            && let Some(fault) = Fault::of(error)
        {
            self.lease.failed(fault, error);
        }
        polled
    }
}
