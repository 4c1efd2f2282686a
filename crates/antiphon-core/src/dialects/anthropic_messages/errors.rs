//! What Anthropic says went wrong becomes a kind, by a table.

use serde_json::Value;

use crate::dialects::Headers;
use crate::dialects::excerpt::excerpt;
use crate::dialects::fault::{Fault, REFUSED, Rule, code, kind_by, message};
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
    let kind = kind_by(RULES, fault, status).or_else(|| status.map(Kind::from_status));
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
}
