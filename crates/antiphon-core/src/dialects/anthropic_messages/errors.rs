//! What Anthropic says went wrong becomes a kind, by a table; and the other way round for who calls us.

use serde_json::{Value, json};

use crate::dialects::Headers;
use crate::dialects::excerpt::excerpt;
use crate::dialects::fault::{Fault, REFUSED, Rule, code, kind_by, message};
use crate::dialects::openai_chat::errors as openai;
use crate::{Error, Kind};

/// Codes first, then what only the words of a refused request say, then the types ("Errors"; the codes and
/// types are those of the official SDK). A type that fits any status decides nothing.
static RULES: &[Rule] = &[
    code("enforced_spend_limit_reached", Kind::QuotaExceeded),
    code("contract_spend_limit_reached", Kind::QuotaExceeded),
    code("linked_organization_spend_limit_reached", Kind::QuotaExceeded),
    code("ramp_limit_exceeded", Kind::RateLimit),
    code("organization_on_hold", Kind::PermissionDenied),
    message("prompt is too long", REFUSED, Kind::ContextWindowExceeded),
    message("exceed context limit", REFUSED, Kind::ContextWindowExceeded),
    message("context window", REFUSED, Kind::ContextWindowExceeded),
    message("credit balance is too low", REFUSED, Kind::PaymentRequired),
    message("specified api usage limits", REFUSED, Kind::QuotaExceeded),
    message("content filtering policy", REFUSED, Kind::ContentPolicyViolation),
    // Sampling parameters, thinking and effort differ from model to model.
    message("extra inputs are not permitted", REFUSED, Kind::UnsupportedParams),
    message("is deprecated for this model", REFUSED, Kind::UnsupportedParams),
    message("is not supported for this model", REFUSED, Kind::UnsupportedParams),
    message("is not supported on this model", REFUSED, Kind::UnsupportedParams),
    message("does not support the effort parameter", REFUSED, Kind::UnsupportedParams),
    code("authentication_error", Kind::Authentication),
    code("billing_error", Kind::PaymentRequired),
    code("permission_error", Kind::PermissionDenied),
    code("not_found_error", Kind::NotFound),
    code("conflict_error", Kind::Conflict),
    code("request_too_large", Kind::PayloadTooLarge),
    code("rate_limit_error", Kind::RateLimit),
    code("overloaded_error", Kind::ServiceUnavailable),
    // The status of both is 5xx, which says the same; inside a stream there is none.
    code("timeout_error", Kind::InternalServer),
    code("api_error", Kind::InternalServer),
];

/// How each kind is told to who calls us, where its status alone does not say the type: status and type. A
/// provider that is not available is an overloaded one here, with a status of its own ("Errors").
static TOLD: &[(Kind, u16, &str)] =
    &[(Kind::ServiceUnavailable, 529, "overloaded_error"), (Kind::Timeout, 504, "timeout_error")];

/// The type that stands for a status ("Errors").
static TYPES: &[(u16, &str)] = &[
    (401, "authentication_error"),
    (402, "billing_error"),
    (403, "permission_error"),
    (404, "not_found_error"),
    (409, "conflict_error"),
    (413, "request_too_large"),
    (429, "rate_limit_error"),
    (504, "timeout_error"),
    (529, "overloaded_error"),
];

/// The status of an error, and the body, or the event of a stream, that tells it. The API's types say little,
/// so our own code goes along in the place that it has for one; a reader that is antiphon too has the same
/// kind again.
pub(super) fn encode(error: &Error) -> (u16, Value) {
    let kind = error.kind();
    let row = TOLD.iter().find(|(told, ..)| *told == kind);
    let (status, name) = row.map_or_else(
        || {
            let status = kind.row().status;
            let by_status = TYPES.iter().find(|(known, _)| *known == status).map(|(_, name)| *name);
            (status, by_status.unwrap_or(if status < 500 { "invalid_request_error" } else { "api_error" }))
        },
        |(_, status, name)| (*status, *name),
    );
    // A code of Anthropic's own says more than ours, as long as it says the same kind.
    let theirs = error.provider_code().filter(|code| {
        let fault = Fault { code: (*code).to_owned(), ..Fault::default() };
        *code != name && kind_by(RULES, &fault, None) == Some(kind)
    });
    let code = theirs.unwrap_or(openai::told(kind).1);
    let mut body = json!({
        "type": "error",
        "error": {"type": name, "message": error.message(), "details": {"error_code": code}},
    });
    if let Some(id) = error.upstream_request_id() {
        body["request_id"] = id.into();
    }
    (status, body)
}

/// Reads an answer whose status says that the call failed.
pub(super) fn decode(status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    let body: Option<Value> = serde_json::from_str(&text).ok();
    let told = body.as_ref().and_then(|body| body.get("request_id")?.as_str()).map(str::to_owned);
    let fault = body.and_then(Fault::from_body).unwrap_or_default();
    let error = error(fault, Some(status), &text);
    match headers("request-id").or(told) {
        Some(id) => error.request_id(excerpt(&id)),
        None => error,
    }
}

/// Reads the value of `error` in a body or event that should have been an answer.
pub(super) fn in_body(value: Value, request_id: Option<&str>) -> Error {
    let text = value.to_string();
    let error = error(Fault::from_error(value), None, &text);
    match request_id {
        Some(id) => error.request_id(excerpt(id)),
        None => error,
    }
}

