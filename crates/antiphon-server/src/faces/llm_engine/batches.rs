//! Batch completions: many requests from a list or from an uploaded file, answered by a job into a file.
//!
//! Paths in a request are names, and open nothing: `input_data_path` is the id or the name of an uploaded
//! file, `output_data_path` the name under which the answers are found among the files when the job is over.

use antiphon::{Error, Kind, Map, Result};
use axum::extract::{Path, Request};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::fields::Fields;
use crate::body;
use crate::face;
use crate::jobs;
use crate::models;
use crate::store::{Form, Job, NewJob, State};
use crate::ticket::Caller;

/// How many rows are asked at once by one of the job's workers.
const ROWS_A_WORKER: u64 = 8;

/// The most rows at once, whatever is asked for.
const MAX_PARALLELISM: u64 = 64;

/// The most rows of a job, and of a list that a single request carries as well.
const MAX_ROWS: usize = 100_000;

/// A day, and the two days that are the most.
const DEFAULT_RUNTIME: u64 = 86_400;
const MAX_RUNTIME: u64 = 172_800;

/// The route of the first releases, whose rows are prompts.
pub(super) async fn create_first(caller: Caller, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        let new = read(&caller, &body, true).await?;
        let id = start(&caller, new).await?;
        Ok(ok(json!({"job_id": id})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

pub(super) async fn create(caller: Caller, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        let new = read(&caller, &body, false).await?;
        let id = start(&caller, new).await?;
        Ok(ok(shown(&own(&caller, &id).await?)))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

async fn start(caller: &Caller, new: NewJob) -> Result<String> {
    let id = caller.app.kept.store()?.put_job(new).await?;
    caller.app.kept.jobs.start(&caller.app, id.clone());
    Ok(id)
}

pub(super) async fn one(caller: Caller, Path(id): Path<String>) -> Response {
    let outcome = own(&caller, &id).await.map(|job| ok(json!({"job": shown(&job)})));
    caller.reply(outcome)
}

pub(super) async fn update(caller: Caller, Path(id): Path<String>, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        let mut job = own(&caller, &id).await?;
        if let Some(priority) = Fields::read(&body)?.text("priority")? {
            job.settings.insert("priority".into(), priority.into());
            caller.app.kept.store()?.set_job_settings(id.clone(), job.settings.clone()).await?;
        }
        let mut shown = shown(&job);
        shown["success"] = true.into();
        Ok(ok(shown))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

pub(super) async fn cancel(caller: Caller, Path(id): Path<String>) -> Response {
    let outcome = async {
        own(&caller, &id).await?;
        let cancelled = caller.app.kept.store()?.cancel_job(id.clone()).await?;
        caller.app.kept.jobs.stop(&id);
        Ok(ok(json!({"success": cancelled})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

/// The job, for who made it; to others it is not there.
async fn own(caller: &Caller, id: &str) -> Result<Job> {
    let job = caller.app.kept.store()?.job(id.to_owned()).await?;
    job.filter(|job| job.owner == caller.owner())
        .ok_or_else(|| Error::new(Kind::NotFound, format!("there is no batch job {id:?}")).param("id"))
}

async fn read(caller: &Caller, body: &[u8], first: bool) -> Result<NewJob> {
    let mut fields = Fields::read(body)?;
    if fields.has("tool_config") {
        return Err(Error::invalid("tool_config", "is not taken: no tools are run here"));
    }
    let mut config = fields
        .object("model_config")?
        .ok_or_else(|| Error::invalid("model_config", "is required: an object with the model"))?;
    let model = config.required("model")?;
    check_model(caller, &model)?;
    config.no_checkpoint()?;
    let workers = fields.number("data_parallelism", 1..=64)?.unwrap_or(1);
    let max_runtime = fields.number("max_runtime_sec", 1..=MAX_RUNTIME)?.unwrap_or(DEFAULT_RUNTIME);
    let input = fields.text("input_data_path")?;
    let output = fields.required("output_data_path")?;
    let labels = fields.labels("labels")?;
    let priority = fields.text("priority")?;
    let content = match (fields.take("content"), &input) {
        (Some(content), None) => content,
        (None, Some(path)) => uploaded(caller, path).await?,
        (Some(_), Some(_)) => {
            return Err(Error::invalid("content", "goes without input_data_path: only one of the two"));
        }
        (None, None) => return Err(Error::invalid("content", "is required, or input_data_path")),
    };
    let (form, rows) = rows(content, first)?;
    let mut model_config = config.rest();
    model_config.shift_insert(0, "model".into(), model.as_str().into());
    let mut settings = Map::new();
    settings.insert("input_data_path".into(), input.into());
    settings.insert("output_data_path".into(), output.into());
    settings.insert("model_config".into(), model_config.into());
    settings.insert("priority".into(), priority.into());
    settings.insert("labels".into(), labels.into());
    let parallelism = (workers * ROWS_A_WORKER).min(MAX_PARALLELISM) as usize;
    Ok(NewJob { owner: caller.owner(), form, model, settings, parallelism, max_runtime, rows })
}

fn check_model(caller: &Caller, model: &str) -> Result<()> {
    let key = caller.key.as_deref();
    match caller.app.kept.target(model) {
        Some(_) => models::check_key(key, model),
        None => models::check(&caller.live, key, model),
    }
}

/// A file of this caller's. Nothing else is ever read.
async fn uploaded(caller: &Caller, path: &str) -> Result<Value> {
    let content = caller.app.kept.store()?.content_by_name(caller.owner(), path.to_owned()).await?;
    let content = content.ok_or_else(|| {
        let message = format_args!("there is no uploaded file {path:?}; POST /v1/files takes one");
        Error::invalid("input_data_path", message)
    })?;
    serde_json::from_slice(&content).map_err(|error| {
        Error::invalid("input_data_path", format_args!("the file {path:?} holds no JSON: {error}"))
    })
}

/// What each call asks: prompts with what they share, or a list of OpenAI's requests. Every row is checked
/// before the job is taken.
fn rows(content: Value, first: bool) -> Result<(Form, Vec<Value>)> {
    let (form, rows) = match content {
        Value::Object(shared) => (Form::Prompts, prompts(shared)?),
        Value::Array(rows) if !first => (Form::OpenAi, rows),
        _ if first => return Err(Error::invalid("content", "must be an object with prompts")),
        _ => return Err(Error::invalid("content", "must be a list of requests, or an object with prompts")),
    };
    if rows.is_empty() || rows.len() > MAX_ROWS {
        return Err(Error::invalid(
            "content",
            format_args!("must have 1 to {MAX_ROWS} rows, got {}", rows.len()),
        ));
    }
    for (place, row) in rows.iter().enumerate() {
        let Value::Object(row) = row else {
            return Err(Error::invalid(format_args!("content[{place}]"), "must be an object"));
        };
        jobs::request(form, row.clone()).map_err(|error| {
            Error::new(error.kind(), format!("content[{place}]: {}", error.message()))
                .param(format!("content[{place}]"))
        })?;
    }
    Ok((form, rows))
}

/// A row for each prompt, with all that they share.
fn prompts(mut shared: Map) -> Result<Vec<Value>> {
    let Some(Value::Array(prompts)) = shared.shift_remove("prompts") else {
        return Err(Error::invalid("content.prompts", "must be a list of strings"));
    };
    let row = |prompt: Value| {
        let mut row = shared.clone();
        row.insert("prompt".into(), prompt);
        Value::Object(row)
    };
    Ok(prompts.into_iter().map(row).collect())
}

/// A job as the newest client reads it. Of `metadata` it reads strings only.
fn shown(job: &Job) -> Value {
    let setting = |name: &str| job.settings.get(name).cloned().unwrap_or_default();
    let mut metadata = match setting("labels") {
        Value::Object(labels) => labels,
        _ => Map::new(),
    };
    for (name, count) in [("rows", job.rows), ("rows_done", job.done), ("rows_failed", job.failed)] {
        metadata.insert(name.into(), count.to_string().into());
    }
    if let Some(file) = &job.output_file {
        metadata.insert("output_file_id".into(), file.as_str().into());
    }
    if let Some(problem) = &job.problem {
        metadata.insert("problem".into(), problem.as_str().into());
    }
    json!({
        "job_id": job.id,
        "input_data_path": setting("input_data_path"),
        "output_data_path": setting("output_data_path"),
        "model_config": setting("model_config"),
        "priority": setting("priority"),
        "status": job.state.as_str(),
        "created_at": date(job.created),
        "expires_at": date(job.expires),
        "completed_at": job.completed.filter(|_| job.state != State::Cancelled).map(date),
        "metadata": metadata,
    })
}

/// As RFC 3339 writes it.
fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok();
    let time = time.and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok());
    let time = time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = time.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", time.date())
}

fn ok(body: Value) -> Response {
    face::json(StatusCode::OK, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: Value, first: bool, expected: &str) {
        let outcome = rows(content, first).map(|(_, rows)| json!(rows).to_string());
        assert_eq!(outcome.unwrap_or_else(|error| error.message().to_owned()), expected);
    }

    #[test]
    fn every_row_is_checked_before_the_job_is_taken() {
        let shared = json!({"prompts": ["a", "b"], "max_new_tokens": 5, "temperature": 0.0});
        let expected = r#"[{"max_new_tokens":5,"temperature":0.0,"prompt":"a"},{"max_new_tokens":5,"temperature":0.0,"prompt":"b"}]"#;
        check(shared.clone(), true, expected);
        check(shared, false, expected);
        check(json!([{"prompt": "a"}]), true, "content: must be an object with prompts");
        check(json!({"prompts": "a"}), true, "content.prompts: must be a list of strings");
        check(json!({"prompts": []}), true, "content: must have 1 to 100000 rows, got 0");
        check(json!({"prompts": ["a", ""]}), true, "content[1]: prompt: is empty");
        check(json!([1]), false, "content[0]: must be an object");
        check(json!([{"prompt": "a"}, {"messages": []}]), false, "content[1]: messages: is empty");
        check(
            json!([{"messages": [{"role": "user", "content": "x"}], "base_url": "http://x"}]),
            false,
            "content[0]: base_url: is no parameter of a request: this server sets it itself",
        );
    }

    #[test]
    fn dates_are_those_of_rfc_3339() {
        assert_eq!(date(1_767_323_045), "2026-01-02T03:04:05Z");
    }
}
