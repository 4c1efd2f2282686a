//! The rate limits of a client, and who waits for their turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use antiphon_core::{Error, Kind, Result};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Mutex as Turn, Semaphore};
use tokio::time::Instant;

use crate::rate_limit::RateLimit;
use crate::resolve::Hosted;

/// Whose requests are counted together: the model of a provider, and a fingerprint of the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    pub(crate) provider: &'static str,
    pub(crate) model: String,
    /// `None` is every key.
    pub(crate) key: Option<u64>,
}

/// All limits that were set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RateLimits {
    default: Option<RateLimit>,
    rules: HashMap<Rule, RateLimit>,
}

/// The limits of a client.
#[derive(Default)]
pub(crate) struct Limits {
    /// Whether there is any, so that calls need look.
    is_on: AtomicBool,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    set: RateLimits,
    /// Those that were asked for, each with whether it stands for the default.
    limiters: HashMap<Rule, (Arc<Limiter>, bool)>,
}

impl Limits {
    /// Waits until the model may be asked; not at all where it would be after `latest`.
    pub(crate) async fn turn(&self, hosted: &Hosted, key: u64, latest: Instant) -> Result<()> {
        while let Some(limiter) = self.limiter(hosted, key) {
            match limiter.turn(latest).await {
                Turned::Yours => return Ok(()),
                // It was changed: what is set now decides.
                Turned::Released => {}
                Turned::TooLate(wait) => return Err(too_late(&limiter, hosted, wait)),
            }
        }
        Ok(())
    }

