//! What became of the calls, for `GET /v1/antiphon/status`: sums by model since the start, and the last calls
//! one by one.
//!
//! A call is a request that names a model, or one that was refused before it could. It is taken in when the
//! last byte of its answer is delivered, so no caller waits for it. Quantiles are exact ones of the last answers
//! of each model, for the buckets of `/metrics` double and say nothing of now. Nothing of a prompt, an answer
//! or a key is kept, and callers choose neither how much is kept nor how long a name of theirs is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::face::Face;
use crate::keys::Key;
use crate::metrics::MAX_MODELS;

/// Of how many answers of a model quantiles are taken.
const WINDOW: usize = 256;

/// How many calls are kept; more than are shown, for some keys see only some of them.
const KEPT: usize = 512;

/// How many are shown.
const SHOWN: usize = 50;

/// Longest name of a model that is kept, in bytes.
const MAX_NAME: usize = 128;

/// One call that is over.
pub(crate) struct Ended {
    pub(crate) id: String,
    pub(crate) route: &'static str,
    pub(crate) face: Face,
    /// As it was asked for, if it came to that.
    pub(crate) model: Option<String>,
    /// Whether it is a model of this server's that the caller may ask.
    pub(crate) served: bool,
    /// Whether the model has answered, be it in part.
    pub(crate) answered: bool,
    /// 499 where the caller left.
    pub(crate) status: u16,
    pub(crate) error: Option<&'static str>,
    pub(crate) took: Duration,
    pub(crate) first_content: Option<Duration>,
    /// Of the prompt and of the answer.
    pub(crate) tokens: Option<(u64, u64)>,
    /// In dollars, where it is known.
    pub(crate) cost: Option<f64>,
}

/// All calls.
#[derive(Default)]
pub(crate) struct Calls(Mutex<Table>);

#[derive(Default)]
struct Table {
    models: BTreeMap<String, Sums>,
    /// Those that asked for no model of ours.
    refused: Sums,
    /// The newest last, each with the time of its end.
    recent: VecDeque<(SystemTime, Ended)>,
}

/// What the calls of a model come to.
#[derive(Debug, Clone, Default)]
struct Sums {
    requests: u64,
    answered: u64,
    /// Whose caller left before the end.
    cancelled: u64,
    errors: BTreeMap<&'static str, u64>,
    input_tokens: u64,
    output_tokens: u64,
    /// Of those whose price is known; `None` where it is of none.
    cost: Option<f64>,
    latencies: Window,
    first_content: Window,
}

/// The last of many times, in microseconds.
#[derive(Debug, Clone, Default)]
struct Window(VecDeque<u32>);

impl Calls {
    /// A call is over.
    pub(crate) fn end(&self, mut call: Ended) {
        if let Some(model) = &mut call.model {
            shorten(model);
        }
        let mut table = self.table();
        table.sums_of(&call).add(&call);
        if table.recent.len() == KEPT {
            table.recent.pop_front();
        }
        table.recent.push_back((SystemTime::now(), call));
    }

    /// What who has that key may see: their models and the calls of these. Who may ask every model sees
    /// everything.
    pub(crate) fn seen_by(&self, key: Option<&Key>) -> Value {
        let may_see = |model: &str| key.is_none_or(|key| key.allows(model));
        let sees_all = key.is_none_or(Key::allows_all);
        // Calls that end meanwhile wait for the copy alone.
        let (models, refused, recent) = {
            let table = self.table();
            let models: Vec<(String, Sums)> = table
                .models
                .iter()
                .filter(|(model, _)| may_see(model))
                .map(|(model, sums)| (model.clone(), sums.clone()))
                .collect();
            let visible = |call: &Ended| call.model.as_deref().map_or(sees_all, may_see);
            let recent = table.recent.iter().rev().filter(|(_, call)| visible(call));
            let recent: Vec<Value> = recent.take(SHOWN).map(|(at, call)| call.to_json(*at)).collect();
            (models, table.refused.clone(), recent)
        };
        let mut totals = if sees_all { refused } else { Sums::default() };
        let mut rows = Vec::with_capacity(models.len());
        for (model, sums) in models {
            totals.merge(&sums);
            let mut row = sums.into_json();
            row["model"] = model.into();
            rows.push(row);
        }
        json!({"totals": totals.into_json(), "models": rows, "recent": recent})
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn sums_of(&mut self, call: &Ended) -> &mut Sums {
        let Some(model) = call.model.as_ref().filter(|_| call.served) else { return &mut self.refused };
        if !self.models.contains_key(model) && self.models.len() >= MAX_MODELS {
            // A name that no answer ever came to may be anything; it makes room for one that is a model.
            let silent = self.models.iter().find(|(_, sums)| sums.answered == 0);
            match silent.map(|(name, _)| name.clone()).filter(|_| call.answered) {
                Some(name) => {
                    let sums = self.models.remove(&name).unwrap_or_default();
                    self.refused.merge(&sums);
                }
                None => return &mut self.refused,
            }
        }
        self.models.entry(model.clone()).or_default()
    }
}

impl Sums {
    fn add(&mut self, call: &Ended) {
        self.requests += 1;
        self.answered += u64::from(call.answered);
        match call.error {
            Some(class) => *self.errors.entry(class).or_default() += 1,
            None if call.status == 499 => self.cancelled += 1,
            // How long a failure took says nothing of the model.
            None if call.answered => self.latencies.push(call.took),
            None => {}
        }
        if let Some(first) = call.first_content {
            self.first_content.push(first);
        }
        let (input, output) = call.tokens.unwrap_or_default();
        self.input_tokens += input;
        self.output_tokens += output;
        self.cost = sum(self.cost, call.cost);
    }

