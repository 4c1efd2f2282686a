//! The tables, and how an older file becomes a newer one.

use rusqlite::Connection;

/// Step `n` brings a file from version `n` to `n + 1`. A step that has been released is never changed.
static STEPS: &[&str] = &[r#"
    CREATE TABLE endpoints (
        name TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        owner TEXT NOT NULL,
        model TEXT NOT NULL,
        settings TEXT NOT NULL,
        created INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE files (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        filename TEXT NOT NULL,
        content BLOB NOT NULL,
        created INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX files_by_owner ON files (owner, created);
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        form TEXT NOT NULL,
        model TEXT NOT NULL,
        settings TEXT NOT NULL,
        parallelism INTEGER NOT NULL,
        status TEXT NOT NULL,
        problem TEXT,
        output_file TEXT,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        completed INTEGER
    ) STRICT;
    CREATE TABLE job_rows (
        job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE,
        place INTEGER NOT NULL,
        request TEXT NOT NULL,
        answer TEXT,
        failed INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (job, place)
    ) STRICT, WITHOUT ROWID;
"#];

/// Brings the file to the newest version.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let version: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > STEPS.len() {
        let message = "it was made by a newer antiphon".to_owned();
        return Err(rusqlite::Error::ToSqlConversionFailure(message.into()));
    }
    for (step, sql) in STEPS.iter().enumerate().skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", step + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_future_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", STEPS.len() + 1).unwrap();
        assert!(migrate(&mut connection).unwrap_err().to_string().contains("newer antiphon"));
    }
}
