//! Reports of finished calls to the functions in `antiphon.callbacks`. The thread that hands them on stands in
//! `antiphon/_callbacks.py`.
//!
//! The list is looked up at each call, so that it may be assigned, too; where it is empty, that look is all that
//! it costs. A report is made and posted without running any Python code: a daemon thread that is in such code
//! when the interpreter ends is killed in the middle of our frames.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use antiphon::Operation;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyList, PyTuple};

use crate::arguments;
use crate::stream::CompletionStream;

thread_local! {
    /// Whether this thread runs callbacks: what those call is not reported, which would never end.
    static IS_MUTE: Cell<bool> = const { Cell::new(false) };
}

/// Calls of this thread are not reported from now on.
#[pyfunction]
pub(crate) fn mute() {
    IS_MUTE.set(true);
}

/// The list, where there is something in it.
fn callbacks(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static NAMES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let names = NAMES.get_or_try_init(py, || Ok::<_, PyErr>(py.import("antiphon")?.dict().unbind()))?;
    let Some(callbacks) = names.bind(py).get_item(intern!(py, "callbacks"))? else { return Ok(None) };
    let is_empty = match callbacks.cast::<PyList>() {
        Ok(list) => list.is_empty(),
        Err(_) => !callbacks.is_truthy()?,
    };
    Ok(Some(callbacks).filter(|_| !is_empty))
}

/// What is told of one call.
pub(crate) struct Report {
    /// Who is told; `None`: `antiphon.callbacks`, as it is when the call is over.
    listeners: Option<Py<PyTuple>>,
    operation: Operation,
    /// What was asked: messages, a prompt, texts.
    messages: Option<Py<PyAny>>,
    model: Option<Py<PyAny>>,
    is_stream: bool,
    started: f64,
    clock: Instant,
}

