//! The zoo: what is known of open models, and a pull of their weights.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use antiphon::zoo::{self, Progress, Pulled, State};
use antiphon::{Error, Kind, Result};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::{Value, json};

use crate::hub::Hub;
use crate::mailbox::Mailbox;
use crate::runtime::{Host, Task};
use crate::{errors, wrap};

/// Runs something that looks at files, with the configuration.
fn with_config<T: Send>(
    py: Python<'_>,
    act: impl FnOnce(&antiphon::config::Config) -> Result<T> + Send,
) -> PyResult<T> {
    let host = Host::current(py)?;
    let outcome = py.detach(|| host.with_client(|client| act(client.config())));
    outcome.map_err(|error| errors::to_python(py, &error))
}

/// What is known of every model of the zoo; with `here` only of weights that are here, those of any repository.
#[pyfunction]
pub(crate) fn zoo_list(py: Python<'_>, here: bool) -> PyResult<Py<PyAny>> {
    let models: Value = py.detach(|| match here {
        true => zoo::all_here().iter().map(zoo::Here::to_json).map(Value::Object).collect(),
        false => zoo::models().iter().map(zoo::Model::to_json).map(Value::Object).collect(),
    });
    Ok(wrap::json(py, &models)?.unbind())
}

/// What is known of one.
#[pyfunction]
pub(crate) fn zoo_info(py: Python<'_>, name: &str) -> PyResult<Py<PyAny>> {
    let info = with_config(py, |config| zoo::info(name, config))?;
    Ok(wrap::json(py, &Value::Object(info))?.unbind())
}

/// Where its weights are.
#[pyfunction]
pub(crate) fn zoo_path(py: Python<'_>, name: &str) -> PyResult<PathBuf> {
    with_config(py, |config| zoo::path(name, config))
}

/// Removes its weights; how many bytes that frees.
#[pyfunction]
pub(crate) fn zoo_remove(py: Python<'_>, name: &str) -> PyResult<u64> {
    with_config(py, |config| zoo::remove(name, config))
}

/// A pull on the worker.
#[pyclass(frozen, module = "antiphon._antiphon")]
pub(crate) struct Pull {
    host: Arc<Host>,
    mailbox: Arc<Mailbox<News>>,
    /// `None` once it was given up.
    task: Mutex<Option<Task>>,
}

enum News {
    Progress(Progress),
    End(Result<Pulled>),
}

#[pymethods]
impl Pull {
    #[new]
    fn new(py: Python<'_>, name: String) -> PyResult<Self> {
        let host = Host::current(py)?;
        let mailbox = Arc::new(Mailbox::new());
        let news = mailbox.clone().closing();
        let task = py.detach(|| {
            let client = host.with_client(Clone::clone);
            host.spawn(async move {
                // They are few: ten in a second, and one for each file.
                let report = |progress: &Progress| {
                    news.push(News::Progress(progress.clone()));
                };
                let end = client.pull(&name, report).await;
                news.push(News::End(end));
            })
        });
        Ok(Self { host, mailbox, task: Mutex::new(Some(task)) })
    }

    /// Waits until there is news.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        self.host.check_process()?;
        self.host.wait(py, &self.mailbox)
    }

    /// Has the hub told `token` when there is news; true when there is already.
    fn arm(&self, hub: &Hub, token: u64) -> PyResult<bool> {
        self.host.check_process()?;
        Ok(self.mailbox.arm(hub.bell(token)))
    }

    /// How far it was, in dicts; and once it is over the file, or the exception that says why not.
    fn take(&self, py: Python<'_>) -> PyResult<(Py<PyList>, Option<Py<PyAny>>)> {
        self.host.check_process()?;
        let progress = PyList::empty(py);
        let Some(news) = self.mailbox.take() else {
            let error = Error::new(Kind::Cancelled, "the pull was cancelled");
            return Err(errors::to_python(py, &error));
        };
        for news in news {
            match news {
                News::Progress(far) => progress.append(told(py, &far)?)?,
                News::End(Ok(pulled)) => {
                    let path = pulled.path.into_pyobject(py)?.into_any().unbind();
                    return Ok((progress.unbind(), Some(path)));
                }
                News::End(Err(error)) => {
                    let error = errors::to_python(py, &error).into_value(py).into_any();
                    return Ok((progress.unbind(), Some(error)));
                }
            }
        }
        Ok((progress.unbind(), None))
    }

    /// Gives it up; what came stays, and the next pull goes on from there.
    fn close(&self) {
        drop(self.task.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn told<'py>(py: Python<'py>, progress: &Progress) -> PyResult<Bound<'py, PyAny>> {
    let (state, reason) = match &progress.state {
        State::Fetching => ("fetching", None),
        State::Waiting => ("waiting", None),
        State::Checking => ("checking", None),
        State::Again(why) => ("again", Some(why)),
    };
    let told = wrap::json(
        py,
        &json!({
            "file": progress.file, "part": progress.part, "parts": progress.parts, "done": progress.done,
            "total": progress.total, "found": progress.found, "state": state, "reason": reason,
        }),
    )?;
    Ok(told.cast_into::<PyDict>()?.into_any())
}
