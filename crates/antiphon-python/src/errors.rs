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

/// Made as `AntiphonError.__init__` makes it, without running it: a daemon thread that is in Python code when the
/// interpreter ends is killed there, in the middle of our frames.
fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let class = py.import(intern!(py, "antiphon._exceptions"))?.getattr(error.kind().row().python)?;
    let fields = PyDict::new(py);
    fields.set_item(intern!(py, "message"), error.message())?;
    fields.set_item(intern!(py, "llm_provider"), error.provider())?;
    fields.set_item(intern!(py, "model"), error.model())?;
    fields.set_item(intern!(py, "hint"), error.advice())?;
    fields.set_item(intern!(py, "param"), error.field())?;
    fields.set_item(intern!(py, "status_code"), error.status_code())?;
    fields.set_item(intern!(py, "request_id"), error.upstream_request_id())?;
    fields.set_item(intern!(py, "retry_after"), error.wait().map(|wait| wait.as_secs_f64()))?;
    let attempts =
        error.tried().iter().map(|attempt| attempt_of(py, attempt)).collect::<PyResult<Vec<_>>>()?;
    fields.set_item(intern!(py, "attempts"), PyList::new(py, attempts)?)?;
    let facts = Facts::of_model(error.model().unwrap_or_default());
    let partial = error.partial_response().map(|partial| wrap::response(py, partial, &facts)).transpose()?;
    fields.set_item(intern!(py, "partial_response"), partial)?;
    fields.set_item(intern!(py, "code"), error.provider_code())?;
    fields.set_item(intern!(py, "raw"), error.raw_text())?;
    let made = class.call_method1(intern!(py, "__new__"), (&class,))?;
    made.setattr(intern!(py, "args"), (error.message(),))?;
    made.setattr(intern!(py, "__dict__"), fields)?;
    Ok(PyErr::from_value(made))
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
