//! What is known of models: prices and limits, each file with its source and date.
//!
//! What is not known is `None`, never zero. A name with a date or `-latest` behind a known one means the
//! same model.

mod anthropic;
mod openai;

use antiphon_core::Usage;
use serde_json::Value;

/// Prices in dollars for a million tokens, and limits in tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Its name, in the provider's word.
    pub name: &'static str,
    /// Of a token of the prompt.
    pub input: f64,
    /// Of one that is read from the provider's prompt cache; `None` where there is no such price.
    pub cache_read: Option<f64>,
    /// Of one that is written to it for five minutes; `None` where that costs no more than input.
    pub cache_write: Option<f64>,
    /// Of a token of the answer, reasoning included.
    pub output: f64,
    /// Most tokens of prompt.
    pub max_input: u64,
    /// Most tokens of answer.
    pub max_output: u64,
    /// Longer prompts have other prices, which are not here.
    pub flat_up_to: u64,
}

const fn row(
    name: &'static str,
    input: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    output: f64,
    max_input: u64,
    max_output: u64,
) -> Model {
    Model { name, input, cache_read, cache_write, output, max_input, max_output, flat_up_to: u64::MAX }
}

/// Anthropic's price of a token that is written to the cache for an hour, by that of the input.
const HOUR_WRITE: f64 = 2.0;

impl Model {
    const fn flat_up_to(self, tokens: u64) -> Self {
        Self { flat_up_to: tokens, ..self }
    }

    /// What a call of that usage costs, in dollars; `None` where a price is missing.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        let sound = |tokens: Option<u64>| tokens.is_some_and(|tokens| tokens > 0);
        let prompt = usage.prompt_tokens_details.as_ref();
        let answer = usage.completion_tokens_details.as_ref();
        if usage.prompt_tokens > self.flat_up_to
            || sound(prompt.and_then(|details| details.audio_tokens))
            || sound(answer.and_then(|details| details.audio_tokens))
        {
            return None;
        }
        let read = prompt.and_then(|details| details.cached_tokens).unwrap_or_default();
        let written =
            usage.extra.get("cache_creation_input_tokens").and_then(Value::as_u64).unwrap_or_default();
        let hour = usage
            .extra
            .get("cache_creation")
            .and_then(|written| written["ephemeral_1h_input_tokens"].as_u64());
        let hour = hour.unwrap_or_default().min(written);
        let plain = usage.prompt_tokens.saturating_sub(read + written);
        let dollars = plain as f64 * self.input
            + read as f64 * self.cache_read.unwrap_or(self.input)
            + (written - hour) as f64 * self.cache_write.unwrap_or(self.input)
            + hour as f64 * self.input * HOUR_WRITE
            + usage.completion_tokens as f64 * self.output;
        Some(dollars / 1e6)
    }
}

/// What is known of a provider's model.
pub fn model(provider: &str, name: &str) -> Option<&'static Model> {
    let (_, models) = CATALOG.iter().find(|(id, _)| *id == provider)?;
    models.iter().find(|model| means(name, model.name))
}

static CATALOG: &[(&str, &[Model])] = &[("anthropic", anthropic::MODELS), ("openai", openai::MODELS)];

/// Whether `name` is the model, or one of its dated names.
fn means(name: &str, model: &str) -> bool {
    let Some(rest) = name.strip_prefix(model) else { return false };
    let is_date = |text: &str| text.len() >= 8 && text.chars().all(|c| c.is_ascii_digit() || c == '-');
    rest.is_empty() || rest == "-latest" || rest.strip_prefix('-').is_some_and(is_date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dated_names_mean_the_model() {
        for (name, known) in [
            ("gpt-4o-mini", true),
            ("gpt-4o-mini-2024-07-18", true),
            ("gpt-4o-mini-audio-preview", false),
            ("gpt-4o-minister", false),
        ] {
            assert_eq!(
                model("openai", name).map(|model| model.name),
                known.then_some("gpt-4o-mini"),
                "{name}"
            );
        }
        assert!(model("anthropic", "claude-haiku-4-5-20251001").is_some());
        assert!(model("anthropic", "claude-3-5-sonnet-latest").is_some());
        assert!(model("nobody", "gpt-4o-mini").is_none());
    }

    #[test]
    fn cached_and_written_tokens_have_their_price() {
        let sonnet = model("anthropic", "claude-sonnet-4-5").unwrap();
        let usage = json!({
            "prompt_tokens": 1_000_000, "completion_tokens": 100_000, "total_tokens": 1_100_000,
            "prompt_tokens_details": {"cached_tokens": 400_000}, "cache_creation_input_tokens": 300_000,
            "cache_creation": {"ephemeral_1h_input_tokens": 100_000},
        });
        let usage: Usage = serde_json::from_value(usage).unwrap();
        // 0.3 plain, 0.4 read, 0.2 written for minutes, 0.1 for an hour, 0.1 out; in millions.
        let expected = 0.3 * 3.0 + 0.4 * 0.3 + 0.2 * 3.75 + 0.1 * 6.0 + 0.1 * 15.0;
        assert!((sonnet.cost(&usage).unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn what_has_no_price_is_unknown() {
        let tiered = model("openai", "gpt-5.4").unwrap();
        assert!(tiered.cost(&Usage::new(272_000, 1)).is_some());
        assert!(tiered.cost(&Usage::new(272_001, 1)).is_none());
        let sound = json!({"prompt_tokens": 5, "completion_tokens": 5, "completion_tokens_details": {"audio_tokens": 1}});
        let sound: Usage = serde_json::from_value(sound).unwrap();
        assert!(model("openai", "gpt-4o").unwrap().cost(&sound).is_none());
    }
}
