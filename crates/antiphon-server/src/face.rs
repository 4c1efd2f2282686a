//! In whose words a route speaks.

use antiphon::Error;
use antiphon::core::dialects::openai_chat::OpenAiChat;
use antiphon::core::dialects::{self, ServeDialect};
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::outcome;

/// A family of routes that share their errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Face {
    /// OpenAI's.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// LLM Engine's.
    LlmEngine,
}

impl Face {
    /// The face of a path that no route has.
    pub(crate) fn of_path(path: &str) -> Self {
        let below = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match () {
            () if below("/v1/messages") => Face::Anthropic,
            () if below("/v1/llm") || below("/v1/files") || below("/v2") => Face::LlmEngine,
            () => Face::OpenAi,
        }
    }

    /// What it is called in `/openapi.json` and on the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Face::OpenAi => "OpenAI",
            Face::Anthropic => "Anthropic",
            Face::LlmEngine => "llm-engine",
        }
    }

    /// Who writes its errors.
    fn dialect(self) -> &'static dyn ServeDialect {
        let id = match self {
            Face::OpenAi => "openai-chat",
            Face::Anthropic => "anthropic-messages",
            Face::LlmEngine => "llm-engine",
        };
        dialects::serve_by_id(id).unwrap_or(&OpenAiChat)
    }

    /// The answer that says what went wrong, with what to do about it.
    pub(crate) fn refuse(self, error: &Error) -> Response {
        let error = outcome::told(error);
        let (status, body) = self.dialect().encode_error(&error);
        let mut response = json(StatusCode::from_u16(status).unwrap_or_default(), body);
        let headers = response.headers_mut();
        if let Some(wait) = error.wait() {
            // Whole seconds, never less than what was asked for.
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000) as u64));
        }
        if status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"antiphon\""));
        }
        response
    }
}

/// A JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
