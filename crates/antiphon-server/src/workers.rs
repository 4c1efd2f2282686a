//! Threads that answer, one runtime each: a connection stays where it was put, together with the connections
//! to providers that its answers come through, so that a piece of a stream wakes no other thread on its way.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// More threads than this answer no more: each has its own connections to providers.
const MOST: usize = 8;

/// The threads. Dropping them ends what they still do.
pub(crate) struct Workers(Vec<Worker>);

struct Worker {
    handle: Handle,
    /// Connections that it has.
    open: Arc<AtomicUsize>,
    /// Dropped, it ends the thread.
    _running: oneshot::Sender<()>,
    _thread: JoinHandle<()>,
}

impl Workers {
    /// One for each processor.
    pub(crate) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        (0..count).map(|_| Worker::start()).collect::<io::Result<_>>().map(Self)
    }

    /// Gives a connection to the thread that has the fewest.
    pub(crate) fn give<F: Future<Output = ()> + Send + 'static>(&self, connection: F) {
        let least = self.0.iter().min_by_key(|worker| worker.open.load(Ordering::Relaxed));
        let Some(worker) = least else { return };
        let place = Place::take(&worker.open);
        worker.handle.spawn(async move {
            connection.await;
            drop(place);
        });
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel::<()>();
        let work = move || {
            // The sender says nothing; it goes away.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("antiphon-serve".into()).spawn(work)?;
        Ok(Self { handle, open: Arc::default(), _running: running, _thread: thread })
    }
}

/// One connection of a worker's.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
