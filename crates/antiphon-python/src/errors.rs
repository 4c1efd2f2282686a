//! Errors of the core as Python exceptions. The classes are Python's own (`_exceptions.py`), named by the
//! core's table.

use antiphon::core::error::{Attempt, ROWS};
use antiphon::{Error, Facts};
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::wrap;

/// The exception that `error` is.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    // A class that is missing is a fault of the package; the core's words must not be lost over it.
    build(py, error).unwrap_or_else(|_| PyRuntimeError::new_err(error.to_string()))
}

/// The exception that ended a call: it names who was asked, also where a deadline did not know.
pub(crate) fn of_call(py: Python<'_>, error: Error, facts: &Facts) -> PyErr {
    match facts.provider {
        Some(provider) => to_python(py, &error.target(provider, &facts.model)),
        None => to_python(py, &error),
    }
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = py.import(intern!(py, "antiphon._exceptions"))?.getattr(error.kind().row().python)?;
    let fields = PyDict::new(py);
    fields.set_item("hint", error.advice())?;
    fields.set_item("param", error.field())?;
    fields.set_item("status_code", error.status_code())?;
    fields.set_item("llm_provider", error.provider())?;
    fields.set_item("model", error.model())?;
    fields.set_item("request_id", error.upstream_request_id())?;
    fields.set_item("retry_after", error.wait().map(|wait| wait.as_secs_f64()))?;
    fields.set_item("code", error.provider_code())?;
    fields.set_item("raw", error.raw_text())?;
    let attempts =
        error.tried().iter().map(|attempt| attempt_of(py, attempt)).collect::<PyResult<Vec<_>>>()?;
    fields.set_item("attempts", PyList::new(py, attempts)?)?;
    if let Some(partial) = error.partial_response() {
        let facts = Facts { provider: None, model: error.model().unwrap_or_default().to_owned(), cost: None };
        fields.set_item("partial_response", wrap::response(py, partial, &facts)?)?;
    }
    Ok(PyErr::from_value(class.call((error.message(),), Some(&fields))?))
}

fn attempt_of<'py>(py: Python<'py>, attempt: &Attempt) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("target", &attempt.target)?;
    fields.set_item("status", attempt.status)?;
    fields.set_item("message", &attempt.message)?;
    fields.set_item("elapsed", attempt.elapsed.as_secs_f64())?;
    wrap::attempt(py, fields)
}

/// The core's table of errors, for the test that holds the Python classes against it: kind, class,
/// HTTP status, whether it is retryable.
#[pyfunction]
pub(crate) fn error_rows() -> Vec<(String, &'static str, u16, bool)> {
    ROWS.iter().map(|row| (format!("{:?}", row.kind), row.python, row.status, row.retryable)).collect()
}
