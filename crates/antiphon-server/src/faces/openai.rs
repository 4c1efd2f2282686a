//! OpenAI's routes.

use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Manner, answer};
use crate::body;
use crate::face::{self, Face};
use crate::models::{self, Served};
use crate::routes::{Access, Route};
use crate::ticket::Caller;

const ROW: Route = Route {
    method: "GET",
    path: "",
    face: Face::OpenAi,
    access: Access::Keyed,
    summary: "",
    body: None,
    handler: axum::routing::MethodRouter::new,
};

pub(crate) static ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: "/v1/chat/completions",
        summary: "Answers a conversation, whole or streamed.",
        body: Some(include_str!("schemas/chat.json")),
        handler: || post(chat),
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/completions",
        summary: "Goes on from a prompt, whole or streamed.",
        body: Some(include_str!("schemas/completions.json")),
        handler: || post(completions),
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/embeddings",
        summary: "A vector for each text.",
        body: Some(include_str!("schemas/embeddings.json")),
        handler: || post(embeddings),
        ..ROW
    },
    Route { path: "/v1/models", summary: "The models that this key may ask.", handler: || get(list), ..ROW },
    Route { path: "/v1/models/{*model}", summary: "One of them.", handler: || get(one), ..ROW },
];

async fn chat(caller: Caller, request: Request) -> Response {
    ask(caller, "openai-chat", request).await
}

async fn completions(caller: Caller, request: Request) -> Response {
    ask(caller, "openai-completions", request).await
}

async fn embeddings(caller: Caller, request: Request) -> Response {
    ask(caller, "openai-embeddings", request).await
}

async fn ask(caller: Caller, dialect: &'static str, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        answer(&caller, dialect, &body, Manner::DEFAULT).await
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}

async fn list(caller: Caller) -> Response {
    let models = models::list(&caller.live, caller.key.as_deref());
    let data: Vec<Value> = models.iter().map(described).collect();
    face::json(StatusCode::OK, json!({"object": "list", "data": data}).to_string())
}

async fn one(caller: Caller, Path(model): Path<String>) -> Response {
    let models = models::list(&caller.live, caller.key.as_deref());
    match models.iter().find(|served| served.name == model) {
        Some(served) => face::json(StatusCode::OK, described(served).to_string()),
        None => caller.refuse(&models::unknown(&caller.live, &model)),
    }
}

fn described(served: &Served) -> Value {
    // When a model was made is known of few; the field is required.
    json!({"id": served.name, "object": "model", "created": 0, "owned_by": served.owner})
}
