//! Where a task of the runtime leaves what it made, and wakes whoever waits for it.
//!
//! The task never attaches to Python: a thread that waits is woken through a condition variable, an event
//! loop through its [`Bell`].

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::hub::Bell;
use crate::runtime::is_ending;

/// A producer that is further ahead than this waits: a slow reader must not fill the memory.
const MAX_AHEAD: usize = 256;

/// Items on their way from a task to its reader.
pub(crate) struct Mailbox<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    emptied: Notify,
}

struct State<T> {
    items: VecDeque<T>,
    is_closed: bool,
    /// One for each that waits: a stream may be read by several tasks.
    bells: Vec<Bell>,
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Self {
        let state = State { items: VecDeque::new(), is_closed: false, bells: Vec::new() };
        Self { state: Mutex::new(state), filled: Condvar::new(), emptied: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an item, and says how many there are.
    pub(crate) fn push(&self, item: T) -> usize {
        let mut state = self.state();
        state.items.push_back(item);
        self.wake(&mut state);
        state.items.len()
    }

    /// Leaves an item; waits while the reader is far behind.
    pub(crate) async fn put(&self, item: T) {
        if self.push(item) >= MAX_AHEAD {
            self.emptied.notified().await;
        }
    }

    /// Says that nothing more comes.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.wake(&mut state);
    }

    fn wake(&self, state: &mut State<T>) {
        self.filled.notify_all();
        state.bells.drain(..).for_each(Bell::ring);
    }

    /// Closes it when this is dropped, so that whoever waits does not wait for a task that is gone.
    pub(crate) fn closing(self: Arc<Self>) -> Closing<T> {
        Closing(self)
    }

    /// Everything that is there; `None` when nothing is there and nothing more comes.
    pub(crate) fn take(&self) -> Option<VecDeque<T>> {
        let mut state = self.state();
        let items = std::mem::take(&mut state.items);
        if items.is_empty() && state.is_closed {
            return None;
        }
        if items.len() >= MAX_AHEAD {
            self.emptied.notify_one();
        }
        Some(items)
    }

    /// Waits until something is there or nothing more comes; false when that took too long.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let is_idle = |state: &mut State<T>| state.items.is_empty() && !state.is_closed;
        let (_state, outcome) = self
            .filled
            .wait_timeout_while(self.state(), at_most, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        !outcome.timed_out()
    }

    /// Has `bell` rung once when there is something to take. True when there is already; then it stays silent.
    pub(crate) fn arm(&self, bell: Bell) -> bool {
        let mut state = self.state();
        if !state.items.is_empty() || state.is_closed {
            return true;
        }
        state.bells.push(bell);
        false
    }
}

/// A mailbox, as the task that fills it holds it.
pub(crate) struct Closing<T>(Arc<Mailbox<T>>);

impl<T> std::ops::Deref for Closing<T> {
    type Target = Mailbox<T>;

    fn deref(&self) -> &Mailbox<T> {
        &self.0
    }
}

impl<T> Drop for Closing<T> {
    fn drop(&mut self) {
        // While the interpreter ends, whoever waits goes on waiting, and ends with the process.
        if !is_ending() {
            self.0.close();
        }
    }
}
