//! Files: the rows of a batch, and what came of them. Each is seen by the key that it belongs to alone.

use std::convert::Infallible;

use antiphon::{Error, Kind, Result};
use axum::extract::{Path, Request};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use multer::Multipart;
use serde_json::{Value, json};

use crate::body;
use crate::face;
use crate::store::File;
use crate::ticket::Caller;

/// The name of a file that has none.
const NAMELESS: &str = "file";

/// The longest name, in bytes, as most file systems have it.
const MAX_NAME: usize = 255;

pub(super) async fn upload(caller: Caller, request: Request) -> Response {
    let outcome = async {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = content_type.and_then(|value| multer::parse_boundary(value).ok());
        let boundary = boundary.ok_or_else(|| wrong("must be multipart/form-data with a boundary"))?;
        let body = body::read(&caller, request).await?;
        let (filename, content) = file(body, boundary).await?;
        let id = caller.app.kept.store()?.put_file(caller.owner(), filename, content.to_vec()).await?;
        Ok(ok(json!({"id": id})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

/// The field `file` of a form.
async fn file(body: Bytes, boundary: String) -> Result<(String, Bytes)> {
    let body = stream::once(async { Ok::<_, Infallible>(body) });
    let mut form = Multipart::new(body, boundary);
    while let Some(field) = form.next_field().await.map_err(|error| wrong(&error.to_string()))? {
        if field.name() != Some("file") {
            continue;
        }
        let filename = name(field.file_name().unwrap_or_default())?;
        let content = field.bytes().await.map_err(|error| wrong(&error.to_string()))?;
        return Ok((filename, content));
    }
    Err(Error::invalid("file", "is required: the field of the form that holds the file"))
}

/// A name is a label: nothing is ever opened by it.
fn name(given: &str) -> Result<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if last.len() > MAX_NAME || last.chars().any(char::is_control) {
        return Err(Error::invalid("file", "has a name that is too long or holds control characters"));
    }
    Ok(if last.is_empty() { NAMELESS.to_owned() } else { last.to_owned() })
}

fn wrong(problem: &str) -> Error {
    Error::new(Kind::InvalidRequest, format!("the body is no form with a file: {problem}"))
}

pub(super) async fn list(caller: Caller) -> Response {
    let outcome = async {
        let files = caller.app.kept.store()?.files(caller.owner()).await?;
        let files: Vec<Value> = files.iter().map(shown).collect();
        Ok(ok(json!({"files": files})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

pub(super) async fn one(caller: Caller, Path(id): Path<String>) -> Response {
    let outcome = async {
        let file = caller.app.kept.store()?.file(caller.owner(), id.clone()).await?;
        file.map(|file| ok(shown(&file))).ok_or_else(|| unknown(&id))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

/// What is no text has U+FFFD in its place: the answer is JSON.
pub(super) async fn content(caller: Caller, Path(id): Path<String>) -> Response {
    let outcome = async {
        let content = caller.app.kept.store()?.content(caller.owner(), id.clone()).await?;
        let content = content.ok_or_else(|| unknown(&id))?;
        Ok(ok(json!({"id": id, "content": String::from_utf8_lossy(&content)})))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

pub(super) async fn remove(caller: Caller, Path(id): Path<String>) -> Response {
    let outcome = async {
        let removed = caller.app.kept.store()?.remove_file(caller.owner(), id.clone()).await?;
        if removed { Ok(ok(json!({"deleted": true}))) } else { Err(unknown(&id)) }
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

fn shown(file: &File) -> Value {
    json!({"id": file.id, "filename": file.filename, "size": file.size})
}

fn unknown(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no file {id:?}")).param("id")
}

fn ok(body: Value) -> Response {
    face::json(StatusCode::OK, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label() {
        for (given, expected) in [
            ("rows.json", "rows.json"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\rows.json", "rows.json"),
            ("", NAMELESS),
            ("a/", NAMELESS),
        ] {
            assert_eq!(name(given).unwrap(), expected);
        }
        assert!(name("a\nb").is_err());
        assert!(name(&"x".repeat(256)).is_err());
    }
}
