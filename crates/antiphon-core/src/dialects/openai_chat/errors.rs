//! What a provider says went wrong becomes a kind, by a table; and the other way round for who calls us.

use serde_json::{Value, json};

use crate::dialects::Headers;
use crate::dialects::excerpt::excerpt;
use crate::dialects::fault::{Fault, REFUSED, Rule, code, kind_by, message};
use crate::{Error, Kind};

/// Codes first, for they are meant to be read by programs; messages only where servers give no code.
static RULES: &[Rule] = &[
    // What no waiting heals, though the code is that of a rate limit: an empty account (Z.ai's 429, MiniMax's
    // 429 and 500), a plan that is used up.
    message("insufficient balance", &[], Kind::PaymentRequired),
    message("usage limit exceeded", &[429], Kind::QuotaExceeded),
    message("usage limit reached", &[429], Kind::QuotaExceeded),
    // OpenAI, "Error codes" and the values seen with them.
    code("context_length_exceeded", Kind::ContextWindowExceeded),
    code("content_filter", Kind::ContentPolicyViolation),
    code("content_policy_violation", Kind::ContentPolicyViolation),
    code("moderation_blocked", Kind::ContentPolicyViolation),
    code("insufficient_quota", Kind::QuotaExceeded),
    code("billing_hard_limit_reached", Kind::QuotaExceeded),
    code("billing_not_active", Kind::QuotaExceeded),
    code("model_not_found", Kind::NotFound),
    code("invalid_api_key", Kind::Authentication),
    code("account_deactivated", Kind::Authentication),
    code("unsupported_country_region_territory", Kind::PermissionDenied),
    code("unsupported_parameter", Kind::UnsupportedParams),
    code("unsupported_value", Kind::UnsupportedParams),
    code("rate_limit_exceeded", Kind::RateLimit),
    // Azure OpenAI.
    code("DeploymentNotFound", Kind::NotFound),
    code("ResponsibleAIPolicyViolation", Kind::ContentPolicyViolation),
    code("NoCapacity", Kind::ServiceUnavailable),
    // Moonshot, DeepSeek, Groq, Mistral, llama.cpp's server, and gateways with Anthropic's words.
    code("exceeded_current_quota_error", Kind::QuotaExceeded),
    code("insufficient_balance", Kind::PaymentRequired),
    code("insufficient_credits", Kind::PaymentRequired),
    code("exceed_context_size_error", Kind::ContextWindowExceeded),
    code("model_decommissioned", Kind::NotFound),
    code("invalid_model", Kind::NotFound),
    code("not_found_error", Kind::NotFound),
    code("authentication_error", Kind::Authentication),
    code("invalid_authentication_error", Kind::Authentication),
    code("unauthorized", Kind::Authentication),
    code("permission_error", Kind::PermissionDenied),
    code("permission_denied", Kind::PermissionDenied),
    code("rate_limit_error", Kind::RateLimit),
    code("rate_limit_reached_error", Kind::RateLimit),
    code("too_many_requests", Kind::RateLimit),
    code("engine_overloaded_error", Kind::ServiceUnavailable),
    code("engine_overloaded", Kind::ServiceUnavailable),
    code("overloaded_error", Kind::ServiceUnavailable),
    code("service_unavailable", Kind::ServiceUnavailable),
    // vLLM, Together, DeepSeek, SGLang and others say it in words alone.
    message("maximum context length", REFUSED, Kind::ContextWindowExceeded),
    message("exceeds the available context size", REFUSED, Kind::ContextWindowExceeded),
    message("context window", REFUSED, Kind::ContextWindowExceeded),
    message("prompt is too long", REFUSED, Kind::ContextWindowExceeded),
    message("longer than the model's context", REFUSED, Kind::ContextWindowExceeded),
    message("content management policy", REFUSED, Kind::ContentPolicyViolation),
    message("exceeded your current quota", &[429], Kind::QuotaExceeded),
    message("prompt exceeds max length", REFUSED, Kind::ContextWindowExceeded),
    message("range of input length should be", REFUSED, Kind::ContextWindowExceeded),
    message("your input was flagged", &[400, 403], Kind::ContentPolicyViolation),
    code("data_inspection_failed", Kind::ContentPolicyViolation),
    // A field too many, as FastAPI (Mistral, NVIDIA), Fireworks, Groq, Cerebras and xAI say it.
    message("extra inputs are not permitted", REFUSED, Kind::UnsupportedParams),
    message("' is unsupported", REFUSED, Kind::UnsupportedParams),
    message("does not support parameter", REFUSED, Kind::UnsupportedParams),
    message("argument not supported on this model", REFUSED, Kind::UnsupportedParams),
    // xAI and Gemini's compatible face answer 400 to a wrong key.
    message("incorrect api key", REFUSED, Kind::Authentication),
    message("api key not valid", REFUSED, Kind::Authentication),
    message("invalid api key", REFUSED, Kind::Authentication),
];

