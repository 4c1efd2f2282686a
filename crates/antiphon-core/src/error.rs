//! What can go wrong, as one opaque [`Error`] with a [`Kind`].
//!
//! Every fact that depends only on the kind (is it worth a retry, which HTTP status, which Python class,
//! which exit code, what advice) stands in one table, [`ROWS`]; every face reads it.

use std::fmt;
use std::time::Duration;

use crate::Response;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is. Few on purpose; the rest is fields of the [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The caller's input is wrong; found before anything was sent or run.
    InvalidRequest,
    /// The provider refused the request as malformed.
    BadRequest,
    /// The prompt does not fit the model's context.
    ContextWindowExceeded,
    /// The provider refused the content.
    ContentPolicyViolation,
    /// A known parameter that this model or provider cannot take.
    UnsupportedParams,
    /// No provider of that name.
    UnknownProvider,
    /// No key, or one that the provider does not accept.
    Authentication,
    /// The account has to be paid first.
    PaymentRequired,
    /// The key may not do this.
    PermissionDenied,
    /// No such model, file or endpoint.
    NotFound,
    /// A deadline passed; the message names which one.
    Timeout,
    /// The provider reports a conflict (409).
    Conflict,
    /// The request is larger than the provider takes.
    PayloadTooLarge,
    /// The provider understood the request and cannot process it (422).
    UnprocessableEntity,
    /// Too many requests; waiting heals it.
    RateLimit,
    /// A quota is used up; waiting does not heal it.
    QuotaExceeded,
    /// The provider failed (500, 504, 529).
    InternalServer,
    /// The provider is behind a gateway that failed (502).
    BadGateway,
    /// The provider is not available (503).
    ServiceUnavailable,
    /// No connection, or one that broke before an answer.
    Connection,
    /// The answer was not what its dialect says.
    ResponseValidation,
    /// The answer does not fit the schema that was asked for.
    JsonSchemaValidation,
    /// A stream ended before its end; the partial answer is on the error.
    StreamInterrupted,
    /// A local model file is missing, damaged or does not load.
    LocalModel,
    /// The caller cancelled.
    Cancelled,
    /// Configuration (file, environment) is wrong.
    Config,
    /// A fault of antiphon itself.
    Internal,
}

/// One row of [`ROWS`].
#[derive(Debug)]
pub struct Row {
    /// The kind that the row describes.
    pub kind: Kind,
    /// Whether another attempt may help.
    pub retryable: bool,
    /// The HTTP status that stands for it, and that a server face answers with.
    pub status: u16,
    /// Name of the Python exception class.
    pub python: &'static str,
    /// Exit code of the command.
    pub exit_code: u8,
    /// Advice that holds for every error of the kind; an error's own hint goes before it.
    pub hint: Option<&'static str>,
}

const fn row(kind: Kind, retryable: bool, status: u16, python: &'static str, exit_code: u8) -> Row {
    Row { kind, retryable, status, python, exit_code, hint: None }
}

const fn hinted(row: Row, hint: &'static str) -> Row {
    Row { hint: Some(hint), ..row }
}

