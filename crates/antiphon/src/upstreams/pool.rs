//! What is known of the servers of one upstream, and whose turn it is.
//!
//! Of those that are ready, the one with the least under way for its weight is asked; of those alike, each in
//! turn. A server that fails is out for a while that grows, and comes back by one request, or by its health
//! path where it has one. All of it is one lock, held for no longer than a look at the servers takes.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use antiphon_core::{Error, Kind, Request, Result};
use reqwest::Url;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::{UpstreamConfig, affinity};
use crate::call::Options;
use crate::env_vars;

/// After so many failures on end a server is out that answers, but with errors.
const FAILURES: u32 = 3;

/// After so many failed checks on end a server is out.
const FAILED_CHECKS: u32 = 2;

/// How long a server is out at first; each time on end twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// The longest that a server is out without being tried.
const LONGEST: Duration = Duration::from_secs(30);

/// The same while requests wait for any server at all.
const LONGEST_AWAITED: Duration = Duration::from_secs(1);

/// A server's own word on when to come back holds for no longer than this.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// A request that tries a server has been taken by it when nothing has gone wrong for so long: longer than a
/// connection may take to be made.
const TAKEN: Duration = Duration::from_secs(6);

/// How much more than its share a server may have under way before what belongs to it goes elsewhere.
const OVERFULL: f64 = 1.25;

/// And so many requests more, which a server answers together without loss.
const TOGETHER: f64 = 4.0;

/// When to come back where nobody can tell.
const COME_BACK: Duration = Duration::from_secs(5);

/// One upstream.
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) config: UpstreamConfig,
    /// What its retries are counted by.
    pub(crate) id: u64,
    servers: Vec<Server>,
    state: Mutex<State>,
    /// Told when something has changed with a server.
    news: Notify,
}

/// What does not change of a server.
struct Server {
    name: Arc<str>,
    /// What it draws lots by: the same wherever it stands in the table.
    id: u64,
    health: Option<Url>,
}

#[derive(Default)]
struct State {
    servers: Vec<Known>,
    /// Requests that wait for a server.
    waiting: u32,
}

/// What is known of a server.
#[derive(Default)]
struct Known {
    in_flight: u32,
    requests: u64,
    failures: u64,
    /// Failures on end.
    row: u32,
    /// Failed checks on end.
    checks: u32,
    /// How often it was out on end.
    times_out: u32,
    /// Its credit among those whose turn it may be.
    credit: i64,
    /// `None` while it is ready.
    out: Option<Out>,
}

/// A server that is not ready.
struct Out {
    since: Instant,
    until: Instant,
    fault: Fault,
    /// Since when somebody tries it.
    trial: Option<Instant>,
}

/// What of an error is the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be reached, or says that it is not available.
    NotReady,
    /// It asks to come back after this.
    Busy(Duration),
    /// It answers, and wrongly.
    Failed,
    /// It cannot do what is asked; another one may.
    Unable,
}

impl Fault {
    /// What of the error is the server's; `None` where every other would answer the same.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        match error.kind() {
            Kind::Connection => Some(Self::NotReady),
            Kind::ServiceUnavailable => Some(error.wait().map_or(Self::NotReady, Self::Busy)),
            Kind::RateLimit => Some(Self::Busy(error.wait().unwrap_or(LONGEST_AWAITED))),
            // Only making a connection can have been tried in vain and be worth another try.
            Kind::Timeout if error.is_retryable() => Some(Self::NotReady),
            Kind::UnsupportedParams | Kind::LocalModel => Some(Self::Unable),
            Kind::Timeout
            | Kind::InternalServer
            | Kind::BadGateway
            | Kind::StreamInterrupted
            | Kind::ResponseValidation
            | Kind::Authentication
            | Kind::PermissionDenied
            | Kind::PaymentRequired
            | Kind::QuotaExceeded
            | Kind::NotFound
            | Kind::UnknownProvider => Some(Self::Failed),
            _ => None,
        }
    }

    /// Whether waiting heals it.
    pub(crate) fn passes(self) -> bool {
        matches!(self, Self::NotReady | Self::Busy(_))
    }
}

/// Whose turn it is.
pub(crate) struct Pick {
    pub(crate) lease: Option<Lease>,
    /// A server whose health path shall be asked now.
    pub(crate) probe: Option<usize>,
    /// When there may be another one.
    pub(crate) wake: Option<Instant>,
}

/// A request under way on a server, until it is dropped.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    pub(crate) place: usize,
    is_trial: bool,
}

/// A request that waits for a server.
pub(crate) struct Waiting(Arc<Pool>);