/// MiniMax's codes, which come in `base_resp` beside or instead of an answer, with a status of 200 (its page
/// "Error Codes"). Others are the server's fault.
static BASE_RESP: &[(i64, Kind)] = &[
    (1001, Kind::Timeout),
    (1002, Kind::RateLimit),
    (1004, Kind::Authentication),
    (1008, Kind::PaymentRequired),
    (1026, Kind::ContentPolicyViolation),
    (1027, Kind::ContentPolicyViolation),
    (1039, Kind::RateLimit),
    (2013, Kind::BadRequest),
    (2049, Kind::Authentication),
    (2056, Kind::QuotaExceeded),
];

/// Types that say only whose fault it is; they decide where neither a rule nor a status does.
static TYPES: &[(&str, Kind)] = &[
    ("invalid_request_error", Kind::BadRequest),
    ("BadRequestError", Kind::BadRequest),
    ("requests", Kind::RateLimit),
    ("tokens", Kind::RateLimit),
    ("timeout", Kind::Timeout),
];

/// How each kind is told to who calls us: type and code, OpenAI's own words where it has some. Every code
/// is of one kind, so a caller that is antiphon too reads the same kind back.
static TOLD: &[(Kind, &str, &str)] = &[
    (Kind::InvalidRequest, "invalid_request_error", "invalid_request"),
    (Kind::BadRequest, "invalid_request_error", "bad_request"),
    (Kind::ContextWindowExceeded, "invalid_request_error", "context_length_exceeded"),
    (Kind::ContentPolicyViolation, "invalid_request_error", "content_policy_violation"),
    (Kind::UnsupportedParams, "invalid_request_error", "unsupported_parameter"),
    (Kind::UnknownProvider, "invalid_request_error", "unknown_provider"),
    (Kind::Authentication, "invalid_request_error", "invalid_api_key"),
    (Kind::PaymentRequired, "invalid_request_error", "insufficient_credits"),
    (Kind::PermissionDenied, "invalid_request_error", "permission_denied"),
    (Kind::NotFound, "invalid_request_error", "model_not_found"),
    (Kind::Timeout, "server_error", "timeout"),
    (Kind::Conflict, "invalid_request_error", "conflict"),
    (Kind::PayloadTooLarge, "invalid_request_error", "request_too_large"),
    (Kind::UnprocessableEntity, "invalid_request_error", "unprocessable_entity"),
    (Kind::RateLimit, "requests", "rate_limit_exceeded"),
    (Kind::QuotaExceeded, "insufficient_quota", "insufficient_quota"),
    (Kind::InternalServer, "server_error", "server_error"),
    (Kind::BadGateway, "server_error", "bad_gateway"),
    (Kind::ServiceUnavailable, "server_error", "service_unavailable"),
    (Kind::Connection, "server_error", "upstream_connection"),
    (Kind::ResponseValidation, "server_error", "upstream_response_invalid"),
    (Kind::JsonSchemaValidation, "server_error", "schema_mismatch"),
    (Kind::StreamInterrupted, "server_error", "stream_interrupted"),
    (Kind::LocalModel, "invalid_request_error", "local_model"),
    (Kind::Cancelled, "invalid_request_error", "cancelled"),
    (Kind::Config, "server_error", "configuration"),
    (Kind::Internal, "server_error", "internal"),
];

/// Reads an answer whose status says that the call failed.
pub(in crate::dialects) fn decode(status: u16, headers: Headers<'_>, body: &[u8]) -> Error {
    let text = String::from_utf8_lossy(body);
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let mut error = match body.get("base_resp").and_then(in_base_resp) {
        Some(error) => error.status(status),
        None => Fault::from_body(body).unwrap_or_default().into_error(Some(status), &text, classify),
    };
    if let Some(id) = ["x-request-id", "request-id", "apim-request-id"].into_iter().find_map(headers) {
        error = error.request_id(excerpt(&id));
    }
    error
}

/// Reads the value of `error` in a body or event that should have been an answer.
pub(in crate::dialects) fn in_body(error: Value) -> Error {
    let text = error.to_string();
    Fault::from_error(error).into_error(None, &text, classify)
}