/// Everything that follows from a kind alone. Exit codes: 2 bad input, 3 keys and rights, 4 not found,
/// 5 provider or network, 6 deadline, 7 the answer, 8 local model, 1 anything else, 130 cancelled.
pub static ROWS: &[Row] = &[
    row(Kind::InvalidRequest, false, 400, "InvalidRequestError", 2),
    row(Kind::BadRequest, false, 400, "BadRequestError", 2),
    row(Kind::ContextWindowExceeded, false, 400, "ContextWindowExceededError", 2),
    row(Kind::ContentPolicyViolation, false, 400, "ContentPolicyViolationError", 2),
    hinted(
        row(Kind::UnsupportedParams, false, 400, "UnsupportedParamsError", 2),
        "drop_params=True drops what the model cannot take, and lists it in the response's warnings",
    ),
    row(Kind::UnknownProvider, false, 400, "UnknownProviderError", 2),
    row(Kind::Authentication, false, 401, "AuthenticationError", 3),
    row(Kind::PaymentRequired, false, 402, "PaymentRequiredError", 3),
    row(Kind::PermissionDenied, false, 403, "PermissionDeniedError", 3),
    row(Kind::NotFound, false, 404, "NotFoundError", 4),
    row(Kind::Timeout, true, 408, "Timeout", 6),
    row(Kind::Conflict, true, 409, "ConflictError", 5),
    row(Kind::PayloadTooLarge, false, 413, "PayloadTooLargeError", 2),
    row(Kind::UnprocessableEntity, false, 422, "UnprocessableEntityError", 2),
    row(Kind::RateLimit, true, 429, "RateLimitError", 5),
    row(Kind::QuotaExceeded, false, 429, "QuotaExceededError", 3),
    row(Kind::InternalServer, true, 500, "InternalServerError", 5),
    row(Kind::BadGateway, true, 502, "BadGatewayError", 5),
    row(Kind::ServiceUnavailable, true, 503, "ServiceUnavailableError", 5),
    row(Kind::Connection, true, 500, "APIConnectionError", 5),
    row(Kind::ResponseValidation, false, 502, "APIResponseValidationError", 7),
    row(Kind::JsonSchemaValidation, false, 502, "JSONSchemaValidationError", 7),
    row(Kind::StreamInterrupted, false, 502, "StreamInterruptedError", 7),
    row(Kind::LocalModel, false, 400, "LocalModelError", 8),
    row(Kind::Cancelled, false, 499, "CancelledError", 130),
    row(Kind::Config, false, 500, "ConfigError", 2),
    hinted(
        row(Kind::Internal, false, 500, "InternalError", 1),
        "this is a fault of antiphon: please report it with the message above",
    ),
];

impl Kind {
    /// The row of [`ROWS`] that describes the kind.
    pub fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.kind == self).expect("a test walks every kind")
    }

    /// The kind that an HTTP status stands for where the body says nothing better.
    pub fn from_status(status: u16) -> Kind {
        match status {
            400 => Kind::BadRequest,
            401 => Kind::Authentication,
            402 => Kind::PaymentRequired,
            403 => Kind::PermissionDenied,
            404 => Kind::NotFound,
            408 => Kind::Timeout,
            409 => Kind::Conflict,
            413 => Kind::PayloadTooLarge,
            422 => Kind::UnprocessableEntity,
            429 => Kind::RateLimit,
            502 => Kind::BadGateway,
            503 => Kind::ServiceUnavailable,
            500.. => Kind::InternalServer,
            _ => Kind::BadRequest,
        }
    }
}

/// One attempt that a call made before it failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// `provider/model` of the attempt.
    pub target: String,
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What went wrong, in a line.
    pub message: String,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a call failed. Ask it questions; its text is for people.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: String,
    hint: Option<String>,
    param: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    retryable: Option<bool>,
    attempts: Vec<Attempt>,
    partial: Option<Response>,
    raw: Option<String>,
}

