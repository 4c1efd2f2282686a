//! What is known of models: prices, limits and abilities, a table a provider under `models/`.
//!
//! The tables are those of the price map of LiteLLM 1.109.1 (MIT), read on 2026-11-21, for the models that can be
//! called here. Of 47 models of OpenAI and Anthropic the prices and limits were read on their own pages, too, the
//! day before, and agree. [`Source`] names each provider's own page. What is not known is `None`, never zero. A
//! name with a date or `-latest` behind a known one means the same model, unless it is itself in the table.
//!
//! A table is read when a model of its provider is first asked for.

mod ability;
mod cost;
mod info;
mod off_peak;
mod registered;
mod table;

use std::sync::{Arc, LazyLock};

pub use ability::{ABILITIES, Abilities, Ability};
pub use cost::{Billing, Cost};
pub use info::sample_spec;
pub use off_peak::{Hours, OffPeak};
pub use registered::Catalog;

/// A model of a provider. Prices are in dollars for a million tokens, limits in tokens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    /// Id of the provider.
    pub provider: String,
    /// Its name, in the provider's word.
    pub name: String,
    /// What it is asked through.
    pub mode: Mode,
    /// Most tokens of prompt.
    pub max_input: Option<u64>,
    /// Most tokens of answer.
    pub max_output: Option<u64>,
    /// What its tokens cost; `None` is unknown.
    pub price: Option<Price>,
    /// What all tokens of a call cost whose prompt has more tokens than the first number, shorter prompts first.
    pub above: Vec<(u64, Price)>,
    /// The part of the price that a batch of calls costs (0.5 is half of it), where that is one number.
    pub batch: Option<f64>,
    /// When a call costs less.
    pub off_peak: Option<OffPeak>,
    /// How many numbers an embedding has.
    pub dimensions: Option<u64>,
    /// The day on which the provider turns it off, or has: `2026-10-23`.
    pub retires: Option<String>,
    /// What it can do.
    pub abilities: Abilities,
    /// Where this is from; `None` for a model that was registered.
    pub source: Option<Source>,
}

/// Prices in dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Price {
    /// Of a token of the prompt.
    pub input: f64,
    /// Of a token of the answer; `None` for embeddings, which have none.
    pub output: Option<f64>,
    /// Of one that is read from the provider's prompt cache; `None` where that is no cheaper than input.
    pub cache_read: Option<f64>,
    /// Of one that is written to it; `None` where that costs no more than input.
    pub cache_write: Option<f64>,
    /// Of one that is written to it for an hour; `None` where there is no such price.
    pub cache_write_1h: Option<f64>,
    /// Of a token of reasoning; `None` where it is that of any token of the answer.
    pub reasoning: Option<f64>,
    /// Of a token of sound in the prompt.
    pub audio_input: Option<f64>,
    /// Of a token of sound in the answer.
    pub audio_output: Option<f64>,
}

/// What a model is asked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Chat completions.
    #[default]
    Chat,
    /// Text completions.
    Completion,
    /// Embeddings.
    Embedding,
    /// OpenAI's Responses API alone.
    Responses,
}

impl Mode {
    const NAMES: &[(Mode, &str)] = &[
        (Mode::Chat, "chat"),
        (Mode::Completion, "completion"),
        (Mode::Embedding, "embedding"),
        (Mode::Responses, "responses"),
    ];

    /// Its name, as LiteLLM has it.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(mode, _)| *mode == self).map_or("", |(_, name)| name)
    }

    /// The mode of that name.
    pub fn parse(name: &str) -> Option<Mode> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(mode, _)| *mode)
    }
}

/// Where facts are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The provider's own page.
    pub url: &'static str,
    /// The day as of which they are, as in `2026-11-21`.
    pub as_of: &'static str,
}

/// The models of a provider.
struct Shelf {
    provider: &'static str,
    models: LazyLock<Vec<Arc<Model>>>,
}

macro_rules! shelves {
    ($($provider:ident: $url:literal),+ $(,)?) => {
        static SHELVES: [Shelf; [$($url),+].len()] = [$(Shelf {
            provider: stringify!($provider),
            models: LazyLock::new(|| {
                let source = Source { url: $url, as_of: "2026-11-21" };
                let text = include_str!(concat!("models/", stringify!($provider), ".tsv"));
                table::read(stringify!($provider), source, text)
            }),
        }),+];
    };
}

