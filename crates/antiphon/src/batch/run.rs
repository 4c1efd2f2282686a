//! The run itself: rows go out, lines come in.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use antiphon_core::{Error, Kind, Response, Result};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::Stop;
use super::input::{Input, Lines};
use super::ledger::{self, Ledger};
use super::output::Output;
use super::pace::Pace;
use super::progress::{End, Progress, Summary};
use super::row::{self, Row, Template};
use super::rows::Rows;
use crate::call::Call;
use crate::client::Client;

/// How often a row is sent again that the provider refused because there were too many.
const MOST_REFUSALS: u32 = 8;

/// With a limit of the cost, no more rows than these are sent before it is seen what one costs.
const PROBES: usize = 4;

pub(super) struct Run {
    client: Client,
    template: Template,
    ledger: Mutex<Ledger>,
    output: Output,
    /// Rows that need not be sent.
    done: Rows,
    progress: Progress,
    pace: Pace,
    max_cost: Option<f64>,
    stop: Stop,
    /// Rows that were refused and go out again.
    refused: VecDeque<Job>,
}

/// A row on its way.
struct Job {
    index: u64,
    custom_id: Option<String>,
    call: Call,
    refusals: u32,
}

/// What became of it.
struct Landed {
    job: Job,
    outcome: Result<Response>,
    /// `None` is unknown.
    cost: Option<f64>,
    /// What the ledger met.
    ledger: Result<()>,
}

type Flying<'a> = FuturesUnordered<BoxFuture<'a, Landed>>;

impl Run {
    pub(super) fn new(
        client: Client,
        template: Template,
        ledger: Ledger,
        output: Output,
        done: Rows,
        progress: Progress,
    ) -> Self {
        Self {
            client,
            template,
            ledger: Mutex::new(ledger),
            output,
            done,
            progress,
            pace: Pace::new(1),
            max_cost: None,
            stop: Stop::default(),
            refused: VecDeque::new(),
        }
    }

    pub(super) fn limited(mut self, concurrency: usize, max_cost: Option<f64>, stop: Stop) -> Self {
        self.pace = Pace::new(concurrency);
        (self.max_cost, self.stop) = (max_cost, stop);
        self
    }

    pub(super) async fn drive(self, input: &Input, watch: &mut dyn FnMut(&Progress)) -> Result<Summary> {
        let (client, stop) = (self.client.clone(), self.stop.clone());
        let Self { ledger, output, done, progress, template, pace, max_cost, refused, .. } = self;
        let mut desk =
            Desk { client: &client, template, output, done, progress, pace, max_cost, refused, end: None };
        watch(&desk.progress);
        let mut lines = Some(input.lines()?);
        let mut flying = Flying::new();
        loop {
            if stop.is_asked() {
                desk.end.get_or_insert(End::Stopped);
            }
            while desk.has_room(flying.len()) {
                match desk.next(&mut lines, input)? {
                    Some(job) => flying.push(Box::pin(fly(&client, &ledger, job))),
                    None => break,
                }
                desk.progress.in_flight = flying.len() as u64;
            }
            watch(&desk.progress);
            let is_over = desk.end.is_some() || (lines.is_none() && desk.refused.is_empty());
            if flying.is_empty() && is_over {
                break;
            }
            let opens = desk.pace.opens().filter(|_| desk.end.is_none());
            tokio::select! {
                biased;
                Some(landed) = flying.next() => desk.take(landed),
                () = sleep_until(opens.unwrap_or_else(Instant::now)), if opens.is_some() => {}
                () = stop.asked(), if desk.end.is_none() => {}
            }
            desk.progress.in_flight = flying.len() as u64;
        }
        drop(flying);
        desk.finish(ledger.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Sends one row. It waits for its turn first, so that a row that waits is not taken for one in flight.
async fn fly(client: &Client, ledger: &Mutex<Ledger>, mut job: Job) -> Landed {
    let mut call = job.call.clone();
    client.take_turn(&mut call).await;
    let noted = ledger.lock().unwrap_or_else(PoisonError::into_inner).sent(job.index);
    if let Err(error) = noted {
        let error = ledger::cannot_write(Path::new("the .state of the output"), &error);
        return Landed { job, outcome: Err(error.clone()), cost: None, ledger: Err(error) };
    }
    let facts = client.facts(&call.request);
    let outcome = client.complete(call).await;
    let cost = outcome.as_ref().ok().and_then(|response| match &response.meta.cache_hit {
        Some(_) => Some(0.0),
        None => facts.answered(response).cost,
    });
    job.refusals += u32::from(is_refusal(&outcome));
    Landed { job, outcome, cost, ledger: Ok(()) }
}

/// Whether the provider says that there are too many.
fn is_refusal(outcome: &Result<Response>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind() == Kind::RateLimit && error.received_status().is_some())
}

/// Where rows leave and answers are written down.
struct Desk<'a> {
    client: &'a Client,
    template: Template,
    output: Output,
    done: Rows,
    progress: Progress,
    pace: Pace,
    max_cost: Option<f64>,
    refused: VecDeque<Job>,
    /// Why no more rows are sent.
    end: Option<End>,
}

impl Desk<'_> {
    fn has_room(&mut self, flying: usize) -> bool {
        if self.end.is_none() && self.is_spent(flying) {
            self.end = Some(End::MaxCost);
        }
        let is_probing = self.max_cost.is_some() && self.priced_answers() == 0;
        let allowed = if is_probing { PROBES.min(self.pace.allowed()) } else { self.pace.allowed() };
        self.end.is_none() && flying < allowed && self.pace.opens().is_none()
    }