impl Error {
    /// An error of `kind`. The message is lower case, without a full stop, and holds no secret.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            param: None,
            provider: None,
            model: None,
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            retryable: None,
            attempts: Vec::new(),
            partial: None,
            raw: None,
        }))
    }

    /// Input that is wrong in the field `param` (a path such as `messages[2].content`).
    pub fn invalid(param: impl fmt::Display, message: impl fmt::Display) -> Self {
        let param = param.to_string();
        let mut error = Self::new(Kind::InvalidRequest, format!("{param}: {message}"));
        error.0.param = Some(param);
        error
    }

    /// With advice: what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// With the field that is to blame.
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// With the provider and model that were called, unless they are known already.
    pub fn target(mut self, provider: &str, model: &str) -> Self {
        self.0.provider.get_or_insert_with(|| provider.to_owned());
        self.0.model.get_or_insert_with(|| model.to_owned());
        self
    }

    /// With the HTTP status that the provider answered.
    pub fn status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// With the provider's own code for it (`insufficient_quota`, …).
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// With the provider's id of the request.
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// With how long the provider asks to wait.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Whether another attempt may help, where it is known better than by the kind.
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// With every attempt that was made.
    pub fn attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// With what had been received when it failed.
    pub fn partial(mut self, partial: Response) -> Self {
        self.0.partial = Some(partial);
        self
    }

    /// With the text as the model or the provider gave it.
    pub fn raw(mut self, raw: impl Into<String>) -> Self {
        self.0.raw = Some(raw.into());
        self
    }

    /// With a secret masked wherever a provider repeated it: most say which key they refuse.
    pub fn hide(mut self, secret: &str) -> Self {
        let Inner { message, hint, param, code, request_id, raw, .. } = &mut *self.0;
        let texts = [hint, param, code, request_id, raw].into_iter().flatten();
        texts.chain([message]).for_each(|text| hide(text, secret));
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message alone, without the hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.0.hint.as_deref().or(self.0.kind.row().hint)
    }

    /// The field that is to blame.
    pub fn field(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// Whether another attempt may help.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable.unwrap_or(self.0.kind.row().retryable)
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// The HTTP status that was received, else the one that stands for the kind.
    pub fn status_code(&self) -> u16 {
        self.0.status.unwrap_or(self.0.kind.row().status)
    }

    /// The HTTP status that was received, if one was.
    pub fn received_status(&self) -> Option<u16> {
        self.0.status
    }

    /// The provider's own code for it.
    pub fn provider_code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The provider that was called.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// The model that was called.
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// The provider's id of the request.
    pub fn upstream_request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the provider asks to wait.
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Every attempt that was made, the last one included.
    pub fn tried(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// What had been received when it failed.
    pub fn partial_response(&self) -> Option<&Response> {
        self.0.partial.as_ref()
    }

    /// The text as the model or the provider gave it.
    pub fn raw_text(&self) -> Option<&str> {
        self.0.raw.as_deref()
    }
}

/// A shorter secret is none, and its letters may stand anywhere.
const MIN_SECRET: usize = 8;

fn hide(text: &mut String, secret: &str) {
    const MASK: &str = "****";
    if secret.len() < MIN_SECRET {
        return;
    }
    if text.contains(secret) {
        *text = text.replace(secret, MASK);
    }
    // An excerpt may end in the middle of it.
    let Some(before) = text.strip_suffix('…') else { return };
    let pieces = (MIN_SECRET / 2..secret.len()).rev().filter_map(|end| secret.get(..end));
    let ends = pieces.filter_map(|piece| before.strip_suffix(piece)).map(str::len).next();
    if let Some(end) = ends {
        text.replace_range(end.., &format!("{MASK}…"));
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match self.advice() {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(status) = self.0.status {
            out.field("status", &status);
        }
        if let Some(provider) = &self.0.provider {
            out.field("provider", provider).field("model", &self.0.model);
        }
        out.finish_non_exhaustive()
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row() {
        for row in ROWS {
            assert_eq!(row.kind.row().python, row.python, "{:?} has two rows", row.kind);
        }
        // The last variant: when one is added after it, this count and the table must grow together.
        assert_eq!(ROWS.len(), Kind::Internal as usize + 1);
    }

    #[test]
    fn a_secret_that_is_repeated_is_masked() {
        let cases = [
            ("no such key: canary-123, canary-123.", "no such key: ****, ****."),
            ("cut in it: canary-…", "cut in it: ****…"),
            ("cut in it: can…", "cut in it: can…"),
            ("canary", "canary"),
        ];
        for (text, expected) in cases {
            let error = Error::new(Kind::Authentication, text).raw(text).hide("canary-123");
            assert_eq!((error.message(), error.raw_text()), (expected, Some(expected)));
        }
        assert_eq!(Error::new(Kind::Authentication, "ok").hide("k").message(), "ok");
    }

    #[test]
    fn text_is_message_then_hint() {
        let error = Error::invalid("temperature", "must be a number, got \"hot\"").hint("try 0.7");
        assert_eq!(error.to_string(), "temperature: must be a number, got \"hot\"\nhint: try 0.7");
        assert_eq!(error.field(), Some("temperature"));
        assert_eq!(error.status_code(), 400);
    }
}