shelves! {
    anthropic: "https://platform.claude.com/docs/en/about-claude/pricing",
    cerebras: "https://inference-docs.cerebras.ai/support/pricing",
    dashscope: "https://www.alibabacloud.com/help/en/model-studio/models",
    deepinfra: "https://deepinfra.com/pricing",
    deepseek: "https://api-docs.deepseek.com/quick_start/pricing",
    fireworks_ai: "https://fireworks.ai/pricing",
    groq: "https://groq.com/pricing",
    minimax: "https://platform.minimax.io/docs/guides/pricing",
    mistral: "https://mistral.ai/pricing",
    moonshot: "https://platform.moonshot.ai/docs/pricing",
    nebius: "https://nebius.com/token-factory/prices",
    openai: "https://developers.openai.com/api/docs/pricing",
    perplexity: "https://docs.perplexity.ai/getting-started/pricing",
    sambanova: "https://cloud.sambanova.ai/plans/pricing",
    together_ai: "https://www.together.ai/pricing",
    xai: "https://docs.x.ai/docs/models",
    zai: "https://docs.z.ai/guides/overview/pricing",
}

/// What is built in of a provider's model.
pub fn model(provider: &str, name: &str) -> Option<Arc<Model>> {
    let shelf = SHELVES.iter().find(|shelf| shelf.provider == provider)?;
    let exact = || shelf.models.iter().find(|model| model.name == name);
    exact().or_else(|| shelf.models.iter().find(|model| means(name, &model.name))).cloned()
}

/// Every model that is built in, by provider and name.
pub fn models() -> impl Iterator<Item = &'static Arc<Model>> {
    SHELVES.iter().flat_map(|shelf| shelf.models.iter())
}

/// Whether `name` is one of the model's dated names, or is fine-tuned from it (`ft:BASE:team::id`).
fn means(name: &str, model: &str) -> bool {
    let Some(rest) = name.strip_prefix(model) else { return false };
    let is_date = |text: &str| text.len() >= 8 && text.chars().all(|c| c.is_ascii_digit() || c == '-');
    let is_tuned = model.starts_with("ft:") && rest.starts_with(':');
    is_tuned || rest == "-latest" || rest.strip_prefix('-').is_some_and(is_date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;

    #[test]
    fn dated_names_mean_the_model() {
        for (provider, name, known) in [
            ("openai", "gpt-4o-mini", Some("gpt-4o-mini")),
            ("openai", "gpt-4o-mini-2024-07-18", Some("gpt-4o-mini")),
            ("openai", "gpt-4o-2024-05-13", Some("gpt-4o-2024-05-13")),
            ("openai", "gpt-4o-mini-tts", None),
            ("openai", "gpt-4o-minister", None),
            ("openai", "ft:gpt-4o-mini-2024-07-18:team::id", Some("ft:gpt-4o-mini-2024-07-18")),
            ("anthropic", "claude-haiku-4-5-20251001", Some("claude-haiku-4-5")),
            ("anthropic", "claude-3-5-sonnet-latest", Some("claude-3-5-sonnet")),
            ("nobody", "gpt-4o-mini", None),
        ] {
            assert_eq!(model(provider, name).map(|model| model.name.clone()).as_deref(), known, "{name}");
        }
    }

    #[test]
    fn every_row_is_of_a_provider_and_has_its_source() {
        let mut count = 0;
        for model in models() {
            count += 1;
            let name = format!("{}/{}", model.provider, model.name);
            assert!(providers::by_id(&model.provider).is_some(), "{name}");
            assert!(model.source.is_some_and(|source| source.url.starts_with("https://")), "{name}");
            assert!(
                model.price.is_none_or(|price| price.output.is_some() || model.mode == Mode::Embedding),
                "{name}"
            );
            assert!(model.above.is_sorted_by_key(|(above, _)| *above), "{name}");
            assert!(model.batch.is_none_or(|part| part > 0.0 && part <= 1.0), "{name}");
            assert!(model.abilities.is_empty() || model.mode != Mode::Embedding, "{name}");
            assert_eq!(
                super::model(&model.provider, &model.name).as_ref(),
                Some(model),
                "{name} is there twice"
            );
        }
        assert!(count > 500, "{count}");
    }
}
