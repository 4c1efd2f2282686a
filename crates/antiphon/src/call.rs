//! A call: the request that a model sees, and the options that it does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use antiphon_core::error::ROWS;
use antiphon_core::{Error, Kind, Map, Operation, Request, Result};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::Value;

use crate::base_url::BaseUrl;
use crate::cache::CacheOptions;
use crate::local::LocalOptions;
use crate::mock::Mock;
use crate::names;
use crate::tap::Tap;

/// What surrounds a call and is never part of the request.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The key to use, before any other source of one.
    pub api_key: Option<SecretString>,
    /// The provider's address, before any other source of one.
    pub base_url: Option<BaseUrl>,
    /// Deadline of everything, retries and fallbacks included. Without one, a whole answer has
    /// [`Waits::DEFAULT_TOTAL`], and a stream has it until its first content.
    pub timeout: Option<Duration>,
    /// The deadlines within one attempt.
    pub waits: Waits,
    /// Attempts after the first; 2 where it is not said.
    pub max_retries: Option<u32>,
    /// Seconds between two attempts, each time; without them, longer and longer.
    pub retry_delay: Option<Duration>,
    /// What is tried again; where it is not said, what may heal.
    pub retry_on: Option<Vec<Kind>>,
    /// Who is asked when the model fails, in order.
    pub fallbacks: Vec<Fallback>,
    /// Headers to send beside the usual ones, or in their place.
    pub extra_headers: HeaderMap,
    /// Whether parameters that the provider cannot take are dropped, with a warning, in place of an error.
    pub drop_params: bool,
    /// Whether an answer is held against the form that was asked for; true where it is not said.
    pub check_form: Option<bool>,
    /// How often a model is asked again whose answer does not have it; 1 where it is not said.
    pub max_reasks: Option<u32>,
    /// Whether and where the answer is kept.
    pub cache: CacheOptions,
    /// Answer with a description of the request, and send nothing; see [`crate::Client::explain`].
    pub dry_run: bool,
    /// Answer with this and call nothing.
    pub mock: Option<Mock>,
    /// How long a mocked call takes.
    pub mock_delay: Option<Duration>,
    /// How a local model is loaded.
    pub local: LocalOptions,
    /// Who asks, where several do: a local model answers them in turn.
    pub client: Option<String>,
    /// What the server of an upstream is called, for the attempts that are made at it.
    pub server: Option<Arc<str>>,
    /// Whether the first attempt has had its turn at the rate limit; see [`crate::Client::take_turn`].
    pub has_turn: bool,
    /// Counts the requests that are sent, where somebody wants to know.
    pub sent: Option<Arc<AtomicU32>>,
    /// Where the bytes of the answer are left, for a server that passes them on.
    pub tap: Option<Tap>,
}

/// The names of [`Options`], as every face spells them, with what they do.
pub(crate) static OPTIONS: &[(&str, &str)] = &[
    ("api_key", "The provider's key for this call."),
    ("base_url", "The provider's address for this call."),
    ("timeout", "Seconds that the whole call may take, retries included."),
    ("connect_timeout", "Seconds that a connection may take to be made; 5."),
    ("first_byte_timeout", "Seconds until a stream begins; 300."),
    ("idle_timeout", "Seconds between two pieces of a stream; 300."),
    ("max_retries", "Attempts after the first one; 2."),
    ("num_retries", "The same, by LiteLLM's name."),
    ("retry_delay", "Seconds between attempts; without it, 0.5 doubling to 8, with jitter."),
    ("enable_retries", "Whether to ask again at all; true."),
    ("retry_on_exceptions", "Classes of the errors to ask again after, in place of the usual rules."),
    ("retry_on_all_exceptions", "Whether to ask again after any error."),
    ("fallbacks", "Models to ask in turn when this one fails."),
    ("extra_headers", "Headers to send beside the usual ones."),
    ("drop_params", "Whether to drop parameters that the provider cannot take, with a warning."),
    ("enable_json_schema_validation", "Whether to hold an answer against the form asked for; true."),
    ("max_reasks", "How often to ask again for an answer that fits; 1."),
    ("cache_enabled", "Whether to keep the answer, and to answer with a kept one."),
    ("cache_path", "Folder in which answers are kept."),
    ("cache_key_prefix", "Keeps apart what would be the same in the cache."),
    ("include_model_in_cache_key", "Whether another model has another answer; true."),
    ("return_cache_key", "Answer with the key of the cache, and call nothing."),
    ("ttl", "Seconds that the answer is good."),
    ("dry_run", "Show the request that would be sent, and send nothing."),
    ("api_base", "The same as base_url, by LiteLLM's name."),
    ("headers", "The same as extra_headers, by LiteLLM's name."),
    ("extra_body", "Fields to send to the provider as they are."),
    ("mock_response", "Answer with this text, vector, response or error, and call nothing."),
    ("mock_tool_calls", "Answer with these calls of tools, and call nothing."),
    ("mock_delay", "Seconds that a mocked call takes."),
    ("gpu_layers", "How many layers of a local model to put on the GPU."),
    ("threads", "How many threads a local model runs on."),
    ("context", "How many tokens of context a local model is given."),
    ("draft", "The small local model that guesses how the answer of a local model goes on."),
];

