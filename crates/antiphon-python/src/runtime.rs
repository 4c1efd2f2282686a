//! The one background worker of a process, and how a Python thread waits for it.
//!
//! A call is first polled once where it was made, so that what needs no waiting (a mock, a cache hit) never
//! crosses threads; only then it moves to the worker. The worker starts with the first call that waits, and
//! never attaches to Python. A forked child leaks what its parent had and starts anew.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use antiphon::{Client, Error, Kind, RateLimits, Result};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::errors;
use crate::mailbox::Mailbox;
use crate::models;

/// How often a thread that waits looks for signals.
const SIGNAL_CHECK: Duration = Duration::from_millis(50);

/// How long the end of the process waits for what cannot be dropped: a model that is being loaded.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// Runtime and client of this process. Locked only by threads that are attached to Python, so that a
/// `fork`, which happens on such a thread, never copies a locked lock.
static CURRENT: Mutex<Option<Arc<Host>>> = Mutex::new(None);

/// Whether this process is ending: no call is to be finished any more.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_ending() -> bool {
    IS_ENDING.load(Ordering::Acquire)
}

/// What the program set: a forked child's new client is told, too.
#[derive(Default)]
pub(crate) struct Settings {
    /// Where answers are kept by default.
    pub(crate) cache_path: Option<PathBuf>,
    /// `None` where the program set none.
    pub(crate) rate_limits: Option<RateLimits>,
    /// Whether the records of calls are gathered.
    pub(crate) tracks: bool,
    /// The file of those records; `None` where the program said nothing of it.
    pub(crate) call_log: Option<Option<PathBuf>>,
}

/// Locked as `CURRENT` is.
static SETTINGS: Mutex<Settings> =
    Mutex::new(Settings { cache_path: None, rate_limits: None, tracks: false, call_log: None });

/// Notes a setting for the clients of processes that are forked from this one.
pub(crate) fn remember(note: impl FnOnce(&mut Settings)) {
    note(&mut SETTINGS.lock().unwrap_or_else(PoisonError::into_inner));
}

impl Settings {
    fn tell(&self, client: &Client) {
        client.set_default_cache_path(self.cache_path.clone());
        if let Some(limits) = &self.rate_limits {
            client.set_rate_limits(limits.clone());
        }
        if self.tracks {
            client.start_tracking();
        }
        if let Some(path) = &self.call_log {
            client.set_call_log_path(path.clone());
        }
    }
}

/// Runtime and client of one process.
pub(crate) struct Host {
    process: u32,
    /// `None` once the interpreter ends: dropping the last one ends the threads of local models. Locked for
    /// reading while a call is on its way to the worker, so that none is overlooked at the end.
    client: RwLock<Option<Client>>,
    handle: Handle,
    is_closed: AtomicBool,
    worker: Mutex<Worker>,
    open: Mutex<Vec<Weak<dyn Close>>>,
}

/// Something that is to be closed before the interpreter ends.
pub(crate) trait Close: Send + Sync {
    fn close(&self);
}

enum Worker {
    Waiting(Runtime),
    Running { stop: oneshot::Sender<()>, thread: thread::JoinHandle<()> },
    Gone,
}

/// A future that was polled once.
pub(crate) enum Begun<T> {
    Ready(Result<T>),
    Sent(Sent<T>),
}

/// A future on the worker. Dropping it drops the future.
pub(crate) struct Sent<T> {
    task: Task,
    pub(crate) mailbox: Arc<Mailbox<Result<T>>>,
}

impl<T> Drop for Sent<T> {
    fn drop(&mut self) {
        if !self.task.is_ours() {
            // A forked child's copy: what has come may hold a connection of the parent's.
            std::mem::forget(self.mailbox.clone());
        }
    }
}

impl<T> Sent<T> {
    /// What the future came to, once it is in the mailbox.
    pub(crate) fn take(self) -> Result<T> {
        let outcome = self.mailbox.take().and_then(|mut outcomes| outcomes.pop_front());
        outcome.unwrap_or_else(|| {
            Err(Error::new(
                Kind::Internal,
                "the call ended without an outcome: its thread could not be started",
            ))
        })
    }
}

