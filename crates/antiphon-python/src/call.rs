//! `completion` and what stands behind `async_completion`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use antiphon::{Client, EncodingFormat, Error, Facts, Kind, Operation, Response, Result, Task};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use serde_json::Value;

use crate::arguments::{self, Form, Prepared};
use crate::callbacks;
use crate::errors;
use crate::hub::Hub;
use crate::mailbox::Mailbox;
use crate::runtime::{Begun, Future, Host, Sent};
use crate::stream::CompletionStream;
use crate::wrap;

/// What a call comes to: a whole answer, or one in pieces that has begun.
enum Answer {
    Whole(Box<Response>),
    Stream(Box<antiphon::CompletionStream>),
    /// What is told in place of a call: the request, or the cache's key.
    Told(Value),
}

/// What is kept of a call until it is answered.
struct Caller {
    host: Arc<Host>,
    facts: Facts,
    raises: Option<Py<PyAny>>,
    form: Option<Form>,
    /// How vectors are wanted.
    format: EncodingFormat,
}

fn run(client: Client, call: Box<antiphon::Call>) -> Future<Answer> {
    Box::pin(async move {
        if call.request.stream {
            client.stream(*call).begun().await.map(|stream| Answer::Stream(Box::new(stream)))
        } else {
            client.complete(*call).await.map(|response| Answer::Whole(Box::new(response)))
        }
    })
}

/// What is told of a call that is not to be made.
fn tell(client: &Client, call: antiphon::Call) -> Result<Value> {
    if call.options.cache.return_key {
        return Ok(antiphon::cache::hex(&client.cache_key(&call)?).into());
    }
    Ok(client.explain(call)?.to_json())
}

impl Caller {
    /// Reads the arguments and begins the call.
    fn begin(
        operation: Operation,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(Self, Begun<Answer>)> {
        let py = args.py();
        let host = Host::current(py)?;
        let Prepared { call, raises, form } = arguments::prepare(operation, args, kwargs)?;
        let format = match &call.request.task {
            Task::Embed(task) => task.encoding_format,
            _ => None,
        };
        let format = format.unwrap_or(EncodingFormat::Float);
        if call.options.dry_run || call.options.cache.return_key {
            let facts = Facts::of_model(&call.request.model);
            let told = py.detach(|| host.with_client(|client| tell(client, *call)));
            return Ok((Self { host, facts, raises, form, format }, Begun::Ready(told.map(Answer::Told))));
        }
        let (facts, begun) = py.detach(|| {
            host.with_client(|client| {
                let facts = client.facts(&call.request);
                (facts, host.begin(|| run(client.clone(), call)))
            })
        });
        Ok((Self { host, facts, raises, form, format }, begun))
    }

    /// The outcome as Python has it.
    fn finish(self, py: Python<'_>, outcome: Result<Answer>) -> PyResult<Py<PyAny>> {
        let answer = outcome.map_err(|error| errors::of_call(py, error, &self.facts))?;
        if let Some(raises) = self.raises {
            return Err(PyErr::from_value(raises.into_bound(py)));
        }
        match answer {
            Answer::Whole(response) if response.operation == Operation::Embeddings => {
                Ok(wrap::embeddings(py, &response, &self.facts, self.format)?.unbind())
            }
            Answer::Whole(response) if response.operation == Operation::Rerank => {
                Ok(wrap::ranking(py, &response, &self.facts)?.unbind())
            }
            Answer::Whole(response) => {
                let response = wrap::response(py, &response, &self.facts)?;
                self.form.map_or(Ok(()), |form| form.attach(&response))?;
                Ok(response.unbind())
            }
            Answer::Told(told) => Ok(wrap::json(py, &told)?.unbind()),
            Answer::Stream(stream) => {
                let stream = CompletionStream::new(self.host, self.facts, self.form, stream);
                Ok(Py::new(py, stream)?.into_any())
            }
        }
    }
}

/// Asks a model and returns its answer.
///
/// The first argument is the prompt (a string) or the list of messages, the second the model. Returns a
/// `ModelResponse`, or a `CompletionStream` of chunks where `stream=True`.
///
/// >>> completion("What is the capital of France?", "local/chorister").choices[0].message.content
/// 'The capital of France is Paris.'
#[pyfunction]
#[pyo3(
    signature = (*args, **kwargs),
    text_signature = "(messages=None, model=None, timeout=None, temperature=None, top_p=None, n=None, \
        stream=None, stream_options=None, stop=None, max_completion_tokens=None, max_tokens=None, \
        modalities=None, prediction=None, audio=None, presence_penalty=None, frequency_penalty=None, \
        logit_bias=None, user=None, reasoning_effort=None, verbosity=None, response_format=None, seed=None, \
        tools=None, tool_choice=None, logprobs=None, top_logprobs=None, parallel_tool_calls=None, *, \
        functions=None, function_call=None, web_search_options=None, service_tier=None, store=None, \
        metadata=None, prompt_cache_key=None, prompt_cache_retention=None, safety_identifier=None, \
        thinking=None, top_k=None, min_p=None, repetition_penalty=None, guided_json=None, \
        guided_regex=None, guided_choice=None, guided_grammar=None, skip_special_tokens=None, \
        include_stop_str_in_output=None, ignore_eos=None, priority=None, api_key=None, base_url=None, extra_headers=None, \
        extra_body=None, connect_timeout=None, first_byte_timeout=None, idle_timeout=None, max_retries=None, \
        num_retries=None, retry_delay=None, enable_retries=None, retry_on_exceptions=None, \
        retry_on_all_exceptions=None, fallbacks=None, drop_params=None, \
        enable_json_schema_validation=None, max_reasks=None, cache_enabled=None, cache_path=None, \
        cache_key_prefix=None, include_model_in_cache_key=None, return_cache_key=None, ttl=None, dry_run=None, \
        api_base=None, headers=None, mock_response=None, mock_tool_calls=None, mock_delay=None, gpu_layers=None, threads=None, context=None, draft=None, **kwargs)"
)]
pub(crate) fn completion(
    py: Python<'_>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    reported(py, Operation::Chat, args, kwargs)
}