/// The option of that name.
pub(crate) fn option(name: &str) -> Option<&'static str> {
    OPTIONS.iter().map(|(option, _)| *option).find(|option| *option == name)
}

/// A request with its options.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// What the model sees.
    pub request: Request,
    /// What it does not.
    pub options: Options,
    /// Parameters that were passed on without being understood; they become warnings of
    /// the response (a local model says by itself what it ignored).
    pub passed_on: Vec<String>,
}

impl Call {
    /// A call of one request, with no options.
    pub fn new(request: Request) -> Self {
        Self { request, ..Self::default() }
    }

    /// Reads a call from named values, as Python's keyword arguments, the command's `-o` and a JSON body
    /// give them: OpenAI's names for the request, [`crate::option_names`] for the rest.
    pub fn from_json(map: Map) -> Result<Self> {
        Self::read(Operation::Chat, map)
    }

    /// [`Call::from_json`], for any kind of answer.
    pub fn read(operation: Operation, mut map: Map) -> Result<Self> {
        let options = Options::take(&mut map)?;
        let extra_body = match map.shift_remove("extra_body") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(extra)) => extra,
            Some(_) => return Err(Error::invalid("extra_body", "must be an object")),
        };
        let mut request = Request::read(operation, map)?;
        let passed_on = request.extra.keys().cloned().collect::<Vec<_>>();
        passed_on.iter().try_for_each(|name| names::check_unknown(name))?;
        request.extra.extend(extra_body);
        Ok(Self { request, options, passed_on })
    }
}

/// How long the parts of an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waits {
    /// To make a connection, the look-up of its name included.
    pub connect: Duration,
    /// Until a stream's first byte.
    pub first_byte: Duration,
    /// Between two reads of a stream.
    pub idle: Duration,
}

impl Waits {
    /// Total of a call that gives no `timeout`.
    pub const DEFAULT_TOTAL: Duration = Duration::from_secs(600);
    /// How long signs of life alone (comments, pings) keep a stream.
    pub const SILENCE: Duration = Duration::from_secs(600);
}

impl Default for Waits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(5), first_byte: seconds(300), idle: seconds(300) }
    }
}

/// Who is asked when a model fails.
#[derive(Debug, Clone, Default)]
pub struct Fallback {
    /// The model, as `provider/model`.
    pub model: String,
    /// Its key, before any other source of one.
    pub api_key: Option<SecretString>,
    /// Its provider's address, likewise.
    pub base_url: Option<BaseUrl>,
    /// Parameters that differ from the call's, by name.
    pub params: Map,
}

impl From<&str> for Fallback {
    fn from(model: &str) -> Self {
        Self { model: model.to_owned(), ..Self::default() }
    }
}

impl Fallback {
    fn from_json(path: &str, value: Value) -> Result<Self> {
        let mut map = match value {
            Value::String(model) => return Ok(Self { model, ..Self::default() }),
            Value::Object(map) => map,
            _ => return Err(Error::invalid(path, "must be a model's name, or an object with a model")),
        };
        let mut take = |name: &str| {
            let value = map.shift_remove(name).filter(|value| !value.is_null());
            value.map(|value| text(&format!("{path}.{name}"), value)).transpose()
        };
        let model = take("model")?.ok_or_else(|| Error::invalid(format!("{path}.model"), "is required"))?;
        let (api_key, base_url) = (take("api_key")?.map(Into::into), take("base_url")?.map(Into::into));
        map.keys().try_for_each(|name| names::check_unknown(name))?;
        Ok(Self { model, api_key, base_url, params: map })
    }
}

