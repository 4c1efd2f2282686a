//! Identical calls in flight are one call.
//!
//! Only where the cache is on for the call, and never for streams. Whoever waits drives it, so it goes on as
//! long as one is left, and is dropped, which closes its connection, when the last one leaves. An error is
//! the first caller's alone: the others ask again.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use antiphon_core::{Error, Event, Kind, Result};
use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};

use crate::cache::Key;

/// What makes two calls one: the cache's key, and a fingerprint of the credential.
pub(crate) type Name = (Key, u64);

/// A call's events; on an error, nothing.
type Answer = Option<Arc<Vec<Event>>>;
type Work = BoxFuture<'static, Answer>;

/// The calls in flight of a client.
#[derive(Default)]
pub(crate) struct Flights {
    flights: Mutex<HashMap<Name, WeakShared<Work>>>,
}

impl Flights {
    /// The events of the call of that name: of one that is in flight, or of `work`.
    pub(crate) async fn share(
        &self,
        name: Name,
        work: impl Fn() -> BoxFuture<'static, Result<Vec<Event>>>,
    ) -> Result<Vec<Event>> {
        loop {
            let (flight, failure) = self.board(name, &work);
            if let Some(events) = flight.await {
                return Ok(events.to_vec());
            }
            // `None` in it: the flight was another's, and so is its error.
            if let Some(Some(error)) =
                failure.map(|failure| failure.lock().unwrap_or_else(PoisonError::into_inner).take())
            {
                return Err(error);
            }
        }
    }

    /// The flight of that name; where it is a new one, with the place of its error.
    fn board(
        &self,
        name: Name,
        work: impl Fn() -> BoxFuture<'static, Result<Vec<Event>>>,
    ) -> (Shared<Work>, Option<Failure>) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let open = flights.get(&name).and_then(WeakShared::upgrade);
        if let Some(flight) = open.filter(|flight| flight.peek().is_none()) {
            return (flight, None);
        }
        flights.retain(|_, flight| flight.upgrade().is_some_and(|flight| flight.peek().is_none()));
        let failure = Failure::default();
        let place = failure.clone();
        let work = work();
        let flight = async move {
            // Unwinding through a shared future would take everybody along, and those who come after.
            match AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(panicked())) {
                Ok(events) => Some(Arc::new(events)),
                Err(error) => {
                    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    None
                }
            }
        };
        let flight = flight.boxed().shared();
        flights.extend(flight.downgrade().map(|flight| (name, flight)));
        (flight, Some(failure))
    }
}

fn panicked() -> Error {
    Error::new(Kind::Internal, "the call panicked")
}

type Failure = Arc<Mutex<Option<Error>>>;
