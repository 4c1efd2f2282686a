//! `completion(*args, **kwargs)` as a call: which positional argument is which, and what has to be taken
//! apart before it can be JSON.

use std::path::PathBuf;

use antiphon::core::error::ROWS;
use antiphon::{Call, Error, Map, Operation, ResponseFormat};
use pyo3::exceptions::{PyBaseException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};
use serde_json::Value;

use crate::{errors, extract};

/// The names of positional arguments. From the third on they follow LiteLLM's order.
const POSITIONAL: &[&str] = &[
    "messages",
    "model",
    "timeout",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stream_options",
    "stop",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "prediction",
    "audio",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "reasoning_effort",
    "verbosity",
    "response_format",
    "seed",
    "tools",
    "tool_choice",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
];

/// A call, and what of it only Python knows.
pub(crate) struct Prepared {
    /// Boxed: it is large, and moves a few times before it runs.
    pub(crate) call: Box<Call>,
    /// The exception that a mocked call raises in place of its answer.
    pub(crate) raises: Option<Py<PyAny>>,
    /// What the JSON of the answer is to become.
    pub(crate) form: Option<Form>,
}

/// What the JSON of an answer stands for.
pub(crate) struct Form {
    /// The class whose instance it is; Python's `None` where it stands for itself.
    class: Py<PyAny>,
    /// Whether it is an error where it is no such instance.
    is_checked: bool,
}

impl Form {
    /// Of the call, where it asks for one; `class` is what was given as `response_format`, unless that is JSON.
    fn of(py: Python<'_>, call: &Call, class: Option<Py<PyAny>>) -> Option<Self> {
        let asks = matches!(
            call.request.response_format,
            Some(ResponseFormat::JsonSchema { .. } | ResponseFormat::JsonObject)
        );
        let is_checked = call.options.check_form != Some(false);
        asks.then(|| Self { class: class.unwrap_or_else(|| py.None()), is_checked })
    }

    /// Puts it into the messages of a response.
    pub(crate) fn attach(&self, response: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = response.py();
        let module = py.import(intern!(py, "antiphon._parsed"))?;
        module.call_method1(intern!(py, "attach"), (response, self.class.bind(py), self.is_checked))?;
        Ok(())
    }
}

