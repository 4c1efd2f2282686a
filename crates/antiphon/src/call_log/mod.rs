//! What every call leaves behind, where somebody wants it: one [`CallLog`], without a word of prompt or answer,
//! and without a key.
//!
//! It stands around everything else of a call, so it tells of whole and streamed, kept, mocked, failed and
//! dropped ones. Records are gathered in memory ([`Client::start_tracking`]) or appended to a file, one line of
//! JSON each ([`Client::set_call_log_path`]). Where neither is wanted, a call costs one load of an atomic.

mod recorder;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use self::recorder::Recorder;
use self::writer::Writer;
use crate::call::Call;
use crate::client::Client;

/// What is known of one call that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallLog {
    /// Its own; no other call has it.
    pub id: String,
    /// When it began, in seconds since 1970.
    pub started: f64,
    /// How many seconds it took.
    pub duration: f64,
    /// What was called: `completion`.
    pub method: String,
    /// The model, in the provider's word.
    pub model: String,
    /// Id of the provider; `None` where nobody knows it.
    pub provider: Option<String>,
    /// Whether the answer was streamed.
    pub stream: bool,
    /// Tokens of the prompt, cached ones included; `None` where nobody told.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer; likewise.
    pub output_tokens: Option<u64>,
    /// Those of the prompt that the provider read from its cache; likewise.
    pub cached_tokens: Option<u64>,
    /// What it cost, in dollars; a kept answer's is what it would have cost. `None` is unknown, never zero.
    pub cost: Option<f64>,
    /// Whether the answer was a kept one.
    pub cache_hit: bool,
    /// The key under which the answer is kept, where it is.
    pub cache_key: Option<String>,
    /// How many requests were sent for it; none for a mock, a kept answer, a model in this process, or an answer
    /// that an identical call in flight shared with it.
    pub attempts: u32,
    /// The class of the error that ended it; a call that was dropped has `CancelledError`.
    pub error: Option<String>,
}

/// Where a client's records go.
pub(crate) struct CallLogs {
    /// Whether anywhere.
    is_on: AtomicBool,
    sinks: Mutex<Sinks>,
}

struct Sinks {
    tracked: Option<Vec<Arc<CallLog>>>,
    writer: Option<Arc<Writer>>,
}

impl CallLogs {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        let writer = path.map(|path| Arc::new(Writer::new(path)));
        Self { is_on: AtomicBool::new(writer.is_some()), sinks: Mutex::new(Sinks { tracked: None, writer }) }
    }

    /// The record of a call that begins; `None` where nobody wants it.
    pub(crate) fn begin(&self, client: &Client, call: &mut Call) -> Option<Recorder> {
        self.is_on.load(Ordering::Relaxed).then(|| Recorder::new(client, call))
    }

    fn add(&self, record: CallLog) {
        let record = Arc::new(record);
        let writer = {
            let mut sinks = self.sinks();
            if let Some(tracked) = &mut sinks.tracked {
                tracked.push(record.clone());
            }
            sinks.writer.clone()
        };
        if let Some(writer) = writer {
            writer.add(record);
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Sinks) -> T) -> T {
        let mut sinks = self.sinks();
        let changed = change(&mut sinks);
        self.is_on.store(sinks.tracked.is_some() || sinks.writer.is_some(), Ordering::Relaxed);
        changed
    }

    fn sinks(&self) -> MutexGuard<'_, Sinks> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Gathers the records of calls from now on. False where they are gathered already.
    pub fn start_tracking(&self) -> bool {
        self.log().change(|sinks| match sinks.tracked {
            Some(_) => false,
            None => {
                sinks.tracked = Some(Vec::new());
                true
            }
        })
    }

    /// Gathers no more; what has been gathered and was not taken. `None` where none were gathered.
    pub fn stop_tracking(&self) -> Option<Vec<Arc<CallLog>>> {
        self.log().change(|sinks| sinks.tracked.take())
    }

    /// Takes what has been gathered so far; `None` where none are gathered.
    pub fn take_tracked(&self) -> Option<Vec<Arc<CallLog>>> {
        self.log().sinks().tracked.as_mut().map(std::mem::take)
    }

    /// Appends the record of each call to this file from now on; `None`: to no file. What was meant for the
    /// file before is written first.
    ///
    /// A thread of its own writes, each record with one write, so that many processes may share the file. One
    /// that cannot be written is told once, as a warning, and the calls go on.
    pub fn set_call_log_path(&self, path: Option<PathBuf>) {
        let writer = path.map(|path| Arc::new(Writer::new(path)));
        let before = self.log().change(|sinks| std::mem::replace(&mut sinks.writer, writer));
        drop(before);
    }

    /// The file of the records.
    pub fn call_log_path(&self) -> Option<PathBuf> {
        self.log().sinks().writer.as_ref().map(|writer| writer.path().to_owned())
    }

    /// Waits until every record so far stands in the file.
    pub fn flush_call_log(&self) {
        let writer = self.log().sinks().writer.clone();
        if let Some(writer) = writer {
            writer.flush();
        }
    }
}