    /// Answers whose cost is known.
    fn priced_answers(&self) -> u64 {
        self.progress.done - self.progress.failed - self.progress.unknown_costs
    }

    /// Whether the money is spent, where those in flight cost as much as the others on average.
    fn is_spent(&self, flying: usize) -> bool {
        let Some(most) = self.max_cost else { return false };
        let average = self.progress.cost / self.priced_answers().max(1) as f64;
        self.progress.done < self.progress.rows && self.progress.cost + average * flying as f64 >= most
    }

    /// The next row to send; those that cannot be sent have their line at once.
    fn next(&mut self, lines: &mut Option<Lines<'_>>, input: &Input) -> Result<Option<Job>> {
        if let Some(job) = self.refused.pop_front() {
            return Ok(Some(job));
        }
        while let Some(reader) = lines {
            let Some(line) = reader.next()? else {
                *lines = None;
                return Ok(None);
            };
            if self.done.has(line.index) {
                continue;
            }
            let Row { index, custom_id, call } = self.template.row(&line, input.form);
            match call.and_then(|call| self.priced(call)) {
                Ok(call) => return Ok(Some(Job { index, custom_id, call, refusals: 0 })),
                Err(error) => self.fail(index, custom_id.as_deref(), &error),
            }
            if self.end.is_some() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// What may cost only so much needs a price.
    fn priced(&mut self, call: Call) -> Result<Call> {
        if self.max_cost.is_some() && !self.client.has_price(&call.request) {
            let model = &call.request.model;
            let message = format!("max_cost: the price of {model:?} is not known");
            let error = Error::new(Kind::Config, message).param("max_cost");
            return Err(error.hint("without a limit of the cost it can be sent"));
        }
        Ok(call)
    }

    fn take(&mut self, landed: Landed) {
        let Landed { job, outcome, cost, ledger } = landed;
        if let Err(error) = ledger {
            // The row was not sent.
            self.end = Some(End::Failed(error));
            return;
        }
        match outcome {
            Ok(response) => {
                self.pace.answered();
                let line = row::answered(job.index, job.custom_id.as_deref(), &response, cost);
                if self.write(&line) {
                    self.progress.answered(&response, cost);
                }
            }
            Err(error) if error.kind() == Kind::RateLimit && job.refusals > 0 => {
                self.progress.refused += 1;
                self.pace.refused(error.wait());
                if job.refusals < MOST_REFUSALS && self.end.is_none() {
                    self.refused.push_back(job);
                } else {
                    self.fail(job.index, job.custom_id.as_deref(), &error);
                }
            }
            Err(error) => self.fail(job.index, job.custom_id.as_deref(), &error),
        }
    }

    fn fail(&mut self, index: u64, custom_id: Option<&str>, error: &Error) {
        if self.write(&row::failed(index, custom_id, error)) {
            self.progress.failed();
        }
        if row::is_everybodys(error) && self.end.is_none() {
            self.end = Some(End::Failed(error.clone()));
        }
    }

    /// False where the line could not be written: its row is sent again by the next run.
    fn write(&mut self, line: &[u8]) -> bool {
        match self.output.add(line) {
            Ok(()) => true,
            Err(error) => {
                self.end = Some(End::Failed(error));
                false
            }
        }
    }

    fn finish(mut self, mut ledger: Ledger) -> Result<Summary> {
        let Progress { done, rows, .. } = self.progress;
        // They were answered, if only with a refusal: nothing of theirs is in flight.
        for job in &self.refused {
            let _ = ledger.forget(job.index);
        }
        if done == rows {
            self.output.sort(rows, &Rows::none_of(rows))?;
            ledger
                .finish()
                .map_err(|error| ledger::cannot_write(Path::new("the .state of the output"), &error))?;
        }
        let end = match self.end {
            // The last row is no reason not to be done.
            Some(End::Stopped | End::MaxCost) | None if done == rows => End::Done,
            Some(end) => end,
            None => End::Done,
        };
        self.progress.in_flight = 0;
        Ok(Summary { progress: self.progress, end })
    }
}
