//! Settings of the process: rate limits, the records of calls. A forked child's new client is told of them, too
//! (see `runtime::remember`).

use std::path::PathBuf;
use std::sync::Arc;

use antiphon::{CallLog, Client, RateLimit, Result, SecretString, Unit};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::errors;
use crate::runtime::{Host, remember};
use crate::wrap;

fn with_client<T: Send>(py: Python<'_>, act: impl FnOnce(&Client) -> T + Send) -> PyResult<T> {
    let host = Host::current(py)?;
    Ok(py.detach(|| host.with_client(act)))
}

fn limit(rate: Option<f64>, unit: &str) -> Result<Option<RateLimit>> {
    let unit: Unit = unit.parse()?;
    rate.map(|rate| RateLimit::new(rate, unit)).transpose()
}

fn set_limits(py: Python<'_>, set: impl FnOnce(&Client) -> Result<()> + Send) -> PyResult<()> {
    let outcome = with_client(py, |client| set(client).map(|()| client.rate_limits()))?;
    let limits = outcome.map_err(|error| errors::to_python(py, &error))?;
    remember(|settings| settings.rate_limits = Some(limits));
    Ok(())
}

/// Limits the requests to a model, retries included; `None` as the rate takes its limit away.
///
/// With `api_key` only those with that key, else all of them together. The unit is "per-second", "per-minute" or
/// "per-hour". Calls wait for their turn, evenly spaced; one whose turn would come after its deadline raises
/// `RateLimitError` at once. Each process counts its own.
#[pyfunction]
#[pyo3(signature = (model, api_key, request_rate, request_rate_unit="per-minute"))]
pub(crate) fn set_request_rate_limit(
    py: Python<'_>,
    model: String,
    api_key: Option<String>,
    request_rate: Option<f64>,
    request_rate_unit: &str,
) -> PyResult<()> {
    let limit = limit(request_rate, request_rate_unit).map_err(|error| errors::to_python(py, &error))?;
    let api_key = api_key.map(SecretString::from);
    set_limits(py, move |client| client.set_rate_limit(&model, api_key.as_ref(), limit))
}

/// Limits the requests to every model that has no limit of its own, each for itself; `None` takes that away.
#[pyfunction]
#[pyo3(signature = (request_rate, request_rate_unit="per-minute"))]
pub(crate) fn set_default_request_rate_limit(
    py: Python<'_>,
    request_rate: Option<f64>,
    request_rate_unit: &str,
) -> PyResult<()> {
    let limit = limit(request_rate, request_rate_unit).map_err(|error| errors::to_python(py, &error))?;
    set_limits(py, move |client| {
        client.set_default_rate_limit(limit);
        Ok(())
    })
}

/// Gathers the records of calls from now on, or no more.
#[pyfunction]
pub(crate) fn track(py: Python<'_>, on: bool) -> PyResult<()> {
    remember(|settings| settings.tracks = on);
    with_client(py, |client| {
        if on {
            client.start_tracking();
        } else {
            client.stop_tracking();
        }
    })
}

/// The records that were gathered since this was asked last, as dicts.
#[pyfunction]
pub(crate) fn take_tracked(py: Python<'_>) -> PyResult<Py<PyList>> {
    let taken = with_client(py, Client::take_tracked)?.unwrap_or_default();
    let list = PyList::empty(py);
    taken.iter().try_for_each(|log| list.append(fields(py, log)?))?;
    Ok(list.unbind())
}

fn fields<'py>(py: Python<'py>, log: &Arc<CallLog>) -> PyResult<Bound<'py, PyAny>> {
    // Numbers and texts: all of it is JSON.
    wrap::json(py, &serde_json::to_value(&**log).unwrap_or_default())
}

/// Appends the record of each call to this file from now on; `None`: to none.
#[pyfunction]
pub(crate) fn set_call_log_path(py: Python<'_>, path: Option<PathBuf>) -> PyResult<()> {
    remember(|settings| settings.call_log = Some(path.clone()));
    with_client(py, |client| client.set_call_log_path(path))
}

/// The file of the records, once all so far stand in it.
#[pyfunction]
pub(crate) fn written_call_log(py: Python<'_>) -> PyResult<Option<PathBuf>> {
    with_client(py, |client| {
        client.flush_call_log();
        client.call_log_path()
    })
}