impl Options {
    /// Notes that a request is sent now.
    pub(crate) fn count_request(&self) {
        if let Some(sent) = &self.sent {
            sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads options alone, by name, for what is no call of a model.
    pub fn read(mut map: Map) -> Result<Self> {
        let options = Self::take(&mut map)?;
        match map.keys().find(|name| !map[*name].is_null()) {
            Some(name) => {
                names::check_unknown(name)?;
                Err(Error::invalid(name, "is no option"))
            }
            None => Ok(options),
        }
    }

    /// Takes the options out of the named values of a call.
    fn take(map: &mut Map) -> Result<Self> {
        // There are few in a call and many there could be: only those that are there are taken out.
        let given: Vec<&'static str> = map.keys().filter_map(|name| option(name)).collect();
        if given.is_empty() {
            return Ok(Self::default());
        }
        let mut take = |name: &'static str| Taken {
            name,
            value: given
                .contains(&name)
                .then(|| map.shift_remove(name))
                .flatten()
                .filter(|value| !value.is_null()),
        };
        let waits = Waits::default();
        Ok(Self {
            api_key: take("api_key").read(text)?.map(Into::into),
            base_url: take("base_url").or(take("api_base")).read(text)?.map(Into::into),
            timeout: take("timeout").read(seconds)?,
            waits: Waits {
                connect: take("connect_timeout").read(seconds)?.unwrap_or(waits.connect),
                first_byte: take("first_byte_timeout").read(seconds)?.unwrap_or(waits.first_byte),
                idle: take("idle_timeout").read(seconds)?.unwrap_or(waits.idle),
            },
            max_retries: match take("enable_retries").read(boolean)? {
                Some(false) => Some(0),
                _ => take("max_retries").or(take("num_retries")).read(count)?,
            },
            retry_on: match take("retry_on_all_exceptions").read(boolean)? {
                Some(true) => Some(ROWS.iter().map(|row| row.kind).collect()),
                _ => take("retry_on_exceptions").read(kinds)?,
            },
            retry_delay: take("retry_delay").read(seconds)?,
            fallbacks: take("fallbacks").read(fallbacks)?.unwrap_or_default(),
            extra_headers: take("extra_headers").or(take("headers")).read(headers)?.unwrap_or_default(),
            drop_params: take("drop_params").read(boolean)?.unwrap_or_default(),
            check_form: take("enable_json_schema_validation").read(boolean)?,
            max_reasks: take("max_reasks").read(count)?,
            cache: CacheOptions {
                enabled: take("cache_enabled").read(boolean)?,
                path: take("cache_path").read(text)?.map(Into::into),
                key_prefix: take("cache_key_prefix").read(text)?,
                include_model: take("include_model_in_cache_key").read(boolean)?,
                ttl: take("ttl").read(seconds)?,
                return_key: take("return_cache_key").read(boolean)?.unwrap_or_default(),
            },
            dry_run: take("dry_run").read(boolean)?.unwrap_or_default(),
            mock: mock(take("mock_response").value, take("mock_tool_calls").value)?,
            mock_delay: take("mock_delay").read(seconds)?,
            local: LocalOptions {
                gpu_layers: take("gpu_layers").read(count)?,
                threads: take("threads").read(count)?,
                context: take("context").read(count)?,
                draft: take("draft").read(text)?,
            },
            client: None,
            server: None,
            has_turn: false,
            sent: None,
            tap: None,
        })
    }
}

fn mock(response: Option<Value>, calls: Option<Value>) -> Result<Option<Mock>> {
    let mock = response.map(Mock::from_json).transpose()?;
    match calls {
        None => Ok(mock),
        Some(calls) => Mock::with_calls(mock, calls).map(Some),
    }
}

/// The value of an option, where it is given.
struct Taken {
    name: &'static str,
    value: Option<Value>,
}

impl Taken {
    fn or(self, other: Self) -> Self {
        if self.value.is_some() { self } else { other }
    }

