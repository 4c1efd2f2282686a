//! Python's values as JSON. What cannot be JSON is refused with the path of the field that holds it.

use antiphon::{Error, Map};
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple,
};
use serde_json::{Number, Value};

use crate::{errors, wrap};

/// Deeper nesting is taken for a container that holds itself.
const MAX_DEPTH: usize = 128;

/// Why a value is no JSON.
enum Fault {
    /// It is the caller's; the path is gathered from the inside out.
    Wrong { path: Vec<Step>, message: String, hint: Option<&'static str> },
    /// The value's own code raised.
    Raised(PyErr),
}

enum Step {
    Key(String),
    Index(usize),
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Fault::Raised(error)
    }
}

type Outcome = Result<Value, Fault>;

fn wrong(message: impl Into<String>) -> Fault {
    Fault::Wrong { path: Vec::new(), message: message.into(), hint: None }
}

impl Fault {
    /// The same fault, one level further out.
    fn within(mut self, step: impl FnOnce() -> Step) -> Self {
        if let Fault::Wrong { path, .. } = &mut self {
            path.push(step());
        }
        self
    }

    fn into_python(self, py: Python<'_>, name: &str) -> PyErr {
        match self {
            Fault::Raised(error) => error,
            Fault::Wrong { path, message, hint } => {
                let mut error = Error::invalid(path_text(name, &path), message);
                if let Some(hint) = hint {
                    error = error.hint(hint);
                }
                errors::to_python(py, &error)
            }
        }
    }
}

/// `messages[2].content`; a key that is no plain name stands in brackets.
fn path_text(name: &str, path: &[Step]) -> String {
    path.iter().rev().fold(name.to_owned(), |text, step| match step {
        Step::Index(index) => format!("{text}[{index}]"),
        Step::Key(key) if !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            format!("{text}.{key}")
        }
        Step::Key(key) => format!("{text}[{key:?}]"),
    })
}

/// The value of the argument `name` as JSON.
pub(crate) fn to_json(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    convert(value, 0).map_err(|fault| fault.into_python(value.py(), name))
}

/// A string that can be sent: Python's may hold half a surrogate pair, UTF-8 may not.
pub(crate) fn to_text(name: &str, value: &Bound<'_, PyString>) -> PyResult<String> {
    text(value).map_err(|fault| fault.into_python(value.py(), name))
}

fn convert(value: &Bound<'_, PyAny>, depth: usize) -> Outcome {
    if depth > MAX_DEPTH {
        return Err(wrong(format!("is nested more than {MAX_DEPTH} levels deep, or contains itself")));
    }
    if let Ok(value) = value.cast::<PyString>() {
        text(value).map(Value::String)
    } else if value.is_none() {
        Ok(Value::Null)
    } else if let Ok(value) = value.cast::<PyBool>() {
        Ok(Value::Bool(value.is_true()))
    } else if let Ok(value) = value.cast::<PyInt>() {
        integer(value)
    } else if let Ok(value) = value.cast::<PyFloat>() {
        float(value.value())
    } else if let Ok(value) = value.cast::<PyDict>() {
        object(value, depth)
    } else if let Ok(value) = value.cast::<PyList>() {
        list(value.iter(), depth)
    } else if let Ok(value) = value.cast::<PyTuple>() {
        list(value.iter(), depth)
    } else {
        other(value, depth)
    }
}

fn text(value: &Bound<'_, PyString>) -> Result<String, Fault> {
    value.to_str().map(str::to_owned).map_err(|error| {
        if error.is_instance_of::<PyUnicodeEncodeError>(value.py()) {
            wrong("is no valid text: it holds a lone surrogate")
        } else {
            Fault::Raised(error)
        }
    })
}

fn integer(value: &Bound<'_, PyAny>) -> Outcome {
    if let Ok(number) = value.extract::<i64>() {
        return Ok(number.into());
    }
    value
        .extract::<u64>()
        .map(Value::from)
        .map_err(|_| wrong("is a whole number of more than 64 bits, which no provider takes"))
}

fn float(number: f64) -> Outcome {
    Number::from_f64(number).map(Value::Number).ok_or_else(|| wrong("must be finite"))
}

