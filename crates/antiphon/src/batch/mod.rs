//! Many requests from a file to a file, so many at once: one line of output for each row, errors too.
//!
//! ```no_run
//! # async fn example() -> antiphon::Result<()> {
//! use antiphon::batch::Batch;
//!
//! let batch = Batch::new("in.jsonl", "out.jsonl").model("openai/gpt-4o-mini").concurrency(100);
//! let summary = batch.run(|progress| println!("{} of {}", progress.done, progress.rows)).await?;
//! assert_eq!(summary.progress.failed, 0);
//! # Ok(())
//! # }
//! ```
//!
//! Lines are added as answers come, and sorted into the order of the input at the end. A run that died is gone on
//! with by running it again: only rows that were in flight are sent twice. Memory does not grow with the number
//! of rows, but for two bits each. `docs/batch.md` says what rows and lines look like.

mod input;
mod ledger;
mod output;
mod pace;
mod progress;
mod row;
mod rows;
mod run;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use antiphon_core::{Error, Map, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

pub use self::progress::{End, Progress, Summary};

use self::input::Input;
use self::ledger::{Identity, Ledger};
use self::output::{Output, folder};
use self::row::{Done, Template};
use self::rows::Rows;
use self::run::Run;
use crate::cache::hex;
use crate::client::Client;

/// How many requests are in flight at once where it is not said.
pub const CONCURRENCY: usize = 20;

/// A batch that is being set up.
pub struct Batch {
    client: Option<Client>,
    from: From,
    output: PathBuf,
    template: Template,
    concurrency: usize,
    max_cost: Option<f64>,
    retry_errors: bool,
    stop: Stop,
}

enum From {
    File(PathBuf),
    Reader(Box<dyn Read + Send>),
}

impl Batch {
    /// A batch of the rows in a file, whose answers go to another.
    pub fn new(input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            client: None,
            from: From::File(input.into()),
            output: output.into(),
            template: Template::default(),
            concurrency: CONCURRENCY,
            max_cost: None,
            retry_errors: false,
            stop: Stop::default(),
        }
    }

    /// Reads the rows from here, in place of a file.
    pub fn reader(mut self, input: impl Read + Send + 'static) -> Self {
        self.from = From::Reader(Box::new(input));
        self
    }

    /// Calls through this client.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The model, also of rows that name another.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.template.model = Some(model.into());
        self
    }

    /// The model of rows that name none; else that is the client's default one.
    pub fn default_model(mut self, model: impl Into<String>) -> Self {
        self.template.default_model = model.into();
        self
    }

    /// The system prompt of rows that have none.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.template.system = Some(text.into());
        self
    }

    /// Parameters and options of every call, by name as in [`crate::Call::from_json`]; they go before a row's own.
    pub fn params(mut self, params: Map) -> Self {
        self.template.params = params;
        self
    }

    /// How many requests are in flight at once, at most.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls;
        self
    }

    /// Sends no more rows once this many dollars are spent; earlier runs on the same output count.
    pub fn max_cost(mut self, dollars: f64) -> Self {
        self.max_cost = Some(dollars);
        self
    }

    /// Sends every row again that failed in an earlier run, and not only those that may heal.
    pub fn retry_errors(mut self, again: bool) -> Self {
        self.retry_errors = again;
        self
    }

    /// What ends the run early.
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.stop = stop.clone();
        self
    }

    /// Runs the batch to its end; `watch` hears of every row. Dropping the future gives up what is in flight:
    /// those rows are sent again by the next run.
    pub async fn run(self, mut watch: impl FnMut(&Progress)) -> Result<Summary> {
        self.run_watched(&mut watch).await
    }

    async fn run_watched(mut self, watch: &mut dyn FnMut(&Progress)) -> Result<Summary> {
        if self.concurrency == 0 {
            return Err(Error::invalid("concurrency", "must be at least 1"));
        }
        if self.max_cost.is_some_and(|dollars| dollars.is_nan() || dollars <= 0.0) {
            return Err(Error::invalid("max_cost", "must be dollars, above 0"));
        }
        let client = self.client.take().map_or_else(Client::shared, Ok)?;
        if self.template.default_model.is_empty() {
            self.template.default_model = client.default_model().0;
        }
        let input = match self.from {
            From::File(path) => {
                if is_same(&path, &self.output) {
                    return Err(Error::invalid("output", "is the input"));
                }
                Input::open(&path)?
            }
            From::Reader(reader) => Input::spool(reader, folder(&self.output))?,
        };
        let survey = input.survey(folder(&self.output))?;
        let identity = self.template.identity(survey.rows, survey.digest);
        let mut ledger = Ledger::open(&self.output, &identity)?;
        let mut output = Output::open(&self.output)?;
        let (done, progress) = resume(&mut ledger, &mut output, survey.rows, self.retry_errors)?;
        let run = Run::new(client, self.template, ledger, output, done, progress);
        run.limited(self.concurrency, self.max_cost, self.stop).drive(&input, watch).await
    }
}

impl Template {
    fn identity(&self, rows: u64, input: String) -> Identity {
        let is_part = |name: &str| crate::call::option(name).is_none() || name == "extra_body";
        let mut params: Vec<_> = self.params.iter().filter(|(name, _)| is_part(name)).collect();
        params.sort_by_key(|(name, _)| name.as_str());
        let options = json!([self.system, self.model.is_some(), params]);
        Identity {
            antiphon_batch: 1,
            rows,
            input,
            model: self.model.clone().unwrap_or_else(|| self.default_model.clone()),
            options: hex(&Sha256::digest(options.to_string()).into()),
        }
    }
}

/// What earlier runs have done. Rows that failed and are to be sent again lose their lines.
fn resume(
    ledger: &mut Ledger,
    output: &mut Output,
    rows: u64,
    retry_errors: bool,
) -> Result<(Rows, Progress)> {
    let (mut done, mut again) = (Rows::none_of(rows), Rows::none_of(rows));
    let mut progress = Progress::new(rows);
    output.read(rows, |line: Done| {
        if !done.add(line.index) {
            return;
        }
        if line.is_failed() && (retry_errors || line.may_heal()) {
            again.add(line.index);
        } else {
            progress.found(&line);
        }
    })?;
    let in_ledger = |error| ledger::cannot_write(Path::new("the .state of the output"), &error);
    if ledger.goes_on {
        progress.resent = ledger.in_flight(&done).map_err(in_ledger)?;
    }
    if again.count > 0 {
        again.iter().try_for_each(|row| ledger.forget(row)).map_err(in_ledger)?;
        output.sort(rows, &again)?;
        again.iter().for_each(|row| done.remove(row));
        progress.retried = again.count;
    }
    Ok((done, progress))
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// Ends a run early: no row is sent any more, and what is in flight is waited for.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    is_asked: AtomicBool,
    heard: Notify,
}

impl Stop {
    /// Asks for the end.
    pub fn ask(&self) {
        self.0.is_asked.store(true, Ordering::Release);
        self.0.heard.notify_one();
    }

    fn is_asked(&self) -> bool {
        self.0.is_asked.load(Ordering::Acquire)
    }

    async fn asked(&self) {
        while !self.is_asked() {
            self.0.heard.notified().await;
        }
    }
}