    fn read<T>(self, read: impl FnOnce(&str, Value) -> Result<T>) -> Result<Option<T>> {
        self.value.map(|value| read(self.name, value)).transpose()
    }
}

/// Errors by the names of their classes, as every face has them.
fn kinds(name: &str, value: Value) -> Result<Vec<Kind>> {
    let Value::Array(items) = value else {
        return Err(Error::invalid(name, "must be a list of classes of errors"));
    };
    let kind = |(i, item): (usize, Value)| {
        let path = format!("{name}[{i}]");
        let class = text(&path, item)?;
        let row = ROWS.iter().find(|row| row.python == class);
        row.map(|row| row.kind)
            .ok_or_else(|| Error::invalid(path, format_args!("{class:?} is no class of our errors")))
    };
    items.into_iter().enumerate().map(kind).collect()
}

fn fallbacks(name: &str, value: Value) -> Result<Vec<Fallback>> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(i, item)| Fallback::from_json(&format!("{name}[{i}]"), item))
            .collect(),
        one => Ok(vec![Fallback::from_json(name, one)?]),
    }
}

/// Headers that belong to the connection, or follow from the body.
const NOT_YOURS: &[&str] =
    &["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"];

fn headers(name: &str, value: Value) -> Result<HeaderMap> {
    let Value::Object(map) = value else {
        return Err(Error::invalid(name, "must be an object of names and texts"));
    };
    let mut headers = HeaderMap::with_capacity(map.len());
    for (key, value) in map {
        let value = text(&format!("{name}.{key}"), value)?;
        let (key, value) = header(&key, &value)?;
        headers.insert(key, value);
    }
    Ok(headers)
}

/// One header of a caller's.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let field = format!("extra_headers.{name}");
    let key = HeaderName::try_from(name).map_err(|_| Error::invalid(&field, "is no name of a header"))?;
    if NOT_YOURS.contains(&key.as_str()) {
        return Err(Error::invalid(&field, "is set by the connection itself"));
    }
    Ok((key, secret_header(&field, value)?))
}

/// A header's value that nothing shows. The error does not repeat the value, which may be a key.
pub(crate) fn secret_header(field: &str, text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(text.trim()).map_err(|_| {
        Error::invalid(field, "holds a line break or another character that cannot stand in a header")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn boolean(name: &str, value: Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| Error::invalid(name, format_args!("must be true or false, got {value}")))
}

fn text(name: &str, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Error::invalid(name, "must be a string")),
    }
}

/// A longest wait that no clock overflows on: a century.
const LONGEST: f64 = 100.0 * 365.0 * 86_400.0;

fn seconds(name: &str, value: Value) -> Result<Duration> {
    value
        .as_f64()
        .filter(|seconds| (0.0..=LONGEST).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| {
            Error::invalid(name, format_args!("must be seconds (a number, at least 0), got {value}"))
        })
}

fn count(name: &str, value: Value) -> Result<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
        Error::invalid(name, format_args!("must be a whole number of at least 0, got {value}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(value: Value) -> Result<Call> {
        let Value::Object(map) = value else { unreachable!("a test call is an object") };
        Call::from_json(map)
    }

    #[test]
    fn options_and_request_are_told_apart() {
        let call = call(json!({
            "model": "m", "messages": "hi", "temperature": 0, "timeout": 1.5, "api_key": "canary",
            "vendor_flag": true, "extra_body": {"x": 1},
        }))
        .unwrap();
        assert_eq!(call.options.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(call.passed_on, ["vendor_flag"]);
        assert_eq!(Value::Object(call.request.extra.clone()), json!({"vendor_flag": true, "x": 1}));
        assert!(!format!("{call:?}").contains("canary"));
    }

    #[test]
    fn a_near_miss_is_refused() {
        let error = call(json!({"messages": "hi", "temprature": 1})).unwrap_err();
        assert_eq!(error.message(), "temprature: is no parameter; did you mean \"temperature\"?");
        let error = call(json!({"messages": "hi", "timeout": -1})).unwrap_err();
        assert_eq!(error.message(), "timeout: must be seconds (a number, at least 0), got -1");
    }
}
