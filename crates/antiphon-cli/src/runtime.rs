//! The runtime of calls: one thread, made when the first call is.

use std::future::Future;

use antiphon::{Error, Kind};
use tokio::runtime::{Builder, Runtime};

use crate::failure::{Failure, Outcome};

/// A runtime on the current thread.
pub(crate) fn start() -> Outcome<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Internal, format!("cannot start the runtime: {error}")).into())
}

/// Runs one piece of work to its end or to Ctrl-C.
pub(crate) fn run<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = start()?;
    let outcome = runtime.block_on(or_interrupt(work));
    // A model that is still loading is not waited for.
    runtime.shutdown_background();
    outcome
}

/// `work`, unless Ctrl-C ends it: then it is dropped, which cancels a call.
pub(crate) async fn or_interrupt<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::select! {
        biased;
        outcome = work => outcome,
        () = interrupt() => Err(Failure::Interrupted),
    }
}

pub(crate) async fn interrupt() {
    // Where no handler can be set, the system's own ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