/// The report of a call that begins; `None` where nobody wants to hear of it.
pub(crate) fn report(
    operation: Operation,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Option<Arc<Report>>> {
    if callbacks(args.py())?.is_none() || IS_MUTE.get() {
        return Ok(None);
    }
    Report::new(operation, args, kwargs, None).map(Arc::new).map(Some)
}

impl Report {
    fn new(
        operation: Operation,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
        listeners: Option<Py<PyTuple>>,
    ) -> PyResult<Self> {
        // Where the arguments are wrong, the call says so.
        let positional = arguments::positional(operation, args, kwargs).unwrap_or_default();
        let given = |name: &str| match positional.iter().find(|(found, _)| *found == name) {
            Some((_, value)) => Ok(Some(value.clone())),
            None => kwargs.map_or(Ok(None), |kwargs| kwargs.get_item(name)),
        };
        // A conversation is mostly gone on with in the same list.
        let messages = given(operation.field())?.map(|messages| match messages.cast::<PyList>() {
            Ok(list) => list.get_slice(0, list.len()).into_any(),
            Err(_) => messages,
        });
        Ok(Self {
            listeners,
            operation,
            messages: messages.map(Bound::unbind),
            model: given("model")?.map(Bound::unbind),
            is_stream: given("stream")?
                .is_some_and(|stream| stream.cast::<PyBool>().is_ok_and(|stream| stream.is_true())),
            started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()),
            clock: Instant::now(),
        })
    }

    /// Tells of the outcome of the call itself. Of a stream it is told when that is over.
    pub(crate) fn finished(self: Arc<Self>, py: Python<'_>, outcome: Result<&Bound<'_, PyAny>, &PyErr>) {
        match outcome {
            Err(error) => self.told(py, None, Some(error)),
            Ok(answer) => match answer.cast::<CompletionStream>() {
                Ok(stream) => stream.get().watch(self),
                Err(_) => self.told(py, Some(answer), None),
            },
        }
    }

    /// Tells that the call is over. What goes wrong here does not hurt it.
    pub(crate) fn told(&self, py: Python<'_>, answer: Option<&Bound<'_, PyAny>>, error: Option<&PyErr>) {
        if let Err(error) = self.tell(py, answer, error) {
            error.write_unraisable(py, None);
        }
    }

    fn tell(&self, py: Python<'_>, answer: Option<&Bound<'_, PyAny>>, error: Option<&PyErr>) -> PyResult<()> {
        let report = PyDict::new(py);
        let known = |object: &Bound<'_, PyAny>, name: &str| -> PyResult<Option<Py<PyAny>>> {
            Ok(object.getattr_opt(name)?.filter(|value| !value.is_none()).map(Bound::unbind))
        };
        let (model, provider, cost) = match (answer, error) {
            (_, Some(error)) => {
                let error = error.value(py);
                report.set_item(intern!(py, "error"), error)?;
                (known(error, "model")?, known(error, "llm_provider")?, None)
            }
            (Some(answer), None) => {
                // A dry run is no call: what it returns has none.
                let Some(hidden) = answer.getattr_opt(intern!(py, "_hidden_params"))? else { return Ok(()) };
                report.set_item(intern!(py, "response"), answer)?;
                let hidden = hidden.cast_into::<PyDict>()?;
                let known = |name: &str| hidden.get_item(name).map(|found| found.map(Bound::unbind));
                (known("model_id")?, known("custom_llm_provider")?, known("response_cost")?)
            }
            (None, None) => return Ok(()),
        };
        report.set_item(intern!(py, "model"), model.as_ref().or(self.model.as_ref()))?;
        report.set_item(intern!(py, "provider"), provider)?;
        report.set_item(intern!(py, "messages"), self.messages.as_ref())?;
        report.set_item(intern!(py, "operation"), self.operation.as_str())?;
        report.set_item(intern!(py, "stream"), self.is_stream)?;
        report.set_item(intern!(py, "started"), self.started)?;
        report.set_item(intern!(py, "duration"), self.clock.elapsed().as_secs_f64())?;
        report.set_item(intern!(py, "cost"), cost)?;
        self.post(py, report)
    }

    /// Leaves the report to the thread, which is started by the first one.
    fn post(&self, py: Python<'_>, report: Bound<'_, PyDict>) -> PyResult<()> {
        let listeners = match (&self.listeners, callbacks(py)?) {
            (Some(listeners), _) => listeners.bind(py).clone(),
            (None, Some(callbacks)) => {
                PyTuple::new(py, callbacks.try_iter()?.collect::<PyResult<Vec<_>>>()?)?
            }
            (None, None) => return Ok(()),
        };
        let module = py.import(intern!(py, "antiphon._callbacks"))?;
        let mut queue = module.getattr(intern!(py, "queue"))?;
        if queue.is_none() {
            queue = module.call_method0(intern!(py, "start"))?;
        }
        if !queue.is_none() {
            queue.call_method1(intern!(py, "put"), ((listeners, report),))?;
        }
        Ok(())
    }
}

/// A report, as `async_completion` and `antiphon.litellm` hold it.
#[pyclass(frozen, module = "antiphon._antiphon")]
pub(crate) struct Reporter(Arc<Report>);

#[pymethods]
impl Reporter {
    /// Of a call with these arguments, for `listeners`, or else for `antiphon.callbacks`.
    #[new]
    #[pyo3(signature = (args, kwargs, operation="chat", listeners=None))]
    fn new(
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        operation: &str,
        listeners: Option<Py<PyTuple>>,
    ) -> PyResult<Self> {
        let operation = Operation::parse(operation).unwrap_or_default();
        Report::new(operation, args, Some(kwargs), listeners).map(|report| Self(Arc::new(report)))
    }

    /// Tells that the call is answered; of a stream, once that is over.
    fn answered(&self, answer: &Bound<'_, PyAny>) {
        if !IS_MUTE.get() {
            self.0.clone().finished(answer.py(), Ok(answer));
        }
    }

    /// Tells that the call failed.
    fn failed(&self, error: Bound<'_, PyAny>) {
        if !IS_MUTE.get() {
            let py = error.py();
            self.0.clone().finished(py, Err(&PyErr::from_value(error)));
        }
    }
}
