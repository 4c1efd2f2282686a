//! One file a family of routes.

pub(crate) mod anthropic;
pub(crate) mod health;
pub(crate) mod llm_engine;
pub(crate) mod openai;
pub(crate) mod page;

use axum::extract::Request;
use axum::response::Response;

use crate::answer::{Manner, answer};
use crate::body;
use crate::ticket::Caller;

/// Answers a request in the words of the dialect of that name.
async fn ask(caller: Caller, dialect: &'static str, request: Request) -> Response {
    let outcome = async {
        let body = body::read(&caller, request).await?;
        answer(&caller, dialect, &body, Manner::DEFAULT).await
    };
    let outcome = outcome.await;
    caller.reply(outcome)
}
