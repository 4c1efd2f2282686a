//! What the local models do, for `/metrics` and `/v1/antiphon/status`.
//!
//! Metrics are named as vLLM's, with `antiphon_` before them in place of `vllm:`.

use antiphon::Client;
use prometheus_client::registry::Registry;
use serde_json::Value;

/// The numbers of the models that are loaded now. They are the models' own, read when somebody asks.
#[cfg(feature = "local")]
pub(crate) fn registry(client: &Client) -> Registry {
    use antiphon::local::Stats;
    use prometheus_client::encoding::EncodeLabelSet;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;

    #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
    struct Model {
        gen_ai_response_model: String,
    }

    type Number = (&'static str, &'static str, fn(&Stats) -> u64);
    const GAUGES: [Number; 3] = [
        ("antiphon_num_requests_running", "Answers that local models are writing", |stats| stats.running),
        ("antiphon_num_requests_waiting", "Requests that wait for local models", |stats| stats.waiting),
        ("antiphon_kv_cache_tokens", "Tokens that the model's cache has room for", |stats| stats.cells),
    ];
    const COUNTERS: [Number; 6] = [
        ("antiphon_prompt_tokens", "Tokens of prompts that were let in", |stats| stats.prompt_tokens),
        ("antiphon_generation_tokens", "Tokens of answers", |stats| stats.generated_tokens),
        ("antiphon_prefix_cache_hits", "Tokens of prompts found in the model's cache", |stats| {
            stats.cached_tokens
        }),
        ("antiphon_num_preemptions", "Answers that had to wait again for others", |stats| stats.preemptions),
        ("antiphon_spec_decode_num_draft_tokens", "Tokens that the model's draft guessed", |stats| {
            stats.draft_tokens
        }),
        ("antiphon_spec_decode_num_accepted_tokens", "Those of them that were right", |stats| {
            stats.accepted_tokens
        }),
    ];
    let models = client.local_stats();
    let each = || {
        let labelled = |name: &String| Model { gen_ai_response_model: name.clone() };
        models.iter().map(move |(name, stats)| (labelled(name), stats))
    };
    let mut registry = Registry::default();
    for (name, help, read) in GAUGES {
        let family = Family::<Model, Gauge>::default();
        each().for_each(|(model, stats)| {
            family.get_or_create(&model).set(read(stats).cast_signed());
        });
        registry.register(name, help, family);
    }
    for (name, help, read) in COUNTERS {
        let family = Family::<Model, Counter>::default();
        each().for_each(|(model, stats)| {
            family.get_or_create(&model).inc_by(read(stats));
        });
        registry.register(name, help, family);
    }
    let usage = Family::<Model, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
    for (model, stats) in each().filter(|(_, stats)| stats.cells > 0) {
        usage.get_or_create(&model).set(stats.cells_used as f64 / stats.cells as f64);
    }
    let help = "Part of the model's cache that answers under way hold, 0 to 1";
    registry.register("antiphon_kv_cache_usage_perc", help, usage);
    registry
}

/// The same as JSON.
#[cfg(feature = "local")]
pub(crate) fn to_json(client: &Client) -> Value {
    let models = client.local_stats().into_iter().map(|(name, stats)| {
        serde_json::json!({
            "model": name,
            "running": stats.running,
            "waiting": stats.waiting,
            "kv_cache_tokens": stats.cells,
            "kv_cache_tokens_used": stats.cells_used,
            "prompt_tokens": stats.prompt_tokens,
            "prefix_cache_hits": stats.cached_tokens,
            "generation_tokens": stats.generated_tokens,
            "preemptions": stats.preemptions,
            "draft_tokens": stats.draft_tokens,
            "accepted_tokens": stats.accepted_tokens,
        })
    });
    models.collect()
}

/// Nothing: there are no local models in this build.
#[cfg(not(feature = "local"))]
pub(crate) fn registry(_: &Client) -> Registry {
    Registry::default()
}

/// The same as JSON.
#[cfg(not(feature = "local"))]
pub(crate) fn to_json(_: &Client) -> Value {
    Value::Array(Vec::new())
}
