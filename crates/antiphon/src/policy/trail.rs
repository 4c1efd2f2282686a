//! The attempts of a call, for the error that ends it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use antiphon_core::Error;
use antiphon_core::error::Attempt;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::call::Options;
use crate::providers;
use crate::resolve::{Credential, Hosted};

/// The attempts so far. Shared with the deadline, which ends a call from outside.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    attempts: Mutex<Vec<Attempt>>,
    /// The local model that is asked now: it has no attempts.
    local: Mutex<Option<String>>,
    turn_is_used: AtomicBool,
}

impl Trail {
    fn add(&self, attempt: Attempt) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).push(attempt);
    }

    /// Whether an attempt has had its turn at the rate limit: the first one of a call that took it before.
    pub(crate) fn has_turn(&self, options: &Options) -> bool {
        options.has_turn && !self.turn_is_used.swap(true, Ordering::Relaxed)
    }

    /// Notes that this local model is asked now, or none.
    pub(crate) fn asks(&self, local: Option<&str>) {
        *self.local.lock().unwrap_or_else(PoisonError::into_inner) = local.map(str::to_owned);
    }

    /// The error, with every attempt on it; one that names nobody is the last attempt's.
    pub(crate) fn onto(&self, error: Error) -> Error {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let asked = attempts.last().and_then(|attempt| attempt.target.split_once('/'));
        let local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match local.as_deref().map(|model| (providers::LOCAL, model)).or(asked) {
            Some((provider, model)) => error.target(provider, model),
            None => error,
        };
        if attempts.is_empty() || !error.tried().is_empty() { error } else { error.attempts(attempts) }
    }
}

/// An attempt under way, until its answer is over. One that is dropped before is noted as cut off: by a
/// deadline, whose error then tells of it, too.
pub(crate) struct UnderWay {
    trail: Arc<Trail>,
    hosted: Arc<Hosted>,
    started: Instant,
    is_over: bool,
}

impl UnderWay {
    pub(crate) fn new(trail: &Arc<Trail>, hosted: &Arc<Hosted>) -> Self {
        Self { trail: trail.clone(), hosted: hosted.clone(), started: Instant::now(), is_over: false }
    }

    /// The answer is over.
    pub(crate) fn ended(&mut self) {
        self.is_over = true;
    }

    /// The attempt failed: notes it, and says on the error who was asked; but not with which key, should the
    /// provider have repeated it.
    pub(crate) fn failed(&mut self, error: Error) -> Error {
        self.is_over = true;
        let error = error.target(self.hosted.provider.id, &self.hosted.model);
        let error = match &self.hosted.credential {
            Credential::None => error,
            Credential::Key(secret) | Credential::Token(secret) => error.hide(secret.expose_secret().trim()),
        };
        self.note(error.received_status(), error.message());
        error
    }

    /// The same, where no other attempt follows: with every attempt on the error.
    pub(crate) fn ended_by(&mut self, error: Error) -> Error {
        let error = self.failed(error);
        self.trail.onto(error)
    }

    fn note(&self, status: Option<u16>, message: &str) {
        self.trail.add(Attempt {
            target: format!("{}/{}", self.hosted.provider.id, self.hosted.model),
            status,
            message: match &self.hosted.server {
                Some(server) => format!("{server}: {message}"),
                None => message.to_owned(),
            },
            elapsed: self.started.elapsed(),
        });
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_over {
            self.note(None, "the call ended before the answer did");
        }
    }
}