/// A boxed future.
pub(crate) type Future<T> = Pin<Box<dyn std::future::Future<Output = Result<T>> + Send>>;

impl Host {
    /// The host of this process, made where it is not there yet.
    pub(crate) fn current(py: Python<'_>) -> PyResult<Arc<Self>> {
        let (host, is_new) = {
            let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
            match current.as_ref() {
                Some(host) if host.is_ours() && !host.is_broken() => (Ok(host.clone()), false),
                _ => match Self::new() {
                    Ok(host) => {
                        let host = Arc::new(host);
                        // The parent's: its worker does not exist here, and its files are still the parent's.
                        std::mem::forget(current.replace(host.clone()));
                        (Ok(host), true)
                    }
                    Err(error) => (Err(error), false),
                },
            }
        };
        // Making an exception may let other threads run, which may wait for the lock: not under it.
        let host = host.map_err(|error| errors::to_python(py, &error))?;
        if is_new {
            let shutdown = py.import("antiphon._antiphon")?.getattr("shutdown")?;
            py.import("atexit")?.call_method1("register", (shutdown,))?;
        }
        if host.is_closed.load(Ordering::Acquire) {
            return Err(PyRuntimeError::new_err("antiphon cannot be called while the interpreter ends"));
        }
        Ok(host)
    }

    fn new() -> Result<Self> {
        let client = Client::new()?;
        client.catalog().extend(&models::REGISTERED);
        SETTINGS.lock().unwrap_or_else(PoisonError::into_inner).tell(&client);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(Kind::Internal, format!("cannot start the runtime: {error}")))?;
        Ok(Self {
            process: std::process::id(),
            client: RwLock::new(Some(client)),
            handle: runtime.handle().clone(),
            is_closed: AtomicBool::new(false),
            worker: Mutex::new(Worker::Waiting(runtime)),
            open: Mutex::new(Vec::new()),
        })
    }

    /// Does something with the client. Not to be called by a thread that is attached to Python.
    pub(crate) fn with_client<R>(&self, act: impl FnOnce(&Client) -> R) -> R {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        match client.as_ref() {
            Some(client) => act(client),
            None => wait_for_the_end(),
        }
    }

    /// Has `what` closed before the interpreter ends, if it is there by then.
    pub(crate) fn close_at_exit(&self, what: Weak<dyn Close>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() == open.capacity() {
            open.retain(|what| what.strong_count() > 0);
        }
        open.push(what);
    }

    /// Whether this is the process that made the host; a forked child is not.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }

    /// What was begun before a fork is the parent's: nothing here would ever finish it.
    pub(crate) fn check_process(&self) -> PyResult<()> {
        if self.is_ours() {
            return Ok(());
        }
        Err(PyRuntimeError::new_err("this call was made before a fork, by the parent process"))
    }

    /// Whether there was no thread to be had for the worker. Nothing runs on it; the next call tries anew.
    fn is_broken(&self) -> bool {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(*worker, Worker::Gone) && !self.is_closed.load(Ordering::Acquire)
    }

    /// Polls something once on this thread, in the runtime's context. A panic in it is an error.
    pub(crate) fn poll<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<Result<T>> {
        let _context = self.handle.enter();
        match catch_unwind(AssertUnwindSafe(|| poll(&mut Context::from_waker(Waker::noop())))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panicked(&*panic))),
        }
    }

    /// Polls a future once on this thread, and moves it to the worker where it has to wait.
    pub(crate) fn begin<T: Send + 'static>(&self, future: impl FnOnce() -> Future<T>) -> Begun<T> {
        let mut started = None;
        let first = self.poll(|context| started.insert(future()).as_mut().poll(context));
        match (first, started) {
            (Poll::Ready(outcome), _) => Begun::Ready(outcome.and_then(|outcome| outcome)),
            (Poll::Pending, Some(future)) => self.send(future),
            (Poll::Pending, None) => unreachable!("only a future that was made can be pending"),
        }
    }

    fn send<T: Send + 'static>(&self, future: Future<T>) -> Begun<T> {
        let mailbox = Arc::new(Mailbox::new());
        let outcome = mailbox.clone().closing();
        let task = self.spawn(async move {
            // Only one comes: the mailbox is never full.
            outcome.put(guarded(future).await).await;
        });
        Begun::Sent(Sent { task, mailbox })
    }

    /// Has the worker run a future.
    pub(crate) fn spawn(&self, future: impl std::future::Future<Output = ()> + Send + 'static) -> Task {
        self.start_worker();
        Task { process: self.process, abort: Some(self.handle.spawn(future).abort_handle()) }
    }

    fn start_worker(&self) {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*worker, Worker::Waiting(_)) {
            return;
        }
        let Worker::Waiting(runtime) = std::mem::replace(&mut *worker, Worker::Gone) else { return };
        let (stop, stopped) = oneshot::channel::<()>();
        let work = move || {
            // An error means that the sender is gone: that also says stop.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(SHUTDOWN);
        };
        *worker = match thread::Builder::new().name("antiphon".into()).spawn(work) {
            Ok(thread) => Worker::Running { stop, thread },
            // The runtime is gone with it, and so are its tasks: their mailboxes are closed.
            Err(_) => Worker::Gone,
        };
    }

    /// Waits without the GIL until the mailbox has something, looking for signals now and then.
    pub(crate) fn wait<T: Send>(&self, py: Python<'_>, mailbox: &Mailbox<T>) -> PyResult<()> {
        while !py.detach(|| self.wait_detached(mailbox)) {
            py.check_signals()?;
            // A handler may have forked, and this may be the child: what it waits for is the parent's.
            self.check_process()?;
        }
        Ok(())
    }

    /// What a call came to; waits for it where it has to. `Err` is a signal's.
    pub(crate) fn outcome<T: Send>(&self, py: Python<'_>, begun: Begun<T>) -> PyResult<Result<T>> {
        match begun {
            Begun::Ready(outcome) => Ok(outcome),
            Begun::Sent(sent) => {
                self.wait(py, &sent.mailbox)?;
                Ok(sent.take())
            }
        }
    }

    fn wait_detached<T>(&self, mailbox: &Mailbox<T>) -> bool {
        let is_filled = mailbox.wait(SIGNAL_CHECK);
        if self.is_closed.load(Ordering::Acquire) {
            drop(mailbox.take());
            wait_for_the_end();
        }
        is_filled
    }
}