/// Reads the arguments of a call. Nothing of them is changed or kept.
pub(crate) fn prepare(
    operation: Operation,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Prepared> {
    let py = args.py();
    let mut map = Map::with_capacity(args.len() + kwargs.map_or(0, |kwargs| kwargs.len()));
    let mut given = Given::default();
    for (name, value) in positional(operation, args, kwargs)? {
        insert(&mut map, &mut given, name.to_owned(), &value)?;
    }
    for (name, value) in kwargs.into_iter().flatten() {
        let name = extract::to_text("keyword", name.cast::<PyString>()?)?;
        insert(&mut map, &mut given, name, &value)?;
    }
    let call = Call::read(operation, map).map(Box::new).map_err(|error| errors::to_python(py, &error))?;
    let form = Form::of(py, &call, given.class);
    Ok(Prepared { call, raises: given.raises, form })
}

/// What of the arguments stays Python's.
#[derive(Default)]
struct Given {
    raises: Option<Py<PyAny>>,
    class: Option<Py<PyAny>>,
}

fn insert(map: &mut Map, given: &mut Given, name: String, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let value = match name.as_str() {
        "mock_response" if is_exception(value) => {
            given.raises = Some(value.clone().unbind());
            "".into()
        }
        "cache_path" if !value.is_none() => path(value)?.into(),
        "retry_on_exceptions" if !value.is_none() => kinds(value)?,
        "response_format" => match extract::response_format(value)? {
            Some(format) => {
                given.class = Some(value.clone().unbind());
                format
            }
            None => extract::to_json(&name, value)?,
        },
        "tools" => extract::tools(value)?,
        _ => extract::to_json(&name, value)?,
    };
    map.insert(name, value);
    Ok(())
}

/// A folder, as a string or a `pathlib.Path`.
fn path(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = value.py();
    let folder: PathBuf = value.extract().map_err(|_| {
        let error = Error::invalid("cache_path", "must be a string or a path");
        errors::to_python(py, &error)
    })?;
    folder
        .into_os_string()
        .into_string()
        .map_err(|_| errors::to_python(py, &Error::invalid("cache_path", "must be text")))
}

/// Classes of exceptions as the names of those of ours that they stand for: a builtin such as `TimeoutError`
/// stands for ours below it.
fn kinds(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = value.py();
    let exceptions = py.import(intern!(py, "antiphon._exceptions"))?;
    let wrong = |at: usize, what: &str| {
        errors::to_python(py, &Error::invalid(format_args!("retry_on_exceptions[{at}]"), what))
    };
    let mut names: Vec<&str> = Vec::new();
    let Ok(classes) = value.try_iter() else {
        let error = Error::invalid("retry_on_exceptions", "must be a list of classes of exceptions");
        return Err(errors::to_python(py, &error));
    };
    for (at, class) in classes.enumerate() {
        let class = class?.cast_into::<PyType>().map_err(|_| wrong(at, "must be a class of exceptions"))?;
        let before = names.len();
        for row in ROWS {
            if exceptions.getattr(row.python)?.cast_into::<PyType>()?.is_subclass(&class)? {
                names.push(row.python);
            }
        }
        if names.len() == before {
            return Err(wrong(at, "is no exception that a call raises"));
        }
    }
    Ok(names.into())
}

fn is_exception(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyBaseException>()
        || value
            .cast::<PyType>()
            .is_ok_and(|class| class.is_subclass_of::<PyBaseException>().unwrap_or(false))
}

/// The positional arguments by name.
pub(crate) fn positional<'py>(
    operation: Operation,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
    if args.is_empty() {
        return Ok(Vec::new());
    }
    if operation == Operation::Rerank {
        return positional_of_rerank(args, kwargs);
    }
    let (function, rest) = match operation {
        Operation::Chat => ("completion", &POSITIONAL[2..]),
        Operation::TextCompletion => ("text_completion", &[][..]),
        Operation::Embeddings => ("embedding", &[][..]),
        Operation::Rerank => ("rerank", &[][..]),
    };
    let model_first = operation == Operation::Chat && is_model_first(args, kwargs)?;
    let first = if model_first { ["model", "messages"] } else { [operation.field(), "model"] };
    let names = first.into_iter().chain(rest.iter().copied());
    named(function, names.collect(), args, kwargs)
}

/// Of `rerank` the model may come first, as with LiteLLM, or last: the list is where the documents are.
fn positional_of_rerank<'py>(
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
    let has_query = kwargs.map_or(Ok(false), |kwargs| kwargs.contains(intern!(args.py(), "query")))?;
    let model_first = has_query || (args.len() > 1 && args.get_item(1)?.is_instance_of::<PyString>());
    let names = if model_first { ["model", "query", "documents"] } else { ["query", "documents", "model"] };
    named("rerank", names.to_vec(), args, kwargs)
}

/// The arguments with their names, none of which is given twice.
fn named<'py>(
    function: &str,
    names: Vec<&'static str>,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
    if args.len() > names.len() {
        return Err(PyTypeError::new_err(format!(
            "{function}() takes from 0 to {} positional arguments but {} were given",
            names.len(),
            args.len()
        )));
    }
    let named: Vec<_> = names.into_iter().zip(args.iter()).collect();
    for (name, _) in &named {
        if let Some(kwargs) = kwargs
            && kwargs.contains(name)?
        {
            let message = format!("{function}() got multiple values for argument '{name}'");
            return Err(PyTypeError::new_err(message));
        }
    }
    Ok(named)
}

/// The model comes first where `messages=` is given by name, and where a list comes second.
fn is_model_first(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<bool> {
    if let Some(kwargs) = kwargs
        && kwargs.contains(intern!(args.py(), "messages"))?
    {
        return Ok(true);
    }
    let is_list =
        |value: &Bound<'_, PyAny>| value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    Ok(args.len() > 1 && is_list(&args.get_item(1)?) && !is_list(&args.get_item(0)?))
}
