//! Endpoints that were created at run time.

use antiphon::{Map, Result};
use rusqlite::params;

use super::Store;

/// A name for a model, made over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) id: String,
    /// The name of the key that made it; empty where there are no keys.
    pub(crate) owner: String,
    /// What it stands for, in the words of [`antiphon::Client`].
    pub(crate) model: String,
    /// What else was said when it was made, as it came.
    pub(crate) settings: Map,
    /// Seconds since 1970.
    pub(crate) created: u64,
}

impl Store {
    /// Every one.
    pub(crate) fn endpoints(&self) -> Result<Vec<Endpoint>> {
        self.run_here(|connection| {
            let mut select =
                connection.prepare("SELECT name, id, owner, model, settings, created FROM endpoints")?;
            let rows = select.query_map([], |row| {
                Ok(Endpoint {
                    name: row.get(0)?,
                    id: row.get(1)?,
                    owner: row.get(2)?,
                    model: row.get(3)?,
                    settings: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
                    created: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Keeps it, in place of an older one of its name.
    pub(crate) async fn put_endpoint(&self, endpoint: Endpoint) -> Result<()> {
        self.run(move |connection| {
            let settings = serde_json::Value::Object(endpoint.settings).to_string();
            connection.execute(
                "INSERT OR REPLACE INTO endpoints (name, id, owner, model, settings, created)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    endpoint.name,
                    endpoint.id,
                    endpoint.owner,
                    endpoint.model,
                    settings,
                    endpoint.created
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Forgets it.
    pub(crate) async fn remove_endpoint(&self, name: String) -> Result<()> {
        self.run(move |connection| {
            connection.execute("DELETE FROM endpoints WHERE name = ?1", [name])?;
            Ok(())
        })
        .await
    }
}
