//! Requests to a server that are no calls of a model: its files, its jobs, the models that it has.

use antiphon::{Client, Error, Exchange, Map, Options, Payload, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::runtime::{Future, Host};
use crate::{errors, extract, wrap};

/// Asks the provider of that id, by its address and key, and returns the JSON that it answers.
///
/// `json` is sent as JSON; `form` is a media type and bytes. `options` are those of a call: `base_url`,
/// `api_key`, `timeout` in seconds, `extra_headers`, `max_retries`.
#[pyfunction]
#[pyo3(signature = (provider, method, path, json=None, form=None, options=None))]
pub(crate) fn exchange(
    py: Python<'_>,
    provider: String,
    method: &str,
    path: String,
    json: Option<&Bound<'_, PyAny>>,
    form: Option<(String, Vec<u8>)>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let host = Host::current(py)?;
    let json = json.map(|value| extract::to_json("json", value)).transpose()?;
    let options = match options {
        Some(options) => extract::to_json("options", options)?,
        None => Value::Null,
    };
    let payload = match form {
        Some((media_type, bytes)) => Some(Payload { media_type, bytes: bytes.into() }),
        None => json.as_ref().map(Payload::json),
    };
    let read = || -> Result<(Exchange, Options)> {
        let options = match options {
            Value::Object(options) => Options::read(options)?,
            _ => Options::read(Map::new())?,
        };
        Ok((Exchange { method: method_of(method)?, path, payload }, options))
    };
    let (exchange, options) = read().map_err(|error| errors::to_python(py, &error))?;
    let begun = py.detach(|| {
        host.with_client(|client| host.begin(|| run(client.clone(), provider, exchange, options)))
    });
    let answer = host.outcome(py, begun)?.map_err(|error| errors::to_python(py, &error))?;
    Ok(wrap::json(py, &answer)?.unbind())
}

fn run(client: Client, provider: String, exchange: Exchange, options: Options) -> Future<Value> {
    Box::pin(async move { client.exchange(&provider, exchange, &options).await })
}

fn method_of(name: &str) -> Result<&'static str> {
    let known = ["GET", "POST", "PUT", "DELETE"];
    let found = known.into_iter().find(|method| *method == name);
    found.ok_or_else(|| Error::invalid("method", format_args!("must be one of {}", known.join(", "))))
}
