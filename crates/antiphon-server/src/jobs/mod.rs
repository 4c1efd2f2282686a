//! Batch jobs under way. Each is a task that asks its rows, so many at once; a cancelled one is dropped, and
//! with it every call that it has open. Those that were not over when the server ended are gone on with.

mod run;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use antiphon::Result;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

pub(crate) use self::run::request;
use crate::app::App;

/// How many jobs run at once; others wait for their turn.
const JOBS_AT_ONCE: usize = 4;

/// The jobs of this process.
pub(crate) struct Jobs {
    tasks: Mutex<HashMap<String, AbortHandle>>,
    places: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { tasks: Mutex::default(), places: Arc::new(Semaphore::new(JOBS_AT_ONCE)) }
    }
}

impl Jobs {
    /// Goes on with every job that is not over.
    pub(crate) async fn resume(&self, app: &Arc<App>) -> Result<()> {
        let Ok(store) = app.kept.store() else { return Ok(()) };
        for id in store.open_jobs().await? {
            self.start(app, id);
        }
        Ok(())
    }

    /// Runs a job that stands in the store.
    pub(crate) fn start(&self, app: &Arc<App>, id: String) {
        let (app, job, places) = (app.clone(), id.clone(), self.places.clone());
        let mut tasks = self.lock();
        tasks.retain(|_, task| !task.is_finished());
        let task = tokio::spawn(async move {
            let _place = places.acquire_owned().await;
            if let Err(error) = run::run(&app, &job).await {
                // It is gone on with when the server is started again.
                tracing::error!(target: "antiphon::serve", job, %error, "a batch job stopped");
            }
        });
        tasks.insert(id, task.abort_handle());
    }

    /// Drops what a job has under way.
    pub(crate) fn stop(&self, id: &str) {
        if let Some(task) = self.lock().remove(id) {
            task.abort();
        }
    }

    /// Drops what all jobs have under way.
    pub(crate) fn stop_all(&self) {
        self.lock().drain().for_each(|(_, task)| task.abort());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