    /// Waits for a turn without any deadline, after those who have one: for whoever is about to begin a call,
    /// which would only use up its own time.
    pub(crate) async fn patient_turn(&self, hosted: &Hosted, key: u64) {
        while let Some(limiter) = self.limiter(hosted, key) {
            if limiter.patient_turn().await {
                return;
            }
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    fn limiter(&self, hosted: &Hosted, key: u64) -> Option<Arc<Limiter>> {
        if !self.is_on() {
            return None;
        }
        let mut table = self.table();
        let Table { set, limiters } = &mut *table;
        let keyed = Rule { provider: hosted.provider.id, model: hosted.model.clone(), key: Some(key) };
        let any = Rule { key: None, ..keyed.clone() };
        let (rule, limit, is_default) = if let Some(limit) = set.rules.get(&keyed) {
            (keyed, *limit, false)
        } else if let Some(limit) = set.rules.get(&any) {
            (any, *limit, false)
        } else {
            (keyed, set.default?, true)
        };
        let made = || (Arc::new(Limiter::new(limit)), is_default);
        Some(limiters.entry(rule).or_insert_with(made).0.clone())
    }

    pub(crate) fn set(&self, rule: Rule, limit: Option<RateLimit>) {
        let mut table = self.table();
        match limit {
            Some(limit) => table.set.rules.insert(rule.clone(), limit),
            None => table.set.rules.remove(&rule),
        };
        let same = |other: &Rule| other.provider == rule.provider && other.model == rule.model;
        self.changed(table, |other, _| same(other));
    }

    pub(crate) fn set_default(&self, limit: Option<RateLimit>) {
        let mut table = self.table();
        table.set.default = limit;
        self.changed(table, |_, is_default| is_default);
    }

    pub(crate) fn all(&self) -> RateLimits {
        self.table().set.clone()
    }

    pub(crate) fn set_all(&self, limits: RateLimits) {
        let mut table = self.table();
        table.set = limits;
        self.changed(table, |_, _| true);
    }

    /// Releases those who wait at what has changed.
    fn changed(&self, mut table: MutexGuard<'_, Table>, has_changed: impl Fn(&Rule, bool) -> bool) {
        table.limiters.retain(|rule, (limiter, is_default)| {
            let goes = has_changed(rule, *is_default);
            if goes {
                limiter.released.close();
            }
            !goes
        });
        self.is_on.store(table.set.default.is_some() || !table.set.rules.is_empty(), Ordering::Relaxed);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn too_late(limiter: &Limiter, hosted: &Hosted, wait: Duration) -> Error {
    let (provider, model, limit) = (hosted.provider.id, &hosted.model, limiter.limit);
    let message = format!(
        "the rate limit of {provider}/{model} ({limit}) leaves no turn before the call's deadline: \
         the next one comes in {wait:.1?} at the earliest"
    );
    let hint = "ask for fewer calls at once, give a longer timeout, or set a higher rate limit";
    Error::new(Kind::RateLimit, message).retryable(false).target(provider, model).hint(hint)
}

/// The clock of the runtime, which tests can stop.
#[derive(Debug, Clone, Default)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// One limit. Who waits stands in a queue, and only the first one has a timer.
struct Limiter {
    limit: RateLimit,
    bucket: Bucket,
    apart: Duration,
    /// How much earlier than evenly a turn may come.
    early: Duration,
    /// When the next turn would come, evenly: what those at the end of the queue expect.
    even: Mutex<Option<Instant>>,
    /// How many stand in the queue, the first one included.
    waiting: AtomicU32,
    queue: Turn<()>,
    /// Those without a deadline: one of them at a time joins the queue.
    patient: Turn<()>,
    /// Closed once the limit is no longer set.
    released: Semaphore,
}

enum Turned {
    Yours,
    Released,
    /// The turn comes after so long at the earliest.
    TooLate(Duration),
}

impl Limiter {
    fn new(limit: RateLimit) -> Self {
        let (together, apart) = limit.spacing();
        let together = std::num::NonZeroU32::new(together).unwrap_or(std::num::NonZeroU32::MIN);
        let quota = Quota::with_period(apart).unwrap_or(Quota::per_second(together)).allow_burst(together);
        Self {
            limit,
            bucket: RateLimiter::direct_with_clock(quota, TokioClock),
            apart,
            early: apart * (together.get() - 1),
            even: Mutex::new(None),
            waiting: AtomicU32::new(0),
            queue: Turn::new(()),
            patient: Turn::new(()),
            released: Semaphore::new(0),
        }
    }

    async fn turn(&self, latest: Instant) -> Turned {
        let place = Place::take(&self.waiting);
        let least = self.least(place.ahead);
        if Instant::now() + least > latest {
            return Turned::TooLate(least);
        }
        tokio::select! {
            biased;
            _ = self.released.acquire() => Turned::Released,
            turned = self.stand(latest) => turned,
        }
    }

    async fn stand(&self, latest: Instant) -> Turned {
        let _first = self.queue.lock().await;
        while let Some(wait) = self.wait() {
            if Instant::now() + wait > latest {
                return Turned::TooLate(wait);
            }
            tokio::time::sleep(wait).await;
        }
        Turned::Yours
    }

    /// False where the limit is no longer set.
    async fn patient_turn(&self) -> bool {
        let stand = async {
            let _patient = self.patient.lock().await;
            let _first = self.queue.lock().await;
            while let Some(wait) = self.wait() {
                tokio::time::sleep(wait).await;
            }
        };
        tokio::select! {
            biased;
            _ = self.released.acquire() => false,
            () = stand => true,
        }
    }

    /// How long one waits at least who has so many before him.
    fn least(&self, ahead: u32) -> Duration {
        let now = Instant::now();
        let even = self.even.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(now);
        (even + self.apart.saturating_mul(ahead)).saturating_duration_since(now + self.early)
    }

    /// How long until the next turn; takes it where it is now.
    fn wait(&self) -> Option<Duration> {
        let now = Instant::now();
        if let Err(until) = self.bucket.check() {
            return Some(until.wait_time_from(now.into_std()));
        }
        let mut even = self.even.lock().unwrap_or_else(PoisonError::into_inner);
        *even = Some(even.unwrap_or(now).max(now) + self.apart);
        None
    }
}

/// A place in the queue.
struct Place<'a> {
    waiting: &'a AtomicU32,
    ahead: u32,
}

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicU32) -> Self {
        Self { waiting, ahead: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
