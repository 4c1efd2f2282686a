//! What a call cost, from its usage.

use antiphon_core::Usage;
use serde_json::Value;

use super::{Model, Price};

/// What a call cost, in dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Its prompt.
    pub prompt: f64,
    /// Its answer.
    pub completion: f64,
}

/// What of an answer bears on its price beside the usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Billing<'a> {
    /// The tier of service that the provider says it gave.
    pub tier: Option<&'a str>,
    /// When it was given, in seconds since 1970; `None` means at a time of the full price.
    pub at: Option<u64>,
}

impl Cost {
    /// Nothing.
    pub const ZERO: Cost = Cost { prompt: 0.0, completion: 0.0 };

    /// Both together.
    pub fn total(self) -> f64 {
        self.prompt + self.completion
    }
}

impl Model {
    /// What a call of that usage costs, in dollars; `None` where a price is missing.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        self.cost_parts(usage, Billing::default()).map(Cost::total)
    }

    /// The same, prompt and answer apart, as it was answered.
    pub fn cost_parts(&self, usage: &Usage, billing: Billing<'_>) -> Option<Cost> {
        /// Tiers of service with prices of their own, which are not known here.
        const OTHER_TIERS: &[&str] = &["flex", "priority"];
        if billing.tier.is_some_and(|tier| OTHER_TIERS.contains(&tier)) {
            return None;
        }
        let price = self.price_of(usage.prompt_tokens)?;
        let off_peak =
            self.off_peak.as_ref().filter(|off_peak| billing.at.is_some_and(|at| off_peak.is_at(at)));
        let part = off_peak.map_or(1.0, |off_peak| off_peak.part);
        let dollars = |millionths: f64| millionths * part / 1e6;
        Some(Cost { prompt: dollars(prompt(price, usage)?), completion: dollars(completion(price, usage)?) })
    }

    /// The prices for a prompt of so many tokens.
    pub fn price_of(&self, prompt_tokens: u64) -> Option<&Price> {
        let above = self.above.iter().rev().find(|(above, _)| prompt_tokens > *above);
        above.map(|(_, price)| price).or(self.price.as_ref())
    }
}

fn prompt(price: &Price, usage: &Usage) -> Option<f64> {
    let details = usage.prompt_tokens_details.as_ref();
    let read = details.and_then(|details| details.cached_tokens).unwrap_or_default();
    let sound = details.and_then(|details| details.audio_tokens).unwrap_or_default();
    let written = usage.extra.get("cache_creation_input_tokens").and_then(Value::as_u64).unwrap_or_default();
    let hour =
        usage.extra.get("cache_creation").and_then(|written| written["ephemeral_1h_input_tokens"].as_u64());
    let hour = hour.unwrap_or_default().min(written);
    let plain = usage.prompt_tokens.saturating_sub(read + written + sound);
    let write = price.cache_write.unwrap_or(price.input);
    Some(
        plain as f64 * price.input
            + read as f64 * price.cache_read.unwrap_or(price.input)
            + (written - hour) as f64 * write
            + of(hour, price.cache_write_1h)?
            + of(sound, price.audio_input)?,
    )
}

fn completion(price: &Price, usage: &Usage) -> Option<f64> {
    let details = usage.completion_tokens_details.as_ref();
    let sound = details.and_then(|details| details.audio_tokens).unwrap_or_default();
    let reasoning = match price.reasoning {
        Some(_) => details.and_then(|details| details.reasoning_tokens).unwrap_or_default(),
        None => 0,
    };
    let plain = usage.completion_tokens.saturating_sub(sound + reasoning);
    Some(of(plain, price.output)? + of(sound, price.audio_output)? + of(reasoning, price.reasoning)?)
}

/// No tokens cost nothing, whether their price is known or not.
fn of(tokens: u64, price: Option<f64>) -> Option<f64> {
    if tokens == 0 { Some(0.0) } else { price.map(|price| tokens as f64 * price) }
}

#[cfg(test)]
mod tests {
    use super::super::model;
    use super::*;
    use serde_json::json;

