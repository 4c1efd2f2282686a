//! The one table of what there is over HTTP.
//!
//! A row is all that is known of a route: the router, the gate in front of it, the labels of metrics and
//! `/openapi.json` read it. Every route stands at the root and below `/llm-engine`, where LLM Engine's clients
//! look. What is not in the table, or is written in another way (`//`, `%2F`, another case), is nobody's: it
//! needs a key like everything that is not [`Access::Open`], and is a 404 then.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::face::Face;
use crate::faces;
use crate::ticket::Caller;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, without a key and whatever else is under way.
    Open,
    /// Who has a key, within the limits.
    Keyed,
    /// Who has a key, whatever the limits: what the server does is looked at most when they are reached.
    Unlimited,
}

/// One row.
pub(crate) struct Route {
    /// `GET`, `POST`, ….
    pub(crate) method: &'static str,
    /// As axum writes it: `{id}` is one segment, `{*name}` the rest, slashes included.
    pub(crate) path: &'static str,
    /// In whose words it speaks.
    pub(crate) face: Face,
    /// Who may ask.
    pub(crate) access: Access,
    /// A line for `/openapi.json`.
    pub(crate) summary: &'static str,
    /// JSON schema of its body, as text.
    pub(crate) body: Option<&'static str>,
    /// What answers.
    pub(crate) handler: fn() -> MethodRouter,
}

/// The routes of each family.
pub(crate) static FAMILIES: &[&[Route]] = &[
    faces::health::ROUTES,
    faces::page::ROUTES,
    faces::openai::ROUTES,
    faces::anthropic::ROUTES,
    faces::llm_engine::ROUTES,
];

/// Where the routes stand a second time.
pub(crate) const PREFIX: &str = "/llm-engine";

/// Every row.
pub(crate) fn all() -> impl DoubleEndedIterator<Item = &'static Route> {
    FAMILIES.iter().copied().flatten()
}

/// What answers a path with its prefix taken off.
pub(crate) fn router() -> Router {
    all()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
}

/// A path without [`PREFIX`].
pub(crate) fn unprefixed(path: &str) -> &str {
    match path.strip_prefix(PREFIX) {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// The row of a path, whatever the method; the path as it is written, for the gate trusts nothing else.
pub(crate) fn of_path(path: &str) -> Option<&'static Route> {
    static PLAIN: LazyLock<HashMap<&str, &Route>> = LazyLock::new(|| {
        // Of several methods of a path the first row counts, as below.
        all().filter(|route| !route.path.contains('{')).map(|route| (route.path, route)).rev().collect()
    });
    let plain = PLAIN.get(path).copied();
    plain.or_else(|| all().find(|route| matches(route.path, path)))
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut path = path.split('/');
    for segment in pattern.split('/') {
        let Some(given) = path.next() else { return false };
        if segment.starts_with("{*") {
            return !given.is_empty() || path.next().is_some();
        }
        let fits = if segment.starts_with('{') { !given.is_empty() } else { segment == given };
        if !fits {
            return false;
        }
    }
    path.next().is_none()
}

async fn not_found(caller: Caller, request: Request) -> Response {
    let path = request.uri().path();
    let message = format!("there is no {path}; GET /openapi.json lists what there is");
    caller.refuse(&antiphon::Error::new(antiphon::Kind::NotFound, message).code("not_found"))
}

async fn wrong_method(caller: Caller, request: Request) -> Response {
    let path = unprefixed(request.uri().path());
    let methods: Vec<&str> =
        all().filter(|route| matches(route.path, path)).map(|route| route.method).collect();
    let allowed = methods.join(", ");
    let message = format!("{path} takes {allowed}, not {}", request.method());
    let error = antiphon::Error::new(antiphon::Kind::InvalidRequest, message).code("method_not_allowed");
    let mut response = caller.refuse(&error);
    *response.status_mut() = http::StatusCode::METHOD_NOT_ALLOWED;
    if let Ok(allowed) = http::HeaderValue::try_from(allowed) {
        response.headers_mut().insert(http::header::ALLOW, allowed);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_the_router_matches() {
        for (pattern, path, expected) in [
            ("/v1/models", "/v1/models", true),
            ("/v1/models", "/v1/models/", false),
            ("/v1/models", "//v1/models", false),
            ("/v1/models", "/V1/models", false),
            ("/v1/models/{*id}", "/v1/models/a/b", true),
            ("/v1/models/{*id}", "/v1/models/", false),
            ("/v1/files/{id}", "/v1/files/a", true),
            ("/v1/files/{id}", "/v1/files/a/b", false),
            ("/v1/files/{id}", "/v1/files/", false),
            ("/v1/files/{id}/content", "/v1/files/a/content", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn little_is_open_and_nothing_of_it_has_a_parameter() {
        for route in all().filter(|route| route.access == Access::Open) {
            assert!(!route.path.contains('{'), "{}", route.path);
            assert_eq!(route.method, "GET", "{}", route.path);
        }
    }

    #[test]
    fn no_row_is_there_twice() {
        let mut rows: Vec<_> = all().map(|route| (route.path, route.method)).collect();
        let count = rows.len();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), count);
        let _ = router();
    }
}