/// Where the interpreter is ending, a daemon thread that went back into it would be killed on the way, in the
/// middle of our frames. It ends with the process instead.
fn wait_for_the_end() -> ! {
    loop {
        thread::park();
    }
}

/// A future whose panics are errors.
async fn guarded<T>(mut future: Future<T>) -> Result<T> {
    std::future::poll_fn(move |context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(panicked(&*panic))))
    })
    .await
}

/// A panic as an error, so that it ends one call and not the process.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(Kind::Internal, format!("a call panicked: {text}"))
}

/// A future on the worker. Dropping it drops the future, which cancels what it does.
pub(crate) struct Task {
    process: u32,
    abort: Option<AbortHandle>,
}

impl Task {
    fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let Some(abort) = self.abort.take() else { return };
        if self.is_ours() {
            abort.abort();
        } else {
            // A forked child's copy: its sockets are the parent's, and are not to be closed from here.
            std::mem::forget(abort);
        }
    }
}

/// Ends the worker and the models; called by `atexit`. What still runs is dropped, and nothing waits for it
/// for long. A model's thread that was still computing while the process ends would crash it.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>) {
    let host = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(host) = host.filter(|host| host.is_ours()) {
        py.detach(|| host.shut_down());
    }
}

impl Host {
    fn shut_down(&self) {
        // A forked child has been registered twice: with what it inherited, and with its own.
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        IS_ENDING.store(true, Ordering::Release);
        let client = self.client.write().unwrap_or_else(PoisonError::into_inner).take();
        let worker = {
            let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *worker, Worker::Gone)
        };
        if let Worker::Running { stop, thread } = worker {
            let _ = stop.send(());
            // A worker that panicked has ended, too.
            let _ = thread.join();
        }
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for what in open.iter().filter_map(Weak::upgrade) {
            what.close();
        }
        drop(client);
    }
}
