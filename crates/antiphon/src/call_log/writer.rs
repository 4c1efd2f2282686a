//! The thread that appends records to a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::CallLog;

/// Records that may wait: a disk that is slower than the calls slows these down in the end.
const WAITING: usize = 4096;

/// A file that grows by one line for each call. Its thread starts with the first one.
pub(super) struct Writer {
    path: PathBuf,
    thread: Mutex<Option<Running>>,
}

struct Running {
    records: SyncSender<Message>,
    thread: JoinHandle<()>,
}

enum Message {
    Record(Arc<CallLog>),
    /// Says back that all before it is written.
    Flush(SyncSender<()>),
}

impl Writer {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, thread: Mutex::new(None) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn add(&self, record: Arc<CallLog>) {
        let records = {
            let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
            if thread.is_none() {
                *thread = start(self.path.clone());
            }
            thread.as_ref().map(|running| running.records.clone())
        };
        // Where there is no thread to be had, that was told.
        if let Some(records) = records {
            let _ = records.send(Message::Record(record));
        }
    }

    pub(super) fn flush(&self) {
        let records = {
            let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
            thread.as_ref().map(|running| running.records.clone())
        };
        let (written, is_written) = sync_channel(1);
        if records.is_some_and(|records| records.send(Message::Flush(written)).is_ok()) {
            // An error means that the thread has ended, and wrote all before.
            let _ = is_written.recv();
        }
    }
}

impl Drop for Writer {
    /// What waits is written first.
    fn drop(&mut self) {
        let running = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { records, thread }) = running {
            drop(records);
            let _ = thread.join();
        }
    }
}

fn start(path: PathBuf) -> Option<Running> {
    let (records, received) = sync_channel(WAITING);
    let work = move || append(&path, &received);
    match thread::Builder::new().name("antiphon-log".into()).spawn(work) {
        Ok(thread) => Some(Running { records, thread }),
        Err(error) => {
            tracing::warn!(%error, "the call log has no thread to write it; calls go on without it");
            None
        }
    }
}

fn append(path: &Path, records: &Receiver<Message>) {
    let mut file: Option<File> = None;
    let mut is_told = false;
    for message in records {
        let record = match message {
            Message::Record(record) => record,
            Message::Flush(written) => {
                let _ = written.send(());
                continue;
            }
        };
        if let Err(error) = write(path, &mut file, &record) {
            file = None;
            if !std::mem::replace(&mut is_told, true) {
                let path = path.display();
                tracing::warn!(%path, %error, "the call log cannot be written; calls go on without it");
            }
        }
    }
}

fn write(path: &Path, file: &mut Option<File>, record: &CallLog) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    let file = match file {
        Some(file) => file,
        None => file.insert(open(path)?),
    };
    // In one write, so that lines of several processes do not mix.
    file.write_all(&line)
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