/// What an upstream does.
#[derive(Debug, Clone, PartialEq)]
pub struct UpstreamStatus {
    /// By what name it is asked for.
    pub name: String,
    /// Requests that wait for a server.
    pub waiting: u32,
    /// Its servers, in the order of the table.
    pub servers: Vec<ServerStatus>,
}

/// What a server of an upstream does.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerStatus {
    /// What it is called.
    pub name: String,
    /// Whether it is asked.
    pub up: bool,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests that it was sent.
    pub requests: u64,
    /// How many of them failed by its fault.
    pub failures: u64,
}

impl Pool {
    pub(super) fn new(name: &str, config: UpstreamConfig) -> Self {
        let server = |(server, name): (&super::ServerConfig, String)| {
            let base_url = server.base_url.as_deref().unwrap_or_default();
            let health = config.health.as_ref().zip(server.base_url.as_ref());
            Server {
                id: affinity::number(&[server.model.as_bytes(), base_url.as_bytes(), name.as_bytes()]),
                name: name.into(),
                health: health.and_then(|(path, base_url)| health_url(base_url, path)),
            }
        };
        let servers: Vec<Server> = config.servers.iter().zip(config.server_names()).map(server).collect();
        let known = servers.iter().map(|_| Known::default()).collect();
        Self {
            name: name.to_owned(),
            id: affinity::number(&[name.as_bytes()]),
            servers,
            state: Mutex::new(State { servers: known, waiting: 0 }),
            config,
            news: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn server_name(&self, place: usize) -> &str {
        &self.servers[place].name
    }

    /// The model that a server is asked for.
    pub(crate) fn model(&self, place: usize) -> &str {
        &self.config.servers[place].model
    }

    pub(crate) fn health_url(&self, place: usize) -> Option<&Url> {
        self.servers[place].health.as_ref()
    }

    /// The options of a call, as the server in that place wants them.
    pub(crate) fn options(&self, place: usize, options: &Options) -> Options {
        let server = &self.config.servers[place];
        let variable = || Some(env_vars::read(server.key_variable.as_deref()?)?.into());
        Options {
            base_url: server.base_url.clone(),
            api_key: server.api_key.clone().or_else(variable),
            server: Some(self.servers[place].name.clone()),
            ..options.clone()
        }
    }

    /// Refuses a call that names what each server has of its own.
    pub(crate) fn check(&self, options: &Options) -> Result<()> {
        let refuse = |field: &str| {
            let message = format!("{:?} is an upstream, whose servers have their own", self.name);
            Err(Error::invalid(field, message).hint("give it in the server's table of config.toml"))
        };
        match (&options.base_url, &options.api_key) {
            (Some(_), _) => refuse("base_url"),
            (_, Some(_)) => refuse("api_key"),
            _ => Ok(()),
        }
    }

    /// What the request shares with those that belong on the same server.
    pub(crate) fn session(&self, request: &Request) -> Option<u64> {
        affinity::session(self.config.affinity, request)
    }

    /// Chooses among the servers that were not `tried`. `Among::Awaited` tries those that are out sooner,
    /// `Among::All` does not care whether they are.
    pub(crate) fn pick(self: &Arc<Self>, session: Option<u64>, tried: &[bool], among: Among) -> Pick {
        let now = Instant::now();
        let mut state = self.state();
        let mut ready = Vec::with_capacity(self.servers.len());
        let mut pick = Pick { lease: None, probe: None, wake: None };
        let mut trial = None;
        for (place, known) in state.servers.iter_mut().enumerate() {
            match known.standing(now, among) {
                Standing::Ready if !tried[place] => ready.push(place),
                Standing::Ready => {}
                // One look at a time; the others are due as much the next time.
                Standing::Due if self.servers[place].health.is_some() => {
                    if pick.probe.is_none() {
                        known.begin_trial(now);
                        pick.probe = Some(place);
                    }
                    pick.wake = earlier(pick.wake, now + TAKEN);
                }
                Standing::Due if !tried[place] => trial = trial.or(Some(place)),
                Standing::Due => {}
                Standing::Out(until) => pick.wake = earlier(pick.wake, until),
            }
        }
        let place = self.choose(&mut state, &ready, trial, session);
        pick.lease = place.map(|place| {
            let known = &mut state.servers[place];
            known.in_flight += 1;
            known.requests += 1;
            if trial == Some(place) {
                known.begin_trial(now);
            }
            Lease { pool: self.clone(), place, is_trial: trial == Some(place) }
        });
        pick
    }

    /// One that is to be tried goes first, while others could stand in; those of no weight come last.
    fn choose(
        &self,
        state: &mut State,
        ready: &[usize],
        trial: Option<usize>,
        session: Option<u64>,
    ) -> Option<usize> {
        let weight = |place: &usize| self.config.servers[*place].weight;
        let weighed: Vec<usize> = ready.iter().copied().filter(|place| weight(place) > 0).collect();
        if let Some(trial) = trial.filter(|trial| weight(trial) > 0 || weighed.is_empty()) {
            return Some(trial);
        }
        if weighed.is_empty() {
            return self.in_turn(state, ready);
        }
        match session.and_then(|session| self.at_home(state, &weighed, session)) {
            Some(place) => Some(place),
            None => self.in_turn(state, &weighed),
        }
    }

    /// The server that the session belongs to, or the next one where that has too much to do.
    fn at_home(&self, state: &State, places: &[usize], session: u64) -> Option<usize> {
        let weight = |place: usize| f64::from(self.config.servers[place].weight);
        let all: f64 = places.iter().map(|place| weight(*place)).sum();
        let under_way: u32 = places.iter().map(|place| state.servers[*place].in_flight).sum();
        let has_room = |place: &usize| {
            let share = f64::from(under_way + 1) * weight(*place) / all;
            f64::from(state.servers[*place].in_flight) < share * OVERFULL + TOGETHER
        };
        let draw = |place: &usize| {
            affinity::draw(session, self.servers[*place].id, self.config.servers[*place].weight)
        };
        let roomy = places.iter().copied().filter(has_room);
        roomy.max_by(|one, other| draw(one).total_cmp(&draw(other)))
    }

    /// The one with the least under way for its weight; of several such, the one whose turn it is.
    fn in_turn(&self, state: &mut State, places: &[usize]) -> Option<usize> {
        let weight = |place: usize| i64::from(self.config.servers[place].weight.max(1));
        // Under way for its weight, as a fraction that is compared without dividing.
        let load = |state: &State, place: usize| i64::from(state.servers[place].in_flight);
        let least = places.iter().copied().min_by(|&one, &other| {
            (load(state, one) * weight(other)).cmp(&(load(state, other) * weight(one)))
        })?;
        let is_alike =
            |place: &usize| load(state, *place) * weight(least) == load(state, least) * weight(*place);
        let alike: Vec<usize> = places.iter().copied().filter(is_alike).collect();
        let all: i64 = alike.iter().map(|place| weight(*place)).sum();
        alike.iter().for_each(|place| state.servers[*place].credit += weight(*place));
        // Of equals the first.
        let next = alike.iter().copied().rev().max_by_key(|place| state.servers[*place].credit)?;
        state.servers[next].credit -= all;
        Some(next)
    }

    /// Takes a place among those who wait; refused where there is none left.
    pub(crate) fn wait(self: &Arc<Self>) -> Result<Waiting> {
        let mut state = self.state();
        if state.waiting >= self.config.queue {
            let message = format!(
                "no server of {:?} is ready, and {} requests wait for one already, which is the most",
                self.name, self.config.queue
            );
            drop(state);
            return Err(Error::new(Kind::RateLimit, message).retry_after(self.come_back()));
        }
        state.waiting += 1;
        Ok(Waiting(self.clone()))
    }

    /// Becomes ready when something has changed with a server.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    /// Whether a server is only asked where no other answers.
    pub(crate) fn is_last_resort(&self, place: usize) -> bool {
        self.config.servers[place].weight == 0
    }

    /// When to ask again that could not be answered.
    pub(crate) fn come_back(&self) -> Duration {
        let now = Instant::now();
        let state = self.state();
        let waits = state.servers.iter().filter_map(|known| match known.out.as_ref()? {
            Out { fault: Fault::Busy(_), until, .. } => Some(until.saturating_duration_since(now)),
            _ => None,
        });
        waits.min().unwrap_or(COME_BACK).max(Duration::from_secs(1))
    }

    /// The health path of a server was asked, in time or on trial.
    pub(crate) fn checked(&self, place: usize, is_well: bool) {
        let mut state = self.state();
        let known = &mut state.servers[place];
        let Some(out) = &known.out else {
            known.checks = if is_well { 0 } else { known.checks + 1 };
            if known.checks >= FAILED_CHECKS {
                self.put_out(place, known, Fault::NotReady, "its health path says so");
            }
            return;
        };
        match (is_well, out.fault) {
            // What a server says of itself is worth less than what it answers, or asks for.
            (true, Fault::NotReady) => self.bring_back(place, known),
            (true, Fault::Failed) if out.trial.is_some() => self.bring_back(place, known),
            (false, _) if out.trial.is_some() => {
                self.put_out(place, known, Fault::NotReady, "its health path says so");
            }
            _ => {}
        }
    }

    fn put_out(&self, place: usize, known: &mut Known, fault: Fault, why: impl Display) {
        let now = Instant::now();
        let after = match fault {
            Fault::Busy(wait) => wait.min(LONGEST_ASKED),
            _ => FIRST.saturating_mul(1 << known.times_out.min(10)).min(LONGEST),
        };
        let server = &*self.servers[place].name;
        if known.out.is_none() {
            tracing::warn!(upstream = self.name, server, ?after, %why, "a server is not asked");
        }
        known.out = Some(Out { since: now, until: now + after, fault, trial: None });
        known.times_out += 1;
        known.checks = 0;
        // Whoever waits wants to know when to try it.
        self.news.notify_waiters();
    }

    fn bring_back(&self, place: usize, known: &mut Known) {
        (known.row, known.checks, known.times_out) = (0, 0, 0);
        if known.out.take().is_some() {
            let server = &*self.servers[place].name;
            tracing::info!(upstream = self.name, server, "a server is asked again");
            self.news.notify_waiters();
        }
    }

    /// What is said of it beside the request to its first server.
    pub(crate) fn explained(&self) -> String {
        let names = self.servers.iter().map(|server| &*server.name).collect::<Vec<_>>().join(", ");
        format!("{} is answered by one of {names}: this is the request to the first", self.name)
    }

    pub(crate) fn status(&self) -> UpstreamStatus {
        let state = self.state();
        let server = |(server, known): (&Server, &Known)| ServerStatus {
            name: server.name.as_ref().to_owned(),
            up: known.out.is_none(),
            in_flight: known.in_flight,
            requests: known.requests,
            failures: known.failures,
        };
        UpstreamStatus {
            name: self.name.clone(),
            waiting: state.waiting,
            servers: self.servers.iter().zip(&state.servers).map(server).collect(),
        }
    }
}

/// Which servers may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// Those that are ready, and those whose time to be tried has come.
    Ready,
    /// The same, where that time comes soon: a request waits.
    Awaited,
    /// All: each of them is out, and none is waited for.
    All,
}

/// How a server stands.
enum Standing {
    Ready,
    /// It was out for long enough to be tried.
    Due,
    /// Until then.
    Out(Instant),
}

impl Known {
    fn standing(&mut self, now: Instant, among: Among) -> Standing {
        let Some(out) = &self.out else { return Standing::Ready };
        if let Some(trial) = out.trial {
            let taken = trial + TAKEN;
            if now < taken {
                return if among == Among::All { Standing::Ready } else { Standing::Out(taken) };
            }
            (self.out, self.row) = (None, 0);
            return Standing::Ready;
        }
        let soon = out.since + LONGEST_AWAITED;
        let due = match out.fault {
            Fault::Busy(_) => out.until,
            _ if among == Among::Awaited => out.until.min(soon),
            _ => out.until,
        };
        match among {
            Among::All => Standing::Ready,
            _ if now >= due => Standing::Due,
            _ => Standing::Out(due),
        }
    }