fn list<'py>(items: impl Iterator<Item = Bound<'py, PyAny>>, depth: usize) -> Outcome {
    items
        .enumerate()
        .map(|(i, item)| convert(&item, depth + 1).map_err(|fault| fault.within(|| Step::Index(i))))
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array)
}

fn object(value: &Bound<'_, PyDict>, depth: usize) -> Outcome {
    let mut map = Map::with_capacity(value.len());
    for (name, item) in value.iter() {
        let name = key(&name)?;
        let item = convert(&item, depth + 1).map_err(|fault| fault.within(|| Step::Key(name.clone())))?;
        map.insert(name, item);
    }
    Ok(Value::Object(map))
}

/// Whole numbers become text, as Python's own `json` makes them (`logit_bias={50256: -100}`).
fn key(name: &Bound<'_, PyAny>) -> Result<String, Fault> {
    if let Ok(name) = name.cast::<PyString>() {
        return text(name);
    }
    if name.is_instance_of::<PyInt>() && !name.is_instance_of::<PyBool>() {
        return Ok(name.str()?.to_str()?.to_owned());
    }
    Err(wrong(format!("has a key that is no string: {}", type_name(name))))
}

/// Objects that stand for JSON: ours, pydantic's, other mappings, numbers of other libraries.
fn other(value: &Bound<'_, PyAny>, depth: usize) -> Outcome {
    let py = value.py();
    if value.is_instance_of::<PyBytes>() || value.is_instance_of::<PyByteArray>() {
        let message = format!("must be text, got {}", type_name(value));
        return Err(Fault::Wrong {
            path: Vec::new(),
            message,
            hint: Some("decode it first: value.decode()"),
        });
    }
    if let Some(fields) = wrap::fields_of(value)? {
        return object(&fields, depth);
    }
    let is_class = value.is_instance_of::<pyo3::types::PyType>();
    if !is_class && let Some(dump) = value.getattr_opt(intern!(py, "model_dump"))? {
        let arguments = PyDict::new(py);
        arguments.set_item(intern!(py, "mode"), intern!(py, "json"))?;
        return convert(&dump.call((), Some(&arguments))?, depth + 1);
    }
    if !is_class && let Some(dump) = value.getattr_opt(intern!(py, "to_dict"))? {
        return convert(&dump.call0()?, depth + 1);
    }
    if let Ok(mapping) = value.cast::<PyMapping>() {
        let copy = PyDict::new(py);
        copy.update(mapping)?;
        return object(&copy, depth);
    }
    number(value, is_class)
}

/// Numbers of other libraries (numpy's, `Decimal`), by the methods that Python itself asks for.
fn number(value: &Bound<'_, PyAny>, is_class: bool) -> Outcome {
    if !is_class && let Some(index) = value.getattr_opt(intern!(value.py(), "__index__"))? {
        return integer(&index.call0()?);
    }
    if !is_class && value.hasattr(intern!(value.py(), "__float__"))? {
        return float(value.extract()?);
    }
    let what = if is_class { "a class" } else { &type_name(value) };
    Err(wrong(format!("must be a dict, list, str, int, float, bool or None, got {what}")))
}

fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// Whether a value is JSON's own kind of object, and nothing that describes one.
fn is_plain(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.is_none()
        || value.is_instance_of::<PyDict>()
        || value.cast::<PyMapping>().is_ok()
        || wrap::fields_of(value)?.is_some())
}

/// The `response_format` that asks for an instance of a class; `None` where it is given as JSON.
pub(crate) fn response_format(value: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    if is_plain(value)? {
        return Ok(None);
    }
    let module = value.py().import(intern!(value.py(), "antiphon._schema"))?;
    let format = module.call_method1(intern!(value.py(), "response_format"), (value,))?;
    to_json("response_format", &format).map(Some)
}

/// Tools, of which each may be JSON, a function, or a class of its arguments.
pub(crate) fn tools(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = value.py();
    let described = PyList::empty(py);
    let is_list = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    if !is_list {
        return to_json("tools", value);
    }
    for (place, item) in value.try_iter()?.enumerate() {
        let item = item?;
        if item.is_callable() {
            let module = py.import(intern!(py, "antiphon._schema"))?;
            described.append(module.call_method1(intern!(py, "tool"), (item, place))?)?;
        } else {
            described.append(item)?;
        }
    }
    to_json("tools", &described)
}
