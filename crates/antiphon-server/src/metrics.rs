//! What is counted, and under which names: all of them stand here.
//!
//! `gen_ai_*` are OpenTelemetry's for generative AI (in development), as Prometheus spells them; `antiphon_*`
//! are ours. No label holds a key, and a model that no answer came from is not a label.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::ticket::Notes;

/// Seconds; OpenTelemetry's advice for `gen_ai` durations.
const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// Tokens; likewise.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// More models than this are one label together.
pub(crate) const MAX_MODELS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
    gen_ai_token_type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    route: &'static str,
    error_type: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Route, Counter>,
    in_flight: Gauge,
    errors: Family<Failure, Counter>,
    durations: Histograms<Model>,
    first_content: Histograms<Model>,
    tokens: Histograms<Tokens>,
    cost: Family<Model, Counter<f64, AtomicU64>>,
    models: RwLock<HashSet<String>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let counts: fn() -> Histogram = || Histogram::new(TOKENS);
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            in_flight: Gauge::default(),
            errors: Family::default(),
            durations: Family::new_with_constructor(seconds),
            first_content: Family::new_with_constructor(seconds),
            tokens: Family::new_with_constructor(counts),
            cost: Family::default(),
            models: RwLock::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("antiphon_requests", "Requests answered", self.requests.clone());
        registry.register("antiphon_requests_in_flight", "Requests under way", self.in_flight.clone());
        registry.register(
            "antiphon_errors",
            "Requests that failed, by the class of the error",
            self.errors.clone(),
        );
        registry.register(
            "antiphon_cost_dollars",
            "Price of the answers, where it is known",
            self.cost.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_request_duration",
            "Time from a request to the end of its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_time_to_first_token",
            "Time from a request to the first content of a streamed answer",
            Unit::Seconds,
            self.first_content.clone(),
        );
        registry.register("gen_ai_client_token_usage", "Tokens of prompts and answers", self.tokens.clone());
        self
    }

    /// A request has come.
    pub(crate) fn begin(&self) {
        self.in_flight.inc();
    }

    /// A request is over.
    pub(crate) fn end(
        &self,
        route: &'static str,
        method: &Method,
        status: u16,
        took: Duration,
        notes: &Notes,
    ) {
        self.in_flight.dec();
        self.requests.get_or_create(&Route { method: known(method), route, status }).inc();
        if let Some(error_type) = notes.error {
            self.errors.get_or_create(&Failure { route, error_type }).inc();
        }
        let (Some(provider), Some(model)) = (&notes.provider, &notes.model) else { return };
        let model =
            Model { gen_ai_provider_name: provider.clone(), gen_ai_request_model: self.bounded(model) };
        self.durations.get_or_create(&model).observe(took.as_secs_f64());
        if let Some(first) = notes.first_content {
            self.first_content.get_or_create(&model).observe(first.as_secs_f64());
        }
        if let Some(cost) = notes.cost {
            self.cost.get_or_create(&model).inc_by(cost);
        }
        let Some(usage) = &notes.usage else { return };
        for (kind, count) in [("input", usage.prompt_tokens), ("output", usage.completion_tokens)] {
            let labels = Tokens {
                gen_ai_provider_name: model.gen_ai_provider_name.clone(),
                gen_ai_request_model: model.gen_ai_request_model.clone(),
                gen_ai_token_type: kind,
            };
            self.tokens.get_or_create(&labels).observe(count as f64);
        }
    }

    /// As Prometheus reads it, with the numbers of `more`.
    pub(crate) fn text(&self, more: &Registry) -> String {
        let mut out = String::new();
        // Writing into a string does not fail.
        let _ = text::encode_registry(&mut out, &self.registry);
        let _ = text::encode_registry(&mut out, more);
        let _ = text::encode_eof(&mut out);
        out
    }

    /// The model, as long as there are few: callers choose the names.
    fn bounded(&self, model: &str) -> String {
        if self.models.read().unwrap_or_else(PoisonError::into_inner).contains(model) {
            return model.to_owned();
        }
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        if models.len() >= MAX_MODELS {
            return "other".to_owned();
        }
        models.insert(model.to_owned());
        model.to_owned()
    }
}

/// A method may be any word.
fn known(method: &Method) -> &'static str {
    let known = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon::Usage;

    #[test]
    fn a_request_is_counted_under_the_names_of_the_field() {
        let metrics = Metrics::new();
        metrics.begin();
        metrics.begin();
        let notes = Notes {
            model: Some("fast".into()),
            provider: Some("openai".into()),
            usage: Some(Usage::new(3, 5)),
            cost: Some(0.25),
            error: Some("StreamInterruptedError"),
            first_content: Some(Duration::from_millis(15)),
            ..Notes::default()
        };
        metrics.end("/v1/chat/completions", &Method::POST, 200, Duration::from_millis(30), &notes);
        let text = metrics.text(&Registry::default());
        let labels = r#"{gen_ai_provider_name="openai",gen_ai_request_model="fast"}"#;
        for line in [
            "antiphon_requests_in_flight 1",
            r#"antiphon_requests_total{method="POST",route="/v1/chat/completions",status="200"} 1"#,
            r#"antiphon_errors_total{route="/v1/chat/completions",error_type="StreamInterruptedError"} 1"#,
            &format!("antiphon_cost_dollars_total{labels} 0.25"),
            &format!("gen_ai_server_request_duration_seconds_count{labels} 1"),
            &format!("gen_ai_server_time_to_first_token_seconds_sum{labels} 0.015"),
            r#"gen_ai_client_token_usage_sum{gen_ai_provider_name="openai",gen_ai_request_model="fast",gen_ai_token_type="output"} 5.0"#,
        ] {
            assert!(text.lines().any(|there| there == line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn callers_cannot_make_labels_without_end() {
        let metrics = Metrics::new();
        for n in 0..MAX_MODELS + 50 {
            metrics.bounded(&format!("m{n}"));
        }
        assert_eq!(metrics.bounded("new"), "other");
        assert_eq!(metrics.bounded("m7"), "m7");
    }
}
