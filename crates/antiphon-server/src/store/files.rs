//! Files that were uploaded, and those that batch jobs wrote. Each is seen by the key that it belongs to alone.

use antiphon::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, now};

/// What is known of a file beside its content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct File {
    /// `file-…`.
    pub(crate) id: String,
    pub(crate) filename: String,
    /// In bytes.
    pub(crate) size: u64,
}

/// A new file's id.
pub(super) fn id() -> String {
    format!("file-{}", uuid::Uuid::new_v4().simple())
}

impl Store {
    /// Keeps a file, and gives its id.
    pub(crate) async fn put_file(&self, owner: String, filename: String, content: Vec<u8>) -> Result<String> {
        self.run(move |connection| {
            let id = id();
            insert(connection, &id, &owner, &filename, &content)?;
            Ok(id)
        })
        .await
    }

    /// The files of that owner, oldest first.
    pub(crate) async fn files(&self, owner: String) -> Result<Vec<File>> {
        self.run(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, filename, length(content) FROM files WHERE owner = ?1 ORDER BY created, id",
            )?;
            let files = select.query_map([owner], |row| {
                Ok(File { id: row.get(0)?, filename: row.get(1)?, size: row.get(2)? })
            })?;
            files.collect()
        })
        .await
    }

    /// The file of that owner and id.
    pub(crate) async fn file(&self, owner: String, id: String) -> Result<Option<File>> {
        self.run(move |connection| {
            let select = "SELECT id, filename, length(content) FROM files WHERE owner = ?1 AND id = ?2";
            let file = connection.query_row(select, [owner, id], |row| {
                Ok(File { id: row.get(0)?, filename: row.get(1)?, size: row.get(2)? })
            });
            file.optional()
        })
        .await
    }

    /// The content of the file of that owner and id.
    pub(crate) async fn content(&self, owner: String, id: String) -> Result<Option<Vec<u8>>> {
        self.run(move |connection| {
            let select = "SELECT content FROM files WHERE owner = ?1 AND id = ?2";
            connection.query_row(select, [owner, id], |row| row.get(0)).optional()
        })
        .await
    }

    /// The content of the newest file of that owner which has this id or this name.
    pub(crate) async fn content_by_name(&self, owner: String, name: String) -> Result<Option<Vec<u8>>> {
        self.run(move |connection| {
            let select = "SELECT content FROM files WHERE owner = ?1 AND (id = ?2 OR filename = ?2)
                          ORDER BY id = ?2 DESC, created DESC, rowid DESC LIMIT 1";
            connection.query_row(select, [owner, name], |row| row.get(0)).optional()
        })
        .await
    }

    /// Forgets a file. Says whether there was one.
    pub(crate) async fn remove_file(&self, owner: String, id: String) -> Result<bool> {
        self.run(move |connection| {
            let removed =
                connection.execute("DELETE FROM files WHERE owner = ?1 AND id = ?2", [owner, id])?;
            Ok(removed > 0)
        })
        .await
    }
}

/// Keeps a file within another transaction.
pub(super) fn insert(
    connection: &Connection,
    id: &str,
    owner: &str,
    filename: &str,
    content: &[u8],
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO files (id, owner, filename, content, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, owner, filename, content, now()],
    )?;
    Ok(())
}