    fn usage(value: Value) -> Usage {
        serde_json::from_value(value).unwrap()
    }

    fn check(provider: &str, name: &str, counts: Value, expected: Option<f64>) {
        let found = model(provider, name).unwrap().cost(&usage(counts.clone()));
        let same = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
            (found, expected) => found == expected,
        };
        assert!(same, "{name} {counts}: {found:?}, not {expected:?}");
    }

    #[test]
    fn cached_and_written_tokens_have_their_price() {
        let counts = json!({
            "prompt_tokens": 1_000_000, "completion_tokens": 100_000,
            "prompt_tokens_details": {"cached_tokens": 400_000}, "cache_creation_input_tokens": 300_000,
            "cache_creation": {"ephemeral_1h_input_tokens": 100_000},
        });
        // 0.3 plain, 0.4 read, 0.2 written for minutes, 0.1 for an hour, 0.1 out; in millions.
        let expected = 0.3 * 3.0 + 0.4 * 0.3 + 0.2 * 3.75 + 0.1 * 6.0 + 0.1 * 15.0;
        check("anthropic", "claude-sonnet-4-5", counts, Some(expected));
    }

    #[test]
    fn a_long_prompt_has_its_own_price() {
        let counts = |prompt: u64| json!({"prompt_tokens": prompt, "completion_tokens": 1000});
        check("openai", "gpt-5.4", counts(272_000), Some(0.272 * 2.5 + 0.001 * 15.0));
        check("openai", "gpt-5.4", counts(272_001), Some(0.272_001 * 5.0 + 0.001 * 22.5));
        check("dashscope", "qwen3-max", counts(100_000), Some(0.1 * 2.4 + 0.001 * 12.0));
        check("dashscope", "qwen3-max", counts(200_000), Some(0.2 * 3.0 + 0.001 * 15.0));
    }

    #[test]
    fn sound_and_reasoning_have_their_price_or_none() {
        let counts = json!({"prompt_tokens": 100, "completion_tokens": 50,
            "prompt_tokens_details": {"audio_tokens": 60}, "completion_tokens_details": {"audio_tokens": 40}});
        let expected = (40.0 * 2.5 + 60.0 * 32.0 + 10.0 * 10.0 + 40.0 * 64.0) / 1e6;
        check("openai", "gpt-audio", counts.clone(), Some(expected));
        check("openai", "gpt-4o", counts, None);
        let counts = json!({"prompt_tokens": 0, "completion_tokens": 50,
            "completion_tokens_details": {"reasoning_tokens": 30}});
        check("openai", "o3", counts.clone(), Some(50.0 * 8.0 / 1e6));
        check("perplexity", "sonar-deep-research", counts, Some((20.0 * 8.0 + 30.0 * 3.0) / 1e6));
    }

    #[test]
    fn the_hour_and_the_tier_bear_on_the_price() {
        let model = model("deepseek", "deepseek-v4-pro").unwrap();
        let counts = usage(json!({"prompt_tokens": 1_000_000, "completion_tokens": 0}));
        let cost = |tier, at| {
            let total = model.cost_parts(&counts, Billing { tier, at }).map(Cost::total);
            // To a hundredth of a cent: half of a price has no exact binary form.
            total.map(|dollars| (dollars * 1e4).round() / 1e4)
        };
        // A Saturday, and a Monday at seven (UTC).
        assert_eq!(cost(None, Some(1_795_237_200)), Some(0.66));
        assert_eq!(cost(None, Some(1_795_417_200)), Some(1.32));
        assert_eq!(cost(Some("default"), None), Some(1.32));
        assert_eq!(cost(Some("flex"), None), None);
    }

    #[test]
    fn what_has_no_price_is_unknown_and_what_is_free_is_zero() {
        let counts = json!({"prompt_tokens": 10, "completion_tokens": 0});
        check("openai", "text-embedding-3-small", counts.clone(), Some(10.0 * 0.02 / 1e6));
        check("zai", "glm-4.5-flash", counts.clone(), Some(0.0));
        check("mistral", "labs-leanstral-1-5-1", counts, None);
    }
}
