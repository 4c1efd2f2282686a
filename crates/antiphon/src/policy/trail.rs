//! The attempts of a call, for the error that ends it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use antiphon_core::Error;
use antiphon_core::error::Attempt;

/// The attempts so far. Shared with the deadline, which ends a call from outside.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    attempts: Mutex<Vec<Attempt>>,
}

impl Trail {
    /// Notes an attempt that failed.
    pub(crate) fn add(&self, error: &Error, elapsed: Duration) {
        let name = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let attempt = Attempt {
            target: format!("{}/{}", name(error.provider()), name(error.model())),
            status: error.received_status(),
            message: error.message().to_owned(),
            elapsed,
        };
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).push(attempt);
    }

    /// The error, with every attempt on it.
    pub(crate) fn onto(&self, error: Error) -> Error {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if attempts.is_empty() || !error.tried().is_empty() { error } else { error.attempts(attempts) }
    }
}