/// Reads the data of a stream's event that is named `error`.
pub(super) fn in_stream(data: &str) -> Error {
    let body: Option<Value> = serde_json::from_str(data).ok();
    let told = body.as_ref().and_then(|body| body.get("request_id")?.as_str()).map(str::to_owned);
    let error = error(body.and_then(Fault::from_body).unwrap_or_default(), None, data);
    match told {
        Some(id) => error.request_id(excerpt(&id)),
        None => error,
    }
}

fn error(mut fault: Fault, status: Option<u16>, text: &str) -> Error {
    if fault.param.is_empty() {
        fault.param = field(&fault.message).unwrap_or_default().to_owned();
    }
    fault.into_error(status, text, classify)
}

fn classify(fault: &Fault, status: Option<u16>) -> Kind {
    let ours = openai::kind_of_code(&fault.code);
    let kind = ours.or_else(|| kind_by(RULES, fault, status)).or_else(|| status.map(Kind::from_status));
    kind.unwrap_or(match fault.kind.as_str() {
        "invalid_request_error" => Kind::BadRequest,
        _ => Kind::InternalServer,
    })
}

/// The field that a message begins with: `max_tokens: …`, or `temperature` in quotation marks.
fn field(message: &str) -> Option<&str> {
    let quoted = |mark: char| message.strip_prefix(mark)?.split_once(mark);
    let (field, _) = message.split_once(": ").or_else(|| quoted('`')).or_else(|| quoted('\''))?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
    (field.starts_with(|c: char| c.is_ascii_lowercase()) && field.chars().all(legal)).then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, kind: &str, message: &str, expected: Kind, param: Option<&str>) {
        let body = serde_json::json!({"type": "error", "error": {"type": kind, "message": message}});
        let error = decode(status, &|_| None, body.to_string().as_bytes());
        assert_eq!((error.kind(), error.field()), (expected, param), "{status} {message}");
        assert_eq!((error.message(), error.status_code()), (message, status));
    }

    #[test]
    fn words_that_say_more_than_the_type() {
        let check = |message, expected, param| check(400, "invalid_request_error", message, expected, param);
        check("prompt is too long: 210000 tokens > 200000 maximum", Kind::ContextWindowExceeded, None);
        check(
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            Kind::ContextWindowExceeded,
            None,
        );
        check("Your credit balance is too low to access the API.", Kind::PaymentRequired, None);
        check("You have reached your specified API usage limits.", Kind::QuotaExceeded, None);
        check("Output blocked by content filtering policy", Kind::ContentPolicyViolation, None);
        check("temperature: Extra inputs are not permitted", Kind::UnsupportedParams, Some("temperature"));
        check("`top_p` is deprecated for this model.", Kind::UnsupportedParams, Some("top_p"));
        check("max_tokens: 99999 > 64000", Kind::BadRequest, Some("max_tokens"));
        check("messages.0.content: Field required", Kind::BadRequest, Some("messages.0.content"));
    }

    #[test]
    fn a_type_for_any_status_leaves_it_to_the_status() {
        check(422, "invalid_request_error", "no", Kind::UnprocessableEntity, None);
        check(529, "overloaded_error", "Overloaded", Kind::ServiceUnavailable, None);
        check(504, "timeout_error", "Request timed out", Kind::InternalServer, None);
        check(409, "conflict_error", "no", Kind::Conflict, None);
    }

    #[test]
    fn every_kind_is_told_and_read_back() {
        for row in crate::error::ROWS {
            let told = Error::new(row.kind, "some words").request_id("req_1");
            let (status, body) = encode(&told);
            assert_eq!(status / 100, if row.status >= 500 || row.kind == Kind::Timeout { 5 } else { 4 });
            let read = decode(status, &|_| None, body.to_string().as_bytes());
            assert_eq!((read.kind(), read.message()), (row.kind, "some words"));
            assert_eq!(read.upstream_request_id(), Some("req_1"));
            let read = in_stream(&body.to_string());
            assert_eq!(read.kind(), row.kind, "in a stream");
        }
    }

    #[test]
    fn types_and_statuses_are_this_apis() {
        let told = |kind| {
            let (status, body) = encode(&Error::new(kind, "no"));
            (status, body["error"]["type"].as_str().unwrap_or_default().to_owned())
        };
        let cases = [
            (Kind::InvalidRequest, 400, "invalid_request_error"),
            (Kind::UnprocessableEntity, 422, "invalid_request_error"),
            (Kind::Authentication, 401, "authentication_error"),
            (Kind::PaymentRequired, 402, "billing_error"),
            (Kind::PermissionDenied, 403, "permission_error"),
            (Kind::NotFound, 404, "not_found_error"),
            (Kind::PayloadTooLarge, 413, "request_too_large"),
            (Kind::RateLimit, 429, "rate_limit_error"),
            (Kind::QuotaExceeded, 429, "rate_limit_error"),
            (Kind::BadGateway, 502, "api_error"),
            (Kind::Timeout, 504, "timeout_error"),
            (Kind::ServiceUnavailable, 529, "overloaded_error"),
        ];
        for (kind, status, name) in cases {
            assert_eq!(told(kind), (status, name.to_owned()), "{kind:?}");
        }
    }

    #[test]
    fn a_code_of_anthropics_own_goes_on() {
        let code = "enforced_spend_limit_reached";
        let (_, body) = encode(&Error::new(Kind::QuotaExceeded, "no").code(code));
        assert_eq!(body["error"]["details"]["error_code"], code);
        let (_, body) = encode(&Error::new(Kind::RateLimit, "no").code("rate_limit_error"));
        assert_eq!(body["error"]["details"]["error_code"], "rate_limit_exceeded");
    }
}
