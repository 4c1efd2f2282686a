//! How far a batch is, and how it ended.

use std::time::{Duration, Instant};

use antiphon_core::{Error, Response};
use serde_json::{Value, json};

use super::row::Done;

/// How far a batch is.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Rows of the input.
    pub rows: u64,
    /// Rows that have their line, those that failed and those of earlier runs included.
    pub done: u64,
    /// Rows whose line is an error.
    pub failed: u64,
    /// Rows that earlier runs had done.
    pub found: u64,
    /// Rows that were in flight when an earlier run died, and are sent again.
    pub resent: u64,
    /// Rows that failed in an earlier run, and are sent again.
    pub retried: u64,
    /// Rows that are on their way now.
    pub in_flight: u64,
    /// Tokens of all prompts.
    pub input_tokens: u64,
    /// Tokens of all answers.
    pub output_tokens: u64,
    /// What is known to be spent, in dollars.
    pub cost: f64,
    /// Answers whose cost is not known.
    pub unknown_costs: u64,
    /// How many calls the provider refused because there were too many.
    pub refused: u64,
    started: Instant,
}

impl Progress {
    pub(super) fn new(rows: u64) -> Self {
        Self {
            rows,
            done: 0,
            failed: 0,
            found: 0,
            resent: 0,
            retried: 0,
            in_flight: 0,
            input_tokens: 0,
            output_tokens: 0,
            cost: 0.0,
            unknown_costs: 0,
            refused: 0,
            started: Instant::now(),
        }
    }

    /// How long this run has been going.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Rows that this run does in a second.
    pub fn rows_per_second(&self) -> f64 {
        (self.done - self.found) as f64 / self.elapsed().as_secs_f64().max(1e-3)
    }

    /// How long the rest takes at this rate, where there is one yet.
    pub fn remaining(&self) -> Option<Duration> {
        let rate = self.rows_per_second();
        (rate > 0.0).then(|| Duration::from_secs_f64(((self.rows - self.done) as f64 / rate).min(1e9)))
    }

    pub(super) fn found(&mut self, line: &Done) {
        self.found += 1;
        self.done += 1;
        if line.is_failed() {
            self.failed += 1;
            return;
        }
        let counts = line.counts().unwrap_or_default();
        self.count(counts.prompt_tokens, counts.completion_tokens, line.cost);
    }

    pub(super) fn answered(&mut self, response: &Response, cost: Option<f64>) {
        self.done += 1;
        let usage = response.usage.as_ref();
        let (input, output) = usage.map_or((0, 0), |usage| (usage.prompt_tokens, usage.completion_tokens));
        self.count(input, output, cost);
    }

    pub(super) fn failed(&mut self) {
        self.done += 1;
        self.failed += 1;
    }

    fn count(&mut self, input: u64, output: u64, cost: Option<f64>) {
        self.input_tokens += input;
        self.output_tokens += output;
        match cost {
            Some(cost) => self.cost += cost,
            None => self.unknown_costs += 1,
        }
    }
}

/// Why a run is over.
#[derive(Debug, Clone)]
pub enum End {
    /// Every row has its line.
    Done,
    /// It was asked to stop.
    Stopped,
    /// So much money is spent as may be.
    MaxCost,
    /// An error that every other row would meet, too, or an output that cannot be written.
    Failed(Error),
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Summary {
    /// How far the batch is.
    pub progress: Progress,
    /// Why it is over.
    pub end: End,
}

impl Summary {
    /// As one JSON object. `cost` is what is known; `unknown_costs` counts the answers that it lacks.
    pub fn to_json(&self) -> Value {
        let progress = &self.progress;
        let (end, error) = match &self.end {
            End::Done => ("done", None),
            End::Stopped => ("stopped", None),
            End::MaxCost => ("max_cost", None),
            End::Failed(error) => ("failed", Some(error.message())),
        };
        json!({
            "end": end,
            "error": error,
            "rows": progress.rows,
            "done": progress.done,
            "failed": progress.failed,
            "found": progress.found,
            "resent": progress.resent,
            "retried": progress.retried,
            "input_tokens": progress.input_tokens,
            "output_tokens": progress.output_tokens,
            "cost": progress.cost,
            "unknown_costs": progress.unknown_costs,
            "seconds": progress.elapsed().as_secs_f64(),
        })
    }
}
