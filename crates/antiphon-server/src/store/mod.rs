//! What survives a restart and a kill: endpoints, files and batch jobs, in one SQLite file of the data folder.
//!
//! One server uses a folder at a time: the file is locked for as long as it is open, so that no job is run
//! twice. Everything is read and written on threads that may block.

mod batches;
mod endpoints;
mod files;
mod schema;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use antiphon::{Error, Kind, Result};
use rusqlite::{Connection, ErrorCode};

pub(crate) use self::batches::{Form, Job, NewJob, State};
pub(crate) use self::endpoints::Endpoint;
pub(crate) use self::files::File;
use self::schema::migrate;

/// The file's name in the data folder.
const FILE: &str = "serve.sqlite";

/// How long another server is waited for that is just going away.
const BUSY: Duration = Duration::from_secs(2);

/// The open file. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens the file in that folder, both made where they are missing, readable by nobody else.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        make_folder(folder).map_err(|error| unusable(folder, &error.to_string()))?;
        let opened = Connection::open(folder.join(FILE)).and_then(|mut connection| {
            connection.busy_timeout(BUSY)?;
            // Before the journal is opened, which then needs no memory that other processes share.
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            migrate(&mut connection)?;
            Ok(connection)
        });
        match opened {
            Ok(connection) => Ok(Self { connection: Arc::new(Mutex::new(connection)) }),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Err(unusable(folder, "another server is using it"))
            }
            Err(error) => Err(unusable(folder, &error.to_string())),
        }
    }

    /// Reads or writes in one transaction, on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || store.run_here(act)).await;
        done.unwrap_or_else(|_| Err(failed("a thread of the store ended early")))
    }

    /// [`Store::run`], on this thread.
    fn run_here<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = connection.transaction().and_then(|transaction| {
            let value = act(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        outcome.map_err(|error| failed(&error.to_string()))
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn unusable(folder: &Path, problem: &str) -> Error {
    let message = format!("serve.data: {} cannot be used: {problem}", folder.display());
    Error::new(Kind::Config, message)
        .param("serve.data")
        .hint("give the server a folder of its own with --data, or data = \"…\" in [serve]")
}

/// What went wrong stands in the log: the caller can do nothing about it.
fn failed(problem: &str) -> Error {
    tracing::error!(target: "antiphon::serve", problem, "the data folder cannot be read or written");
    Error::new(Kind::InternalServer, "the server's data cannot be read or written; see its log")
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_uses_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let store = Store::open(&data).unwrap();
        let error = Store::open(&data).err().unwrap();
        assert!(error.message().contains("another server is using it"), "{error}");
        drop(store);
        Store::open(&data).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_new_folder_is_nobody_elses() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Store::open(&data).unwrap();
        assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_that_cannot_be_used_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(Store::open(&file).err().unwrap().field(), Some("serve.data"));
        fs::write(folder.path().join(FILE), "this is no database, but long enough to be looked at").unwrap();
        assert!(Store::open(folder.path()).is_err());
    }
}