    fn merge(&mut self, other: &Sums) {
        self.requests += other.requests;
        self.answered += other.answered;
        self.cancelled += other.cancelled;
        for (class, count) in &other.errors {
            *self.errors.entry(class).or_default() += count;
        }
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cost = sum(self.cost, other.cost);
        self.latencies.0.extend(&other.latencies.0);
        self.first_content.0.extend(&other.first_content.0);
    }

    fn into_json(self) -> Value {
        json!({
            "requests": self.requests,
            "cancelled": self.cancelled,
            "errors": self.errors,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_dollars": self.cost,
            "latency_seconds": self.latencies.into_json(),
            "time_to_first_token_seconds": self.first_content.into_json(),
        })
    }
}

impl Window {
    fn push(&mut self, took: Duration) {
        if self.0.len() == WINDOW {
            self.0.pop_front();
        }
        self.0.push_back(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// The median and the 95th percentile, in seconds: times that were taken, none in between.
    fn into_json(self) -> Value {
        let mut sorted = Vec::from(self.0);
        sorted.sort_unstable();
        let quantile = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
            Some(f64::from(*sorted.get(rank)?) / 1e6)
        };
        match (quantile(50), quantile(95)) {
            (Some(p50), Some(p95)) => json!({"p50": p50, "p95": p95}),
            _ => Value::Null,
        }
    }
}

impl Ended {
    fn to_json(&self, at: SystemTime) -> Value {
        let (input, output) = self.tokens.unzip();
        json!({
            "time": at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            "request_id": self.id,
            "face": self.face.name(),
            "route": self.route,
            "model": self.model,
            "status": self.status,
            "error": self.error,
            "latency_seconds": self.took.as_secs_f64(),
            "time_to_first_token_seconds": self.first_content.map(|first| first.as_secs_f64()),
            "input_tokens": input,
            "output_tokens": output,
            "cost_dollars": self.cost,
        })
    }
}

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or_default() + other.unwrap_or_default()),
    }
}

fn shorten(name: &mut String) {
    if name.len() > MAX_NAME {
        let end = (0..=MAX_NAME).rev().find(|end| name.is_char_boundary(*end));
        name.truncate(end.unwrap_or_default());
        name.push('…');
        // What it took stays taken otherwise, and it may be megabytes.
        name.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(model: &str) -> Ended {
        Ended {
            id: "r".into(),
            route: "/v1/chat/completions",
            face: Face::OpenAi,
            model: Some(model.into()),
            served: true,
            answered: true,
            status: 200,
            error: None,
            took: Duration::from_millis(40),
            first_content: None,
            tokens: Some((3, 5)),
            cost: None,
        }
    }

    #[test]
    fn calls_come_to_sums() {
        let calls = Calls::default();
        for ms in 1..=100 {
            calls.end(Ended { took: Duration::from_millis(ms), ..call("m") });
        }
        calls.end(Ended { cost: Some(0.5), ..call("priced") });
        calls.end(Ended { status: 429, error: Some("RateLimitError"), answered: false, ..call("m") });
        calls.end(Ended { status: 499, tokens: None, ..call("m") });
        calls.end(Ended { model: None, error: Some("AuthenticationError"), answered: false, ..call("") });
        let seen = calls.seen_by(None);
        let [m, priced] = seen["models"].as_array().unwrap().as_slice() else { panic!("{seen}") };
        assert_eq!(
            (&m["requests"], &m["cancelled"], &m["input_tokens"]),
            (&json!(102), &json!(1), &json!(303))
        );
        assert_eq!(m["errors"], json!({"RateLimitError": 1}));
        assert_eq!(m["latency_seconds"], json!({"p50": 0.05, "p95": 0.095}));
        assert_eq!((&m["cost_dollars"], &priced["cost_dollars"]), (&Value::Null, &json!(0.5)));
        assert_eq!(m["time_to_first_token_seconds"], Value::Null);
        assert_eq!(seen["totals"]["requests"], 104);
        assert_eq!(seen["totals"]["errors"], json!({"AuthenticationError": 1, "RateLimitError": 1}));
        assert_eq!(seen["recent"].as_array().unwrap().len(), SHOWN);
        assert_eq!(seen["recent"][0]["error"], "AuthenticationError");
        assert_eq!(seen["recent"][1]["status"], 499);
    }

    #[test]
    fn callers_cannot_fill_memory_nor_push_models_out() {
        let calls = Calls::default();
        calls.end(call("real"));
        for n in 0..MAX_MODELS + 50 {
            calls.end(Ended { answered: false, error: Some("NotFoundError"), ..call(&format!("junk{n}")) });
        }
        calls.end(call("later"));
        calls.end(Ended { served: false, ..call("nobody's") });
        calls.end(call(&"é".repeat(MAX_NAME)));
        let seen = calls.seen_by(None);
        let names: Vec<&str> =
            seen["models"].as_array().unwrap().iter().map(|row| row["model"].as_str().unwrap()).collect();
        assert_eq!(names.len(), MAX_MODELS);
        assert!(names.contains(&"real") && names.contains(&"later") && !names.contains(&"nobody's"));
        assert!(names.iter().all(|name| name.len() <= MAX_NAME + '…'.len_utf8()));
        assert_eq!(seen["totals"]["requests"], MAX_MODELS + 54);
        assert!(calls.table().recent.len() <= KEPT);
    }
}
