//! Batch jobs and their rows. What was answered is never asked again: each answer is written when it comes,
//! and a job that was running when the server died goes on with the rows that have none.

use antiphon::{Map, Result};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{Store, files, now};

/// What a job's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Bodies of LLM Engine's own completions; the output is a list of `CompletionOutput`.
    Prompts,
    /// Bodies of OpenAI's chats or text completions; the output is a list of their answers.
    OpenAi,
}

impl Form {
    fn as_str(self) -> &'static str {
        match self {
            Form::Prompts => "prompts",
            Form::OpenAi => "requests",
        }
    }

    fn parse(word: &str) -> Self {
        if word == "requests" { Form::OpenAi } else { Form::Prompts }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl State {
    const ALL: [State; 5] =
        [State::Queued, State::Running, State::Completed, State::Failed, State::Cancelled];

    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Running => "running",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
        }
    }

    fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == word).unwrap_or(State::Failed)
    }
}

/// A job as it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    pub(crate) owner: String,
    pub(crate) form: Form,
    /// By the name that its caller gave it.
    pub(crate) model: String,
    /// What is shown of it again: paths, labels, priority, the model's settings.
    pub(crate) settings: Map,
    /// How many rows are asked at once.
    pub(crate) parallelism: usize,
    /// How long it may take, in seconds.
    pub(crate) max_runtime: u64,
    pub(crate) rows: Vec<Value>,
}

/// A job.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) form: Form,
    pub(crate) model: String,
    pub(crate) settings: Map,
    pub(crate) parallelism: usize,
    pub(crate) state: State,
    /// Why it failed.
    pub(crate) problem: Option<String>,
    /// The file with its answers.
    pub(crate) output_file: Option<String>,
    /// All three in seconds since 1970.
    pub(crate) created: u64,
    pub(crate) expires: u64,
    pub(crate) completed: Option<u64>,
    pub(crate) rows: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
}

/// A row that has no answer yet.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) place: u64,
    pub(crate) request: Map,
}

const SELECT: &str = "SELECT id, owner, form, model, settings, parallelism, status, problem, output_file,
    created, expires, completed, (SELECT count(*) FROM job_rows WHERE job = id),
    (SELECT count(answer) FROM job_rows WHERE job = id),
    (SELECT coalesce(sum(failed), 0) FROM job_rows WHERE job = id) FROM jobs";

fn job(row: &rusqlite::Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: row.get(0)?,
        owner: row.get(1)?,
        form: Form::parse(&row.get::<_, String>(2)?),
        model: row.get(3)?,
        settings: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
        parallelism: row.get(5)?,
        state: State::parse(&row.get::<_, String>(6)?),
        problem: row.get(7)?,
        output_file: row.get(8)?,
        created: row.get(9)?,
        expires: row.get(10)?,
        completed: row.get(11)?,
        rows: row.get(12)?,
        done: row.get(13)?,
        failed: row.get(14)?,
    })
}

impl Store {
    /// Keeps a job with its rows, queued.
    pub(crate) async fn put_job(&self, new: NewJob) -> Result<String> {
        self.run(move |connection| {
            let id = uuid::Uuid::new_v4().to_string();
            let created = now();
            connection.execute(
                "INSERT INTO jobs (id, owner, form, model, settings, parallelism, status, created, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, ?8)",
                params![
                    id,
                    new.owner,
                    new.form.as_str(),
                    new.model,
                    Value::Object(new.settings).to_string(),
                    new.parallelism,
                    created,
                    created + new.max_runtime,
                ],
            )?;
            let mut insert =
                connection.prepare("INSERT INTO job_rows (job, place, request) VALUES (?1, ?2, ?3)")?;
            for (place, row) in new.rows.iter().enumerate() {
                insert.execute(params![id, place, row.to_string()])?;
            }
            Ok(id)
        })
        .await
    }

    /// The job of that id, whoever it belongs to.
    pub(crate) async fn job(&self, id: String) -> Result<Option<Job>> {
        self.run(move |connection| {
            connection.query_row(&format!("{SELECT} WHERE id = ?1"), [id], job).optional()
        })
        .await
    }

    /// The jobs that are not over, oldest first.
    pub(crate) async fn open_jobs(&self) -> Result<Vec<String>> {
        self.run(|connection| {
            let mut select = connection.prepare(
                "SELECT id FROM jobs WHERE status IN ('queued', 'running') ORDER BY created, rowid",
            )?;
            let ids = select.query_map([], |row| row.get(0))?;
            ids.collect()
        })
        .await
    }

    /// Says that a job is running. `false` where it is over.
    pub(crate) async fn begin_job(&self, id: String) -> Result<bool> {
        self.run(move |connection| {
            let update =
                "UPDATE jobs SET status = 'running' WHERE id = ?1 AND status IN ('queued', 'running')";
            Ok(connection.execute(update, [id])? > 0)
        })
        .await
    }

    /// The places of the rows without an answer.
    pub(crate) async fn open_rows(&self, id: String) -> Result<Vec<u64>> {
        self.run(move |connection| {
            let select = "SELECT place FROM job_rows WHERE job = ?1 AND answer IS NULL ORDER BY place";
            let mut select = connection.prepare(select)?;
            let places = select.query_map([id], |row| row.get(0))?;
            places.collect()
        })
        .await
    }

