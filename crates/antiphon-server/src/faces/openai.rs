//! OpenAI's routes.

use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};

use super::ask;
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
    // Cohere's clients ask the second, vLLM's the third.
    Route {
        method: "POST",
        path: "/v1/rerank",
        summary: "Ranks documents by how well they answer a query.",
        body: Some(include_str!("schemas/rerank.json")),
        handler: || post(rerank),
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v2/rerank",
        summary: "The same, where Cohere has it.",
        body: Some(include_str!("schemas/rerank.json")),
        handler: || post(rerank),
        ..ROW
    },
    Route {
        method: "POST",
        path: "/rerank",
        summary: "The same, where vLLM has it.",
        body: Some(include_str!("schemas/rerank.json")),
        handler: || post(rerank),
        ..ROW
    },
    Route { path: "/v1/models", summary: "The models that this key may ask.", handler: || get(list), ..ROW },
    Route { path: "/v1/models/{*model}", summary: "One of them.", handler: || get(one), ..ROW },
];

pub(super) async fn chat(caller: Caller, request: Request) -> Response {
    ask(caller, "openai-chat", request).await
}

pub(super) async fn completions(caller: Caller, request: Request) -> Response {
    ask(caller, "openai-completions", request).await
}

async fn embeddings(caller: Caller, request: Request) -> Response {
    ask(caller, "openai-embeddings", request).await
}

async fn rerank(caller: Caller, request: Request) -> Response {
    ask(caller, "rerank", request).await
}

async fn list(caller: Caller) -> Response {
    let models = models::list(&caller.live, caller.key.as_deref());
    let data: Vec<Value> = models.iter().map(described).collect();
    face::json(StatusCode::OK, list_of(data).to_string())
}

async fn one(caller: Caller, Path(model): Path<String>) -> Response {
    let models = models::list(&caller.live, caller.key.as_deref());
    match models.iter().find(|served| served.name == model) {
        Some(served) => face::json(StatusCode::OK, described(served).to_string()),
        None => caller.refuse(&models::unknown(&caller.live, &model)),
    }
}

/// A list that OpenAI's and Anthropic's clients take for their own.
fn list_of(data: Vec<Value>) -> Value {
    let id = |model: Option<&Value>| model.map(|model| model["id"].clone());
    let (first, last) = (id(data.first()), id(data.last()));
    json!({"object": "list", "data": data, "has_more": false, "first_id": first, "last_id": last})
}

fn described(served: &Served) -> Value {
    // When a model was made is known of few; the field is required.
    // Anthropic's clients read the same list, by names of their own.
    json!({
        "id": served.name, "object": "model", "created": 0, "owned_by": served.owner,
        "type": "model", "display_name": served.name, "created_at": "1970-01-01T00:00:00Z",
    })
}
