//! A folder of answers: one SQLite file, in WAL mode, for many processes at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use antiphon_core::{Response, Result};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::{Kept, Key, MEMORY_ENTRIES, record, unusable};
use crate::attempt::now;

/// The file in the folder. Another layout is another file.
const FILE: &str = "answers-1.sqlite";

/// How long another process's lock is waited for before the cache is passed by.
const BUSY: Duration = Duration::from_millis(250);

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS answers (
        key BLOB PRIMARY KEY,
        value BLOB NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER
    ) WITHOUT ROWID";

/// The answers of one folder.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    /// `None` until the first use, and after a failure.
    connection: Mutex<Option<Connection>>,
    /// Answers that were read from the file as it is: valid until somebody writes to it.
    read: moka::sync::Cache<Key, Kept>,
    /// The file's state that `read` is of; SQLite counts the writes of others.
    version: AtomicI64,
    /// Whether it was told that the folder cannot be used.
    told: AtomicBool,
}

/// What there is under a key.
enum Found {
    /// An answer.
    Kept(Kept),
    /// Bytes that are none.
    Damaged,
}

/// What there is in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Answers.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Answers whose time is over.
    pub expired: u64,
}

/// One answer of a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its key.
    pub key: Key,
    /// When it was kept, in seconds since 1970.
    pub created: u64,
    /// When its time is over.
    pub expires: Option<u64>,
    /// The answer; `None` where it is damaged.
    pub response: Option<Response>,
}

impl Disk {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            connection: Mutex::new(None),
            read: moka::sync::Cache::new(MEMORY_ENTRIES),
            version: AtomicI64::new(0),
            told: AtomicBool::new(false),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Response>> {
        let row = self.tolerant(|connection| {
            let mut version = connection.prepare_cached("PRAGMA data_version")?;
            let version = version.query_row([], |row| row.get::<_, i64>(0))?;
            if self.version.swap(version, Ordering::Relaxed) != version {
                self.read.invalidate_all();
            } else if let Some(kept) = self.read.get(key) {
                return Ok(Some(Found::Kept(kept)));
            }
            let mut select =
                connection.prepare_cached("SELECT value, expires FROM answers WHERE key = ?1")?;
            let row = |row: &rusqlite::Row<'_>| {
                let response = record::read(key, row.get_ref(0)?.as_blob()?);
                let Some(response) = response.map(Arc::new) else { return Ok(Found::Damaged) };
                let kept = Kept { response, expires: row.get(1)? };
                // Here, where nobody else can write: what is kept is what is in the file.
                self.read.insert(*key, kept.clone());
                Ok(Found::Kept(kept))
            };
            select.query_row([&key[..]], row).optional()
        });
        match row.flatten()? {
            Found::Kept(kept) => kept.is_good().then_some(kept.response),
            Found::Damaged => {
                // It is never answered with; the next answer takes its place.
                self.remove(key);
                None
            }
        }
    }

    fn remove(&self, key: &Key) {
        self.tolerant(|connection| connection.execute("DELETE FROM answers WHERE key = ?1", [&key[..]]));
    }

    pub(super) fn put(&self, key: &Key, response: &Response, expires: Option<u64>) {
        let value = record::write(key, response);
        self.tolerant(|connection| {
            // Our own writes are not counted.
            self.read.invalidate(key);
            let insert =
                "INSERT OR REPLACE INTO answers (key, value, created, expires) VALUES (?1, ?2, ?3, ?4)";
            connection.prepare_cached(insert)?.execute(params![&key[..], value, now(), expires])
        });
    }

    /// What there is.
    pub fn stats(&self) -> Result<Stats> {
        self.strict(|connection| {
            let sums = "SELECT count(*), coalesce(sum(length(value)), 0), coalesce(sum(expires <= ?1), 0) FROM answers";
            connection.query_row(sums, [now()], |row| {
                Ok(Stats { entries: row.get(0)?, bytes: row.get(1)?, expired: row.get(2)? })
            })
        })
    }

    /// The newest answers, at most that many.
    pub fn list(&self, limit: u32) -> Result<Vec<Listed>> {
        self.strict(|connection| {
            let newest =
                "SELECT key, value, created, expires FROM answers ORDER BY created DESC, key LIMIT ?1";
            let mut select = connection.prepare(newest)?;
            let rows = select.query_map([limit], |row| {
                let (key, value): (Key, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let response = record::read(&key, &value);
                Ok(Listed { key, created: row.get(2)?, expires: row.get(3)?, response })
            })?;
            rows.collect()
        })
    }

    /// Removes the answers whose time is over, or all; how many there were.
    pub fn clear(&self, expired_only: bool) -> Result<usize> {
        self.read.invalidate_all();
        self.strict(|connection| {
            let removed = match expired_only {
                true => connection.execute("DELETE FROM answers WHERE expires <= ?1", [now()])?,
                false => connection.execute("DELETE FROM answers", [])?,
            };
            connection.execute_batch("VACUUM")?;
            Ok(removed)
        })
    }

    /// Does something with the file. What goes wrong is told once, and is `None`.
    fn tolerant<T>(&self, act: impl Fn(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        match self.with(act) {
            Ok(found) => Some(found),
            Err(error) => {
                if !self.told.swap(true, Ordering::Relaxed) {
                    let folder = self.folder.display();
                    tracing::warn!(%folder, %error, "the cache cannot be used; calls go on without it");
                }
                None
            }
        }
    }

    fn strict<T>(&self, act: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.with(act).map_err(|error| unusable(&self.folder, &error))
    }

    fn with<T>(&self, act: impl Fn(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = self.attempt(&mut slot, &act);
        match outcome {
            Err(error) if is_damaged(&error) => {
                *slot = None;
                self.put_aside(&error);
                self.attempt(&mut slot, &act)
            }
            outcome => outcome,
        }
    }

    fn attempt<T>(
        &self,
        slot: &mut MutexGuard<'_, Option<Connection>>,
        act: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let connection = match &mut **slot {
            Some(connection) => connection,
            empty => empty.insert(self.open()?),
        };
        let outcome = act(connection);
        if matches!(&outcome, Err(error) if !is_busy(error)) {
            // The file may have been replaced under us: the next use opens it anew.
            **slot = None;
        }
        outcome
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        // Another connection counts anew.
        self.read.invalidate_all();
        let io = |error: std::io::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        make_private(&self.folder).map_err(io)?;
        let path = self.folder.join(FILE);
        // A link could lead what is written anywhere.
        if fs::symlink_metadata(&path).is_ok_and(|file| file.file_type().is_symlink()) {
            return Err(io(std::io::Error::other("its file is a symbolic link")));
        }
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(connection)
    }

    /// A damaged file is kept for whoever wants to look at it, and is in nobody's way.
    fn put_aside(&self, error: &rusqlite::Error) {
        let path = self.folder.join(FILE);
        let aside = self.folder.join(format!("{FILE}.damaged-{}-{}", now(), std::process::id()));
        let moved = fs::rename(&path, &aside);
        for side in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.folder.join(format!("{FILE}{side}")));
        }
        let (folder, moved) = (self.folder.display(), moved.is_ok());
        tracing::warn!(%folder, %error, moved, "the cache is damaged and was put aside");
    }
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || error.to_string().contains("no such column")
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
