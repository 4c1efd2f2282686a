//! Whether anybody wants to hear of calls. The rest stands in `antiphon/_callbacks.py`.
//!
//! `antiphon.callbacks` is looked up at each call, so that it may be assigned, too; where the list is empty, that
//! look is all that it costs.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::arguments;

fn are_wanted(py: Python<'_>) -> PyResult<bool> {
    static NAMES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let names = NAMES.get_or_try_init(py, || Ok::<_, PyErr>(py.import("antiphon")?.dict().unbind()))?;
    let Some(callbacks) = names.bind(py).get_item(intern!(py, "callbacks"))? else { return Ok(false) };
    match callbacks.cast::<PyList>() {
        Ok(list) => Ok(!list.is_empty()),
        Err(_) => callbacks.is_truthy(),
    }
}

/// The answer of a call that is reported; `None` where nobody wants to hear of it.
pub(crate) fn watched(
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Option<Py<PyAny>>> {
    let py = args.py();
    if !are_wanted(py)? {
        return Ok(None);
    }
    let module = py.import(intern!(py, "antiphon._callbacks"))?;
    let kwargs = kwargs.map_or_else(|| PyDict::new(py), Clone::clone);
    module.call_method1(intern!(py, "completion"), (args, kwargs)).map(|answer| Some(answer.unbind()))
}

/// Messages and model of a call, as they were given; `None` where they were not.
#[pyfunction]
pub(crate) fn given<'py>(
    args: &Bound<'py, PyTuple>,
    kwargs: &Bound<'py, PyDict>,
) -> PyResult<(Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>)> {
    let positional = arguments::positional(args, Some(kwargs))?;
    let find = |name: &str| match positional.iter().find(|(found, _)| *found == name) {
        Some((_, value)) => Ok(Some(value.clone())),
        None => kwargs.get_item(name),
    };
    Ok((find("messages")?, find("model")?))
}
