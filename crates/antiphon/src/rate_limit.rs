//! How many requests go out in a second, a minute or an hour: off until somebody sets it.
//!
//! A limit holds for each attempt, so that retries wait for their turn, too. Attempts are spaced evenly: in no
//! window of the unit are there more than the limit. Models in this process and mocked calls have none. Each
//! process counts its own.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use antiphon_core::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::call::Options;
use crate::client::Client;
use crate::custom;
use crate::policy::limits::Rule;
use crate::resolve::Place;

pub use crate::policy::limits::RateLimits;

/// A number of requests in a unit of time: `"60/min"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    requests: f64,
    unit: Unit,
}

/// In what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Unit {
    fn seconds(self) -> f64 {
        match self {
            Unit::Second => 1.0,
            Unit::Minute => 60.0,
            Unit::Hour => 3600.0,
        }
    }

    fn article(self) -> &'static str {
        if self == Unit::Hour { "an" } else { "a" }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
        }
    }
}

impl FromStr for Unit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "s" | "sec" | "second" | "per-second" => Ok(Unit::Second),
            "m" | "min" | "minute" | "per-minute" => Ok(Unit::Minute),
            "h" | "hour" | "per-hour" => Ok(Unit::Hour),
            _ => Err(Error::invalid(
                "request_rate_unit",
                format_args!("must be \"per-second\", \"per-minute\" or \"per-hour\", got {text:?}"),
            )),
        }
    }
}

/// A slower limit than one request in a year is a slip.
const LEAST: f64 = 1.0 / (365.0 * 86_400.0);

/// A faster one than this in a second is none.
const MOST: f64 = 1e6;

impl RateLimit {
    /// So many requests in each unit of time; a part of one, too.
    pub fn new(requests: f64, unit: Unit) -> Result<Self> {
        let a_second = requests / unit.seconds();
        if !(LEAST..=MOST).contains(&a_second) {
            let wrong = format_args!("must be above 0 and at most a million a second, got {requests}");
            return Err(Error::invalid("request_rate", wrong));
        }
        Ok(Self { requests, unit })
    }

    /// So many requests in a minute.
    pub fn per_minute(requests: f64) -> Result<Self> {
        Self::new(requests, Unit::Minute)
    }

    /// How many attempts may stand close together, and how far apart the others are. What a timer wakes too
    /// late is caught up with, where that would be felt; the rest is spaced so that no window of the unit has
    /// more than the limit.
    pub(crate) fn spacing(self) -> (u32, Duration) {
        const LATE: f64 = 0.01;
        let unit = self.unit.seconds();
        let even = unit / self.requests;
        let together = if even >= 10.0 * LATE { 1.0 } else { 1.0 + (LATE / even).ceil() };
        let apart = unit / (self.requests - together + 1.0);
        (together as u32, Duration::from_nanos((apart * 1e9).ceil() as u64))
    }
}

impl FromStr for RateLimit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong =
            || Error::invalid("rate", format_args!("must be such as 60/min, 2/s or 1000/hour, got {text:?}"));
        let (requests, unit) = text.split_once('/').ok_or_else(wrong)?;
        let requests = requests.trim().parse().map_err(|_| wrong())?;
        Self::new(requests, unit.trim().parse().map_err(|_| wrong())?)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.requests, self.unit.article(), self.unit.name())
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.message()))
    }
}

/// What tells one key from another in this process and those forked from it, and cannot be turned back.
pub(crate) fn fingerprint(key: &SecretString) -> u64 {
    hasher().hash_one(key.expose_secret())
}

/// The hasher of fingerprints. A client makes it before there are threads: a fork must not copy one half made.
pub(crate) fn hasher() -> &'static RandomState {
    static HASHER: OnceLock<RandomState> = OnceLock::new();
    HASHER.get_or_init(RandomState::new)
}

impl Client {
    /// Limits the requests to a model; `None` takes its limit away. With a key, only those with that key; else
    /// all of them together. Those who wait begin to wait anew, by what is set now.
    pub fn set_rate_limit(
        &self,
        model: &str,
        api_key: Option<&SecretString>,
        limit: Option<RateLimit>,
    ) -> Result<()> {
        let (provider, model) = match self.place(model, &Options::default()) {
            Ok(Place::Hosted(provider, model)) => (provider.id, model),
            Ok(Place::Local(_)) => {
                return Err(Error::invalid(
                    "model",
                    format_args!("{model:?} runs in this process, unlimited"),
                ));
            }
            // A bare name is a model of whatever address the call gives.
            Err(error) => match custom::anywhere().filter(|_| !model.contains('/') && !model.is_empty()) {
                Some(provider) => (provider.id, model),
                None => return Err(error),
            },
        };
        let rule = Rule { provider, model: model.to_owned(), key: api_key.map(fingerprint) };
        self.limits().set(rule, limit);
        Ok(())
    }

    /// Limits the requests to every model, and with every key of it, that has no limit of its own; each for
    /// itself. `None` takes that away.
    pub fn set_default_rate_limit(&self, limit: Option<RateLimit>) {
        self.limits().set_default(limit);
    }

    /// All that was set: for another client.
    pub fn rate_limits(&self) -> RateLimits {
        self.limits().all()
    }

    /// Sets all that another client has.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.limits().set_all(limits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, shown) in [
            ("60/min", "60 a minute"),
            ("0.5/per-minute", "0.5 a minute"),
            ("2 / s", "2 a second"),
            ("1000/hour", "1000 an hour"),
        ] {
            assert_eq!(text.parse::<RateLimit>().unwrap().to_string(), shown);
        }
        for text in ["60", "0/min", "-1/s", "NaN/s", "inf/s", "many/min", "1/day", ""] {
            let error = text.parse::<RateLimit>().unwrap_err();
            assert!(error.message().starts_with("rate: ") || error.message().starts_with("request_rate: "));
        }
    }

    #[test]
    fn no_window_has_more_than_the_limit() {
        for text in ["60/min", "1/s", "1000/min", "10000/min", "1000/s", "0.5/min"] {
            let limit: RateLimit = text.parse().unwrap();
            let (together, apart) = limit.spacing();
            let window = limit.unit.seconds() / apart.as_secs_f64();
            // At the start of a window all that may stand together, then one after another.
            assert!(f64::from(together - 1) + window <= limit.requests + 1e-6, "{text}");
            assert!(window >= limit.requests * 0.97, "{text} is not reached");
        }
    }
}