/// Reads MiniMax's `base_resp`, which says how a call went; nothing where it went well.
pub(in crate::dialects) fn in_base_resp(outcome: &Value) -> Option<Error> {
    let code = outcome.get("status_code").and_then(Value::as_i64).filter(|code| *code != 0)?;
    let kind =
        BASE_RESP.iter().find(|(known, _)| *known == code).map_or(Kind::InternalServer, |(_, kind)| *kind);
    let message = outcome.get("status_msg").and_then(Value::as_str).map(excerpt).unwrap_or_default();
    let message = if message.is_empty() { "the provider answered with an error".to_owned() } else { message };
    Some(Error::new(kind, message).code(code.to_string()))
}

/// Reads the data of a stream's event that is named `error`.
pub(super) fn in_stream(data: &str) -> Error {
    let fault = serde_json::from_str(data).ok().and_then(Fault::from_body).unwrap_or_default();
    fault.into_error(None, data, classify)
}

fn classify(fault: &Fault, status: Option<u16>) -> Kind {
    if let Some(kind) = kind_by(RULES, fault, status) {
        return kind;
    }
    if let Some(kind) = kind_of_code(&fault.code) {
        return kind;
    }
    if let Some(status) = status {
        return Kind::from_status(status);
    }
    let by_type = TYPES.iter().find(|(name, _)| fault.kind.eq_ignore_ascii_case(name));
    by_type.map_or(Kind::InternalServer, |(_, kind)| *kind)
}

/// The kind that one of our own codes stands for.
pub(in crate::dialects) fn kind_of_code(code: &str) -> Option<Kind> {
    TOLD.iter().find(|(.., told)| code.eq_ignore_ascii_case(told)).map(|(kind, ..)| *kind)
}

/// How a kind is told: type and code.
pub(in crate::dialects) fn told(kind: Kind) -> (&'static str, &'static str) {
    let row = TOLD.iter().find(|(told, ..)| *told == kind);
    let (_, kind, code) = row.expect("a test walks every kind");
    (kind, code)
}

/// The body, or the event of a stream, that tells an error.
pub(in crate::dialects) fn encode(error: &Error) -> Value {
    let (kind, code) = told(error.kind());
    json!({"error": {
        "message": error.message(),
        "type": kind,
        "param": error.field(),
        "code": error.provider_code().unwrap_or(code),
    }})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ROWS;

    fn check(status: u16, body: &str, kind: Kind, message: &str) {
        let error = decode(status, &|_| None, body.as_bytes());
        assert_eq!((error.kind(), error.message()), (kind, message), "{status} {body}");
    }

    #[test]
    fn shapes_of_error_bodies() {
        check(404, r#"{"error": {"message": "no"}}"#, Kind::NotFound, "no");
        check(400, r#"{"error": "no"}"#, Kind::BadRequest, "no");
        check(
            400,
            r#"[{"error": {"code": 400, "message": "API key not valid. Please"}}]"#,
            Kind::Authentication,
            "API key not valid. Please",
        );
        check(422, r#"{"detail": "no"}"#, Kind::UnprocessableEntity, "no");
        check(422, r#"{"detail": [{"msg": "no"}]}"#, Kind::UnprocessableEntity, "no");
        check(
            422,
            r#"{"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "no"}, {"loc": ["body"], "msg": "nor"}]}"#,
            Kind::UnprocessableEntity,
            "messages.0.role: no; nor",
        );
        check(
            400,
            r#"{"object": "error", "message": "This model's maximum context length is 10 tokens", "code": 400}"#,
            Kind::ContextWindowExceeded,
            "This model's maximum context length is 10 tokens",
        );
        check(500, "", Kind::InternalServer, "the provider answered with status 500");
        check(
            502,
            "<html><body>bad</body></html>",
            Kind::BadGateway,
            "the provider answered with status 502: bad",
        );
        check(429, r#"{"message": "slow down", "error": "too_many_requests"}"#, Kind::RateLimit, "slow down");
        check(
            500,
            r#"{"error": {"message": "the context window of the pool failed"}}"#,
            Kind::InternalServer,
            "the context window of the pool failed",
        );
        check(
            400,
            r#"{"error": {"message": "bad key sk-test-1234567890"}}"#,
            Kind::BadRequest,
            "bad key sk-****",
        );
    }

    #[test]
    fn the_request_id_comes_along() {
        let headers = |name: &str| (name == "x-request-id").then(|| "req_1".to_owned());
        assert_eq!(decode(500, &headers, b"").upstream_request_id(), Some("req_1"));
    }

    #[test]
    fn every_kind_is_told_and_read_back() {
        for row in ROWS {
            let error = Error::new(row.kind, "x").param("p");
            let body = encode(&error);
            let read = in_body(body["error"].clone());
            assert_eq!((read.kind(), read.field()), (row.kind, Some("p")));
            let read = decode(row.status, &|_| None, body.to_string().as_bytes());
            assert_eq!(read.kind(), row.kind);
        }
    }
}