    fn begin_trial(&mut self, now: Instant) {
        if let Some(out) = &mut self.out {
            out.trial = Some(now);
        }
    }
}

impl Lease {
    /// The server has answered, be it that it refuses what is asked.
    pub(crate) fn answered(&mut self) {
        self.is_trial = false;
        let mut state = self.pool.state();
        self.pool.bring_back(self.place, &mut state.servers[self.place]);
    }

    /// The request failed by the server's fault.
    pub(crate) fn failed(&mut self, fault: Fault, error: &Error) {
        let is_trial = std::mem::take(&mut self.is_trial);
        let mut state = self.pool.state();
        let known = &mut state.servers[self.place];
        if fault == Fault::Unable {
            return self.pool.let_go(known, is_trial);
        }
        known.failures += 1;
        known.row += 1;
        // What failed together with others counts once.
        let is_news = is_trial || known.out.is_none();
        if is_news && (fault != Fault::Failed || is_trial || known.row >= FAILURES) {
            self.pool.put_out(self.place, known, fault, error.kind().row().python);
        }
    }
}

impl Pool {
    /// Whoever tried the server has not found out: another may try.
    fn let_go(&self, known: &mut Known, is_trial: bool) {
        if let Some(out) = known.out.as_mut().filter(|_| is_trial) {
            out.trial = None;
            self.news.notify_waiters();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        let known = &mut state.servers[self.place];
        known.in_flight -= 1;
        self.pool.let_go(known, self.is_trial);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

fn earlier(one: Option<Instant>, other: Instant) -> Option<Instant> {
    Some(one.map_or(other, |one| one.min(other)))
}

/// The health path at the server's address.
fn health_url(base_url: &str, path: &str) -> Option<Url> {
    let mut url = Url::parse(base_url.trim()).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(path);
    Some(url)
}
