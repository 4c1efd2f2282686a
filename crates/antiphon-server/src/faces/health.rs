//! Whether the server lives, what it has done, and what it takes.

use axum::response::Response;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::engines;
use crate::face::{self, Face};
use crate::openapi;
use crate::routes::{Access, Route};
use crate::ticket::Caller;

const fn open(
    path: &'static str,
    summary: &'static str,
    handler: fn() -> axum::routing::MethodRouter,
) -> Route {
    Route { method: "GET", path, face: Face::OpenAi, access: Access::Open, summary, body: None, handler }
}

pub(crate) static ROUTES: &[Route] = &[
    open("/health/live", "Whether the process answers.", || get(live)),
    open("/health/ready", "Whether new requests are welcome; 503 while the server stops.", || get(ready)),
    open("/healthcheck", "The same as /health/ready, by LLM Engine's name.", || get(ready)),
    open("/healthz", "The same.", || get(ready)),
    open("/readyz", "The same.", || get(ready)),
    Route {
        access: Access::Keyed,
        ..open("/metrics", "Counters, as Prometheus reads them.", || get(metrics))
    },
    Route { access: Access::Keyed, ..open("/openapi.json", "This description.", || get(description)) },
];

async fn live() -> Response {
    face::json(StatusCode::OK, json!({"status": "ok"}).to_string())
}

async fn ready(caller: Caller) -> Response {
    if caller.app.is_draining() {
        return face::json(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"status": "draining", "detail": "the server stops"}).to_string(),
        );
    }
    face::json(StatusCode::OK, json!({"status": "ok"}).to_string())
}

async fn metrics(caller: Caller) -> Response {
    let mut response = Response::new(caller.app.metrics.text(&engines::registry(&caller.live.client)).into());
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

async fn description() -> Response {
    face::json(StatusCode::OK, openapi::document().to_string())
}
