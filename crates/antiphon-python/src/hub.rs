//! The door of an event loop: tasks of the runtime leave tokens in it, one wake-up of the loop takes all.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

#[cfg(unix)]
type Pipe = std::os::unix::net::UnixStream;

/// Rings once in the loop that waits under `token`.
pub(crate) struct Bell {
    queue: Arc<Queue>,
    token: u64,
}

struct Queue {
    tokens: Mutex<Vec<u64>>,
    filled: Condvar,
    is_closed: AtomicBool,
    #[cfg(unix)]
    writer: Pipe,
}

impl Queue {
    fn tokens(&self) -> MutexGuard<'_, Vec<u64>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    pub(crate) fn ring(self) {
        let mut tokens = self.queue.tokens();
        let was_empty = tokens.is_empty();
        tokens.push(self.token);
        drop(tokens);
        if !was_empty {
            return;
        }
        self.queue.filled.notify_all();
        // A byte is in the pipe as long as there are tokens: where it does not fit, one is there already,
        // and where the loop is gone, nobody waits.
        #[cfg(unix)]
        let _ = (&self.queue.writer).write(&[0]);
    }
}

/// One event loop's queue of tokens whose results are there.
///
/// A loop that can watch a file watches `fileno()` and calls `drain()`; for another one a thread calls
/// `wait()` and then has the loop call `drain()`.
#[pyclass(frozen, module = "antiphon._antiphon")]
pub(crate) struct Hub {
    queue: Arc<Queue>,
    #[cfg(unix)]
    reader: Pipe,
}

impl Hub {
    pub(crate) fn bell(&self, token: u64) -> Bell {
        Bell { queue: self.queue.clone(), token }
    }
}

#[pymethods]
impl Hub {
    #[new]
    fn new() -> PyResult<Self> {
        #[cfg(unix)]
        let (reader, writer) = Pipe::pair()?;
        #[cfg(unix)]
        for end in [&reader, &writer] {
            end.set_nonblocking(true)?;
        }
        let queue = Queue {
            tokens: Mutex::new(Vec::new()),
            filled: Condvar::new(),
            is_closed: AtomicBool::new(false),
            #[cfg(unix)]
            writer,
        };
        Ok(Self {
            queue: Arc::new(queue),
            #[cfg(unix)]
            reader,
        })
    }

    /// The file that becomes readable when there are tokens.
    #[cfg(unix)]
    fn fileno(&self) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(&self.reader)
    }

    /// The tokens that have rung.
    fn drain(&self) -> Vec<u64> {
        // The byte goes before the tokens: a bell between the two finds tokens and needs no byte, one after
        // them writes its own.
        #[cfg(unix)]
        let _ = (&self.reader).read(&mut [0; 16]);
        std::mem::take(&mut self.queue.tokens())
    }

    /// Waits for tokens without the GIL, for at most that many seconds; false when the hub was closed.
    fn wait(&self, py: Python<'_>, seconds: f64) -> bool {
        let at_most = Duration::from_secs_f64(seconds);
        py.detach(|| {
            let tokens = self.queue.tokens();
            let is_idle =
                |tokens: &mut Vec<u64>| tokens.is_empty() && !self.queue.is_closed.load(Ordering::Acquire);
            drop(self.queue.filled.wait_timeout_while(tokens, at_most, is_idle));
        });
        !self.queue.is_closed.load(Ordering::Acquire)
    }

    /// Ends every `wait()`.
    fn close(&self) {
        self.queue.is_closed.store(true, Ordering::Release);
        self.queue.filled.notify_all();
    }
}
