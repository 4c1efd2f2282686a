//! Anthropic's routes.

use antiphon::core::dialects::anthropic_messages::AnthropicMessages;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;

use super::ask;
use crate::face::Face;
use crate::routes::{Access, Route};
use crate::ticket::Caller;

pub(crate) static ROUTES: &[Route] = &[Route {
    method: "POST",
    path: "/v1/messages",
    face: Face::Anthropic,
    access: Access::Keyed,
    summary: "Answers a conversation in Anthropic's words, whole or streamed.",
    body: Some(include_str!("schemas/messages.json")),
    handler: || post(messages),
}];

async fn messages(caller: Caller, request: Request) -> Response {
    ask(caller, &AnthropicMessages, request).await
}
