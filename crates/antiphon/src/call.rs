//! A call: the request that a model sees, and the options that it does not.

use std::time::Duration;

use antiphon_core::{Error, Map, Request, Result};
use secrecy::SecretString;
use serde_json::Value;

use crate::local::LocalOptions;
use crate::mock::Mock;
use crate::names;

/// What surrounds a call and is never part of the request.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The key to use, before any other source of one.
    pub api_key: Option<SecretString>,
    /// The provider's address, before any other source of one.
    pub base_url: Option<String>,
    /// Deadline of everything, in seconds from the start.
    pub timeout: Option<Duration>,
    /// Answer with this and call nothing.
    pub mock: Option<Mock>,
    /// How long a mocked call takes.
    pub mock_delay: Option<Duration>,
    /// How a local model is loaded.
    pub local: LocalOptions,
}

/// The names of [`Options`], as every face spells them, with what they do.
pub(crate) static OPTIONS: &[(&str, &str)] = &[
    ("api_key", "The provider's key for this call."),
    ("base_url", "The provider's address for this call."),
    ("timeout", "Seconds that the whole call may take."),
    ("extra_body", "Fields to send to the provider as they are."),
    ("mock_response", "Answer with this text, response or error, and call nothing."),
    ("mock_delay", "Seconds that a mocked call takes."),
    ("gpu_layers", "How many layers of a local model to put on the GPU."),
    ("threads", "How many threads a local model runs on."),
    ("context", "How many tokens of context a local model is given."),
];

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
    pub fn from_json(mut map: Map) -> Result<Self> {
        let options = Options::take(&mut map)?;
        let extra_body = match map.shift_remove("extra_body") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(extra)) => extra,
            Some(_) => return Err(Error::invalid("extra_body", "must be an object")),
        };
        let mut request = Request::from_json(map)?;
        let passed_on = request.extra.keys().cloned().collect::<Vec<_>>();
        passed_on.iter().try_for_each(|name| names::check_unknown(name))?;
        request.extra.extend(extra_body);
        Ok(Self { request, options, passed_on })
    }
}

impl Options {
    /// Takes the options out of the named values of a call.
    fn take(map: &mut Map) -> Result<Self> {
        let mut take = |name: &str| map.shift_remove(name).filter(|value| !value.is_null());
        Ok(Self {
            api_key: take("api_key").map(|value| text("api_key", value)).transpose()?.map(Into::into),
            base_url: take("base_url").map(|value| text("base_url", value)).transpose()?,
            timeout: take("timeout").map(|value| seconds("timeout", &value)).transpose()?,
            mock: take("mock_response").map(Mock::from_json).transpose()?,
            mock_delay: take("mock_delay").map(|value| seconds("mock_delay", &value)).transpose()?,
            local: LocalOptions {
                gpu_layers: take("gpu_layers").map(|value| count("gpu_layers", &value)).transpose()?,
                threads: take("threads").map(|value| count("threads", &value)).transpose()?,
                context: take("context").map(|value| count("context", &value)).transpose()?,
            },
        })
    }
}

fn text(name: &str, value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Error::invalid(name, "must be a string")),
    }
}

/// A longest wait that no clock overflows on: a century.
const LONGEST: f64 = 100.0 * 365.0 * 86_400.0;

fn seconds(name: &str, value: &Value) -> Result<Duration> {
    value
        .as_f64()
        .filter(|seconds| (0.0..=LONGEST).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| {
            Error::invalid(name, format_args!("must be seconds (a number, at least 0), got {value}"))
        })
}

fn count(name: &str, value: &Value) -> Result<u32> {
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
