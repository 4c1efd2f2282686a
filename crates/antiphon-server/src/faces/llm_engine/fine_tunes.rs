//! Fine-tunes: there are none, and that is said clearly.

use antiphon::{Error, Kind};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use crate::face;
use crate::ticket::Caller;

pub(super) async fn create(caller: Caller) -> Response {
    not_implemented(
        &caller,
        "there are no fine-tunes: models are not trained here; train elsewhere, and serve the result under an alias or as a GGUF file",
    )
}

pub(super) async fn list() -> Response {
    face::json(StatusCode::OK, json!({"jobs": []}).to_string())
}

pub(super) async fn one(caller: Caller, Path(id): Path<String>) -> Response {
    let message = format!("there is no fine-tune {id:?}: models are not trained here");
    caller.refuse(&Error::new(Kind::NotFound, message).param("id"))
}

/// A route that the clients know and this server does not do.
pub(super) fn not_implemented(caller: &Caller, detail: &str) -> Response {
    let mut response = caller.refuse(&Error::new(Kind::InvalidRequest, detail).code("not_implemented"));
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    response
}
