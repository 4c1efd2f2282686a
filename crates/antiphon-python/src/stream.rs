//! An answer in pieces, as Python iterates over it.
//!
//! As long as pieces are there without waiting, the reader's own thread takes them. From the first wait on, a
//! task of the worker gathers them, and the reader takes all that came in one go.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use antiphon::{Chunk, Error, Facts, Response, Result};
use pyo3::exceptions::{PyStopAsyncIteration, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::arguments::Form;
use crate::callbacks::Report;
use crate::errors;
use crate::hub::Hub;
use crate::mailbox::{Closing, Mailbox};
use crate::runtime::{Close, Host, Task, panicked};
use crate::wrap;

type Batch = Result<Vec<Chunk>>;

/// The upstream half, shared with the task that reads it.
struct Source {
    slot: Mutex<Slot>,
    mailbox: Arc<Mailbox<Batch>>,
}

enum Slot {
    Open(Box<antiphon::CompletionStream>),
    /// Closed by the reader, with what had come by then.
    Closed(Box<Response>),
}

impl Source {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Batch>> {
        match &mut *self.slot() {
            Slot::Open(stream) => stream.poll_batch(context),
            Slot::Closed(_) => Poll::Ready(None),
        }
    }

    /// The same; a panic is an error.
    fn poll_guarded(&self, context: &mut Context<'_>) -> Poll<Option<Batch>> {
        catch_unwind(AssertUnwindSafe(|| self.poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Some(Err(panicked(&*panic)))))
    }

    fn partial(&self) -> Option<serde_json::Value> {
        match &*self.slot() {
            Slot::Open(stream) => stream.partial(),
            Slot::Closed(_) => None,
        }
    }

    fn response(&self) -> Response {
        match &*self.slot() {
            Slot::Open(stream) => stream.response(),
            Slot::Closed(response) => (**response).clone(),
        }
    }
}

impl Close for Source {
    /// Drops the upstream stream, which cancels the call.
    fn close(&self) {
        let response = self.response();
        *self.slot() = Slot::Closed(Box::new(response));
    }
}

/// What a reader finds.
enum Found {
    Chunk(Box<Chunk>),
    Error(Error),
    End,
    /// Nothing yet; the worker is gathering.
    Wait,
}

/// The answer of a call with `stream=True`, in chunks, as they come.
///
/// Iterate over it; or use it in a `with`, so that leaving the block early ends the call. Dropping it ends
/// the call, too. `response` is the answer so far, folded from what has been received.
#[pyclass(frozen, weakref, module = "antiphon")]
pub(crate) struct CompletionStream {
    host: Arc<Host>,
    facts: Facts,
    /// `None` only while the stream is dropped.
    source: Option<Arc<Source>>,
    reader: Mutex<Reader>,
    /// Are told once that the stream is over.
    reports: Mutex<Vec<Arc<Report>>>,
    /// What the JSON of the answer is to become; `None` once it has become that.
    form: Mutex<Option<Form>>,
}

#[derive(Default)]
struct Reader {
    ready: VecDeque<Chunk>,
    /// The error to raise once `ready` is empty.
    error: Option<Error>,
    is_done: bool,
    task: Option<Task>,
    /// The whole answer, once it is: made once, so that its objects keep their identity.
    response: Option<Py<PyAny>>,
}

impl Reader {
    fn found(&mut self) -> Option<Found> {
        if let Some(chunk) = self.ready.pop_front() {
            return Some(Found::Chunk(Box::new(chunk)));
        }
        if let Some(error) = self.error.take() {
            return Some(Found::Error(error));
        }
        self.is_done.then_some(Found::End)
    }

    fn add(&mut self, batch: Batch) {
        match batch {
            Ok(chunks) => self.ready.extend(chunks),
            Err(error) => {
                self.error = Some(error);
                self.end();
            }
        }
    }

    fn end(&mut self) {
        self.is_done = true;
        self.task = None;
    }
}

impl CompletionStream {
    pub(crate) fn new(
        host: Arc<Host>,
        facts: Facts,
        form: Option<Form>,
        stream: Box<antiphon::CompletionStream>,
    ) -> Self {
        let slot = Mutex::new(Slot::Open(stream));
        let source = Arc::new(Source { slot, mailbox: Arc::new(Mailbox::new()) });
        let closing: Arc<dyn Close> = source.clone();
        host.close_at_exit(Arc::downgrade(&closing));
        Self {
            host,
            facts,
            source: Some(source),
            reader: Mutex::default(),
            reports: Mutex::default(),
            form: Mutex::new(form),
        }
    }

    fn source(&self) -> &Arc<Source> {
        self.source.as_ref().expect("it is taken only by drop")
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is there without waiting. Where nothing is, the worker gathers from now on.
    fn look(&self) -> Found {
        let mut reader = self.reader();
        loop {
            if let Some(found) = reader.found() {
                return found;
            }
            if reader.task.is_none() {
                match self.host.poll(|context| self.source().poll(context)) {
                    Poll::Ready(Ok(Some(batch))) => reader.add(batch),
                    Poll::Ready(Ok(None)) => reader.end(),
                    Poll::Ready(Err(panic)) => reader.add(Err(panic)),
                    Poll::Pending => {
                        reader.task =
                            Some(self.host.spawn(gather(
                                self.source().clone(),
                                self.source().mailbox.clone().closing(),
                            )))
                    }
                }
                continue;
            }
            match self.source().mailbox.take() {
                None => reader.end(),
                Some(batches) if batches.is_empty() => return Found::Wait,
                Some(batches) => batches.into_iter().for_each(|batch| reader.add(batch)),
            }
        }
    }

    /// Has `report` told when the stream is over, however it ends.
    pub(crate) fn watch(&self, report: Arc<Report>) {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    }

    fn take_reports(&self) -> Vec<Arc<Report>> {
        std::mem::take(&mut self.reports.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn failed(&self, py: Python<'_>, error: Error) -> PyErr {
        self.take_form();
        let error = errors::of_call(py, error, &self.facts);
        self.over(py, Some(&error));
        error
    }

    /// The stream is over: whoever wants to hear of it is told, once.
    fn over(&self, py: Python<'_>, error: Option<&PyErr>) {
        for report in self.take_reports() {
            match self.response(py) {
                Ok(response) => report.told(py, Some(response.bind(py)), error),
                Err(error) => report.told(py, None, Some(&error)),
            }
        }
    }

    /// The stream has ended by itself: its answer becomes what was asked for, or is an error.
    fn ended(&self, py: Python<'_>) -> PyResult<()> {
        let outcome = self.attach(py);
        self.over(py, outcome.as_ref().err());
        outcome
    }

    /// What is cut short or fails is no instance of anything.
    fn take_form(&self) -> Option<Form> {
        self.form.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Has the whole answer become what was asked for, once.
    fn attach(&self, py: Python<'_>) -> PyResult<()> {
        self.take_form().map_or(Ok(()), |form| form.attach(self.response(py)?.bind(py)))
    }

    fn is_done(&self) -> bool {
        let reader = self.reader();
        reader.is_done && reader.ready.is_empty()
    }
}

/// Reads the stream to its end into the mailbox, which is closed even if this is never polled.
async fn gather(source: Arc<Source>, mailbox: Closing<Batch>) {
    while let Some(batch) = std::future::poll_fn(|context| source.poll_guarded(context)).await {
        let is_last = batch.is_err();
        mailbox.put(batch).await;
        if is_last {
            return;
        }
    }
}

impl Drop for CompletionStream {
    fn drop(&mut self) {
        if self.host.is_ours() {
            // Python drops its objects attached; where it does not, it is ending.
            if !self.reports.get_mut().unwrap_or_else(PoisonError::into_inner).is_empty() {
                Python::try_attach(|py| {
                    // It may be dropped while an exception is on its way, which is to arrive.
                    let raised = PyErr::take(py);
                    self.over(py, None);
                    raised.into_iter().for_each(|error| error.restore(py));
                });
            }
            return;
        }
        // A forked child's copy: its connection is the parent's, and is not to be closed from here.
        std::mem::forget(self.source.take());
    }
}

#[pymethods]
impl CompletionStream {
    /// `CompletionStream[Recipe]` is for type checkers: it is the class itself.
    #[classmethod]
    #[expect(unused_variables, reason = "Python gives it")]
    fn __class_getitem__(cls: &Bound<'_, PyType>, form: &Bound<'_, PyAny>) -> Py<PyType> {
        cls.clone().unbind()
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.host.check_process()?;
        loop {
            match py.detach(|| self.look()) {
                Found::Chunk(chunk) => return Ok(Some(wrap::chunk(py, &chunk)?.unbind())),
                Found::Error(error) => return Err(self.failed(py, error)),
                Found::End => return self.ended(py).map(|()| None),
                // Ctrl-C ends the call at once, and not when the last traceback that holds the stream is gone.
                Found::Wait => self.host.wait(py, &self.source().mailbox).inspect_err(|_| self.close(py))?,
            }
        }
    }

    /// For an event loop: the next chunk, or `None` where it has to wait.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.host.check_process()?;
        match py.detach(|| self.look()) {
            Found::Chunk(chunk) => Ok(Some(wrap::chunk(py, &chunk)?.unbind())),
            Found::Error(error) => Err(self.failed(py, error)),
            Found::End => {
                self.ended(py)?;
                Err(PyStopAsyncIteration::new_err(()))
            }
            Found::Wait => Ok(None),
        }
    }

    /// For an event loop: has the hub told `token` when there is more; true when there is already.
    fn arm(&self, hub: &Hub, token: u64) -> PyResult<bool> {
        self.host.check_process()?;
        Ok(self.source().mailbox.arm(hub.bell(token)))
    }

    /// Ends the call; what has come stays in `response`.
    fn close(&self, py: Python<'_>) {
        if !self.host.is_ours() {
            return;
        }
        if !self.is_done() {
            self.take_form();
        }
        py.detach(|| {
            let mut reader = self.reader();
            reader.end();
            reader.ready.clear();
            reader.error = None;
            drop(reader);
            self.source().close();
        });
        self.over(py, None);
    }

    fn __reduce__(&self) -> PyResult<()> {
        let message = "a stream cannot be copied or pickled; what it has received can: stream.response";
        Err(PyTypeError::new_err(message))
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (kind=None, error=None, traceback=None))]
    #[expect(unused_variables, reason = "the names are Python's")]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyAny>>,
        error: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) {
        self.close(py);
    }

    /// The answer so far, as a `ModelResponse`; whole, with usage, after the last chunk.
    #[getter]
    fn response(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.host.check_process()?;
        if let Some(response) = &self.reader().response {
            return Ok(response.clone_ref(py));
        }
        let response = wrap::response(py, &self.source().response(), &self.facts)?.unbind();
        if self.is_done() {
            self.reader().response = Some(response.clone_ref(py));
        }
        Ok(response)
    }

    /// What the JSON of the answer says so far, as plain values; `None` while there is nothing of it.
    #[getter]
    fn partial(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.host.check_process()?;
        let partial = py.detach(|| self.source().partial());
        partial.map(|partial| Ok(wrap::json(py, &partial)?.unbind())).transpose()
    }

    /// The instance of `response_format`, after the last chunk; else `None`.
    #[getter]
    fn parsed(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if self.is_done() {
            self.attach(py)?;
        }
        self.response(py)?.getattr(py, "parsed")
    }

    /// Token counts, once they are known; else `None`.
    #[getter]
    fn usage(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.response(py)?.getattr(py, "usage")
    }

    /// What is known of the call beside its answer.
    #[getter]
    fn _hidden_params(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.response(py)?.getattr(py, "_hidden_params")
    }
}