    /// A row.
    pub(crate) async fn row(&self, id: String, place: u64) -> Result<Row> {
        self.run(move |connection| {
            let select = "SELECT request FROM job_rows WHERE job = ?1 AND place = ?2";
            let mut select = connection.prepare_cached(select)?;
            let text: String = select.query_row(params![id, place], |row| row.get(0))?;
            Ok(Row { place, request: serde_json::from_str(&text).unwrap_or_default() })
        })
        .await
    }

    /// Keeps the answer to a row; of a job that is over, nothing.
    pub(crate) async fn put_answer(&self, id: String, place: u64, answer: Value, failed: bool) -> Result<()> {
        self.run(move |connection| {
            let update = "UPDATE job_rows SET answer = ?3, failed = ?4 WHERE job = ?1 AND place = ?2
                          AND (SELECT status FROM jobs WHERE id = ?1) = 'running'";
            let mut update = connection.prepare_cached(update)?;
            update.execute(params![id, place, answer.to_string(), failed])?;
            Ok(())
        })
        .await
    }

    /// Ends a job that is not over: all answers that there are become one file, in the order of the rows. A
    /// job none of whose rows was answered has failed. `problem` ends it before its time.
    pub(crate) async fn end_job(&self, id: String, filename: String, problem: Option<String>) -> Result<()> {
        self.run(move |connection| {
            let select = format!("{SELECT} WHERE id = ?1 AND status = 'running'");
            let Some(job) = connection.query_row(&select, [&id], job).optional()? else { return Ok(()) };
            let file = files::id();
            files::insert(connection, &file, &job.owner, &filename, &answers(connection, &id)?)?;
            let problem = problem.or_else(|| {
                (job.failed == job.rows).then(|| "no row was answered; the file says why".to_owned())
            });
            let state = if problem.is_some() { State::Failed } else { State::Completed };
            connection.execute(
                "UPDATE jobs SET status = ?2, problem = ?3, output_file = ?4, completed = ?5 WHERE id = ?1",
                params![id, state.as_str(), problem, file, now()],
            )?;
            Ok(())
        })
        .await
    }

    /// Cancels a job. `false` where it is over already.
    pub(crate) async fn cancel_job(&self, id: String) -> Result<bool> {
        self.run(move |connection| {
            let update = "UPDATE jobs SET status = 'cancelled', completed = ?2
                          WHERE id = ?1 AND status IN ('queued', 'running')";
            Ok(connection.execute(update, params![id, now()])? > 0)
        })
        .await
    }

    /// Replaces what is shown of a job.
    pub(crate) async fn set_job_settings(&self, id: String, settings: Map) -> Result<()> {
        self.run(move |connection| {
            let settings = Value::Object(settings).to_string();
            connection.execute("UPDATE jobs SET settings = ?2 WHERE id = ?1", [id, settings])?;
            Ok(())
        })
        .await
    }
}

/// A JSON list of the answers; null for a row that has none.
fn answers(connection: &Connection, id: &str) -> rusqlite::Result<Vec<u8>> {
    let mut select = connection.prepare("SELECT answer FROM job_rows WHERE job = ?1 ORDER BY place")?;
    let mut rows = select.query([id])?;
    let mut out = vec![b'['];
    while let Some(row) = rows.next()? {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(row.get_ref(0)?.as_str_or_null()?.unwrap_or("null").as_bytes());
    }
    out.push(b']');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn new(rows: usize) -> NewJob {
        NewJob {
            owner: "team".into(),
            form: Form::Prompts,
            model: "m".into(),
            settings: Map::new(),
            parallelism: 2,
            max_runtime: 60,
            rows: (0..rows).map(|row| json!({"prompt": row.to_string()})).collect(),
        }
    }

    #[tokio::test]
    async fn a_job_goes_on_with_the_rows_that_have_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let id = store.put_job(new(3)).await.unwrap();
        assert!(store.begin_job(id.clone()).await.unwrap());
        store.put_answer(id.clone(), 1, json!({"text": "b"}), false).await.unwrap();
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.open_jobs().await.unwrap(), std::slice::from_ref(&id));
        assert!(store.begin_job(id.clone()).await.unwrap());
        assert_eq!(store.open_rows(id.clone()).await.unwrap(), [0, 2]);
        assert_eq!(store.row(id.clone(), 2).await.unwrap().request["prompt"], "2");
        store.put_answer(id.clone(), 0, json!({"error": "x"}), true).await.unwrap();
        store.end_job(id.clone(), "out".into(), None).await.unwrap();
        let job = store.job(id.clone()).await.unwrap().unwrap();
        assert_eq!((job.state, job.rows, job.done, job.failed), (State::Completed, 3, 2, 1));
        let content = store.content_by_name("team".into(), "out".into()).await.unwrap().unwrap();
        assert_eq!(content, br#"[{"error":"x"},{"text":"b"},null]"#);
        assert_eq!(store.content("other".into(), job.output_file.unwrap()).await.unwrap(), None);
        assert!(!store.cancel_job(id).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_cancelled_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let id = store.put_job(new(1)).await.unwrap();
        assert!(store.cancel_job(id.clone()).await.unwrap());
        assert!(!store.begin_job(id.clone()).await.unwrap());
        store.put_answer(id.clone(), 0, json!({}), false).await.unwrap();
        store.end_job(id.clone(), "out".into(), None).await.unwrap();
        let job = store.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.done, job.output_file), (State::Cancelled, 0, None));
    }
}
