//! Anthropic's routes.

use antiphon::core::dialects::anthropic_messages::AnthropicMessages;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;

use super::ask;
use crate::answer;
use crate::body;
use crate::face::{self, Face};
use crate::routes::{Access, Route};
use crate::ticket::Caller;

const ROW: Route = Route {
    method: "POST",
    path: "",
    face: Face::Anthropic,
    access: Access::Keyed,
    summary: "",
    body: None,
    handler: axum::routing::MethodRouter::new,
};

pub(crate) static ROUTES: &[Route] = &[
    Route {
        path: "/v1/messages",
        summary: "Answers a conversation in Anthropic's words, whole or streamed.",
        body: Some(include_str!("schemas/messages.json")),
        handler: || post(messages),
        ..ROW
    },
    Route {
        path: "/v1/messages/count_tokens",
        summary: "How many tokens a conversation is.",
        body: Some(include_str!("schemas/count_tokens.json")),
        handler: || post(count_tokens),
        ..ROW
    },
];

async fn messages(caller: Caller, request: Request) -> Response {
    ask(caller, "anthropic-messages", request).await
}

/// Exact for models of this machine and of OpenAI's; of others, whose vocabularies are not published, an
/// estimate.
async fn count_tokens(caller: Caller, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        let call = answer::call(&caller, AnthropicMessages.decode_count_request(&body)?)?;
        // A model that cannot be asked has no count either.
        caller.live.client.resolve(&call.request.model, &call.options)?;
        let aliases = &caller.live.client.config().aliases;
        let model = aliases.get(&call.request.model).unwrap_or(&call.request.model);
        let tokenizer = caller.live.client.tokenizer(model).await?;
        let tokens = tokenizer.count_request(&call.request)?;
        Ok(face::json(StatusCode::OK, AnthropicMessages.encode_token_count(tokens)))
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}