/// The answer of a call that `antiphon.callbacks` are to hear of.
pub(crate) fn reported(
    py: Python<'_>,
    operation: Operation,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let Some(report) = callbacks::report(operation, args, kwargs)? else {
        return answer(py, operation, args, kwargs);
    };
    let answer = answer(py, operation, args, kwargs);
    report.finished(py, answer.as_ref().map(|answer| answer.bind(py)));
    answer
}

fn answer(
    py: Python<'_>,
    operation: Operation,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    let (caller, begun) = Caller::begin(operation, args, kwargs)?;
    let outcome = caller.host.outcome(py, begun)?;
    caller.finish(py, outcome)
}

/// Begins a call for an event loop: its outcome where it is there at once, else a `Pending`.
#[pyfunction]
#[pyo3(signature = (args, kwargs, operation="chat"))]
pub(crate) fn begin(
    py: Python<'_>,
    args: &Bound<'_, PyTuple>,
    kwargs: &Bound<'_, PyDict>,
    operation: &str,
) -> PyResult<Py<PyAny>> {
    let operation = Operation::parse(operation).unwrap_or_default();
    let (caller, begun) = Caller::begin(operation, args, Some(kwargs))?;
    match begun {
        Begun::Ready(outcome) => caller.finish(py, outcome),
        Begun::Sent(sent) => {
            let (host, mailbox) = (caller.host.clone(), sent.mailbox.clone());
            let inner = Mutex::new(Some((caller, sent)));
            Ok(Py::new(py, Pending { host, mailbox, inner })?.into_any())
        }
    }
}

/// A call on the worker that an event loop waits for.
#[pyclass(frozen, module = "antiphon._antiphon")]
pub(crate) struct Pending {
    host: Arc<Host>,
    mailbox: Arc<Mailbox<Result<Answer>>>,
    /// `None` once the outcome was taken or the call was given up.
    inner: Mutex<Option<(Caller, Sent<Answer>)>>,
}

impl Pending {
    fn take_inner(&self) -> Option<(Caller, Sent<Answer>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Pending {
    /// Has the hub told `token` when the outcome is there; true when it is there already.
    fn arm(&self, hub: &Hub, token: u64) -> PyResult<bool> {
        self.host.check_process()?;
        Ok(self.mailbox.arm(hub.bell(token)))
    }

    /// The outcome, or what the call raises.
    fn take(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.host.check_process()?;
        match self.take_inner() {
            Some((caller, sent)) => caller.finish(py, sent.take()),
            None => Err(errors::to_python(py, &Error::new(Kind::Cancelled, "the call was cancelled"))),
        }
    }

    /// Gives the call up: what it does is dropped at once.
    fn close(&self) {
        drop(self.take_inner());
    }
}

/// Sets where answers are kept whose call does not say it; `None`: as `ANTIPHON_CACHE_PATH` says.
#[pyfunction]
#[pyo3(signature = (path))]
pub(crate) fn set_default_cache_path(py: Python<'_>, path: Option<PathBuf>) -> PyResult<()> {
    crate::runtime::remember(|settings| settings.cache_path.clone_from(&path));
    let host = Host::current(py)?;
    py.detach(|| host.with_client(|client| client.set_default_cache_path(path)));
    Ok(())
}

/// A call that panics, at once or on the worker: the test that a panic is an `InternalError` needs one.
#[pyfunction]
pub(crate) fn panic_for_tests(py: Python<'_>, on_worker: bool) -> PyResult<()> {
    let host = Host::current(py)?;
    let future = move || -> Future<()> {
        Box::pin(async move {
            if on_worker {
                tokio::task::yield_now().await;
            }
            panic!("on purpose")
        })
    };
    let begun = py.detach(|| host.with_client(|_| host.begin(future)));
    host.outcome(py, begun)?.map_err(|error| errors::to_python(py, &error))
}
