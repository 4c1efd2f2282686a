//! LLM Engine's routes, as its clients `scale-llm-engine` 0.0.0b1 and 0.0.0b45 call them. What goes wrong is
//! an object with a string `detail`.

mod batches;
mod completions;
mod endpoints;
mod fields;
mod files;
mod fine_tunes;

use axum::routing::{get, post, put};

use crate::face::Face;
use crate::faces::openai;
use crate::routes::{Access, Route};

const ROW: Route = Route {
    method: "GET",
    path: "",
    face: Face::LlmEngine,
    access: Access::Keyed,
    summary: "",
    body: None,
    handler: axum::routing::MethodRouter::new,
};

const POST: Route = Route { method: "POST", ..ROW };

const COMPLETION: Option<&str> = Some(include_str!("../schemas/llm_completion.json"));
const BATCH: Option<&str> = Some(include_str!("../schemas/llm_batch.json"));
const ENDPOINT: Option<&str> = Some(include_str!("../schemas/llm_endpoint.json"));

pub(crate) static ROUTES: &[Route] = &[
    Route {
        path: "/v1/llm/completions-sync",
        summary: "Goes on from a prompt, or from each of several.",
        body: COMPLETION,
        handler: || post(completions::sync),
        ..POST
    },
    Route {
        path: "/v1/llm/completion-sync",
        summary: "Goes on from a prompt; the name of the first servers.",
        body: COMPLETION,
        handler: || post(completions::sync),
        ..POST
    },
    Route {
        path: "/v1/llm/completions-stream",
        summary: "Goes on from a prompt, token by token.",
        body: COMPLETION,
        handler: || post(completions::stream),
        ..POST
    },
    Route {
        path: "/v1/llm/completion-stream",
        summary: "Goes on from a prompt, token by token; the name of the first servers.",
        body: COMPLETION,
        handler: || post(completions::stream),
        ..POST
    },
    Route {
        path: "/v2/chat/completions",
        summary: "Answers a conversation, whole or streamed, as OpenAI does.",
        body: Some(include_str!("../schemas/chat.json")),
        handler: || post(openai::chat),
        ..POST
    },
    Route {
        path: "/v2/completions",
        summary: "Goes on from a prompt, whole or streamed, as OpenAI does.",
        body: Some(include_str!("../schemas/completions.json")),
        handler: || post(openai::completions),
        ..POST
    },
    Route {
        path: "/v1/llm/model-endpoints",
        summary: "The models that this key may ask.",
        handler: || get(endpoints::list),
        ..ROW
    },
    Route {
        path: "/v1/llm/model-endpoints",
        summary: "Makes a further name for a model.",
        body: ENDPOINT,
        handler: || post(endpoints::create),
        ..POST
    },
    Route {
        path: "/v1/llm/model-endpoints/download",
        summary: "Answers 501: weights are not given away.",
        body: Some(r#"{"type": "object"}"#),
        handler: || post(endpoints::download),
        ..POST
    },
    Route {
        path: "/v1/llm/model-endpoints/{*name}",
        summary: "One of the models.",
        handler: || get(endpoints::one),
        ..ROW
    },
    Route {
        method: "PUT",
        path: "/v1/llm/model-endpoints/{*name}",
        summary: "Changes what a name that was made here stands for.",
        body: ENDPOINT,
        handler: || put(endpoints::update),
        ..ROW
    },
    Route {
        method: "DELETE",
        path: "/v1/llm/model-endpoints/{*name}",
        summary: "Forgets a name that was made here.",
        handler: || axum::routing::delete(endpoints::remove),
        ..ROW
    },
    Route {
        path: "/v1/llm/batch-completions",
        summary: "Goes on from many prompts, by a job.",
        body: BATCH,
        handler: || post(batches::create_first),
        ..POST
    },
    Route {
        path: "/v2/batch-completions",
        summary: "Answers many requests, by a job.",
        body: BATCH,
        handler: || post(batches::create),
        ..POST
    },
    Route {
        path: "/v2/batch-completions/{id}",
        summary: "How far a job is.",
        handler: || get(batches::one),
        ..ROW
    },
    Route {
        path: "/v2/batch-completions/{id}",
        summary: "Changes the priority of a job.",
        body: Some(r#"{"type": "object", "properties": {"priority": {"type": "string"}}}"#),
        handler: || post(batches::update),
        ..POST
    },
    Route {
        path: "/v2/batch-completions/{id}/actions/cancel",
        summary: "Ends a job.",
        handler: || post(batches::cancel),
        ..POST
    },
    Route {
        path: "/v1/files",
        summary: "Keeps a file: multipart/form-data with a field named file.",
        handler: || post(files::upload),
        ..POST
    },
    Route { path: "/v1/files", summary: "The files of this key.", handler: || get(files::list), ..ROW },
    Route { path: "/v1/files/{id}", summary: "One of them.", handler: || get(files::one), ..ROW },
    Route {
        path: "/v1/files/{id}/content",
        summary: "What stands in it, as text.",
        handler: || get(files::content),
        ..ROW
    },
    Route {
        method: "DELETE",
        path: "/v1/files/{id}",
        summary: "Forgets it.",
        handler: || axum::routing::delete(files::remove),
        ..ROW
    },
    Route {
        path: "/v1/llm/fine-tunes",
        summary: "Answers 501: models are not trained here.",
        body: Some(r#"{"type": "object"}"#),
        handler: || post(fine_tunes::create),
        ..POST
    },
    Route {
        path: "/v1/llm/fine-tunes",
        summary: "An empty list: models are not trained here.",
        handler: || get(fine_tunes::list),
        ..ROW
    },
    Route {
        path: "/v1/llm/fine-tunes/{id}",
        summary: "There is none.",
        handler: || get(fine_tunes::one),
        ..ROW
    },
    Route {
        method: "PUT",
        path: "/v1/llm/fine-tunes/{id}/cancel",
        summary: "There is none.",
        handler: || put(fine_tunes::one),
        ..ROW
    },
    Route {
        path: "/v1/llm/fine-tunes/{id}/events",
        summary: "There is none.",
        handler: || get(fine_tunes::one),
        ..ROW
    },
];
