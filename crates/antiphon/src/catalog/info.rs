//! Models in the JSON of LiteLLM's price map, which programs know: prices in dollars for one token.

use antiphon_core::{Error, Map, Result};
use serde_json::{Value, json};

use super::{ABILITIES, Mode, Model, Price};
use crate::providers;

/// Prices by LiteLLM's names. What follows a name (`_above_272k_tokens`) tells another tier.
const PRICES: &[(&str, Get, Set)] = &[
    ("input_cost_per_token", |price| Some(price.input), |price, cost| price.input = cost),
    ("output_cost_per_token", |price| price.output, |price, cost| price.output = Some(cost)),
    ("cache_read_input_token_cost", |price| price.cache_read, |price, cost| price.cache_read = Some(cost)),
    (
        "cache_creation_input_token_cost",
        |price| price.cache_write,
        |price, cost| price.cache_write = Some(cost),
    ),
    (
        "cache_creation_input_token_cost_above_1hr",
        |price| price.cache_write_1h,
        |price, cost| price.cache_write_1h = Some(cost),
    ),
    ("output_cost_per_reasoning_token", |price| price.reasoning, |price, cost| price.reasoning = Some(cost)),
    ("input_cost_per_audio_token", |price| price.audio_input, |price, cost| price.audio_input = Some(cost)),
    (
        "output_cost_per_audio_token",
        |price| price.audio_output,
        |price, cost| price.audio_output = Some(cost),
    ),
];

type Get = fn(&Price) -> Option<f64>;
type Set = fn(&mut Price, f64);

impl Model {
    /// Its name as LiteLLM's map spells it: that of a provider whose models have well-known bare names is bare.
    pub fn key(&self) -> String {
        let is_bare = providers::with_bare_names().any(|provider| provider.id == self.provider);
        if is_bare || self.provider.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.provider, self.name)
        }
    }

    /// What is known of it, in the words of LiteLLM's map. What is unknown is absent.
    pub fn to_json(&self) -> Map {
        let mut map = Map::new();
        map.insert("litellm_provider".into(), self.provider.as_str().into());
        map.insert("mode".into(), self.mode.as_str().into());
        let mut put =
            |name: &str, value: Option<Value>| _ = value.map(|value| map.insert(name.into(), value));
        put("max_tokens", self.max_output.or(self.max_input).map(Value::from));
        put("max_input_tokens", self.max_input.map(Value::from));
        put("max_output_tokens", self.max_output.map(Value::from));
        put("output_vector_size", self.dimensions.map(Value::from));
        for (name, get, _) in PRICES {
            let cost = |price: &Price| get(price).map(per_token);
            put(name, self.price.as_ref().and_then(cost).map(Value::from));
            for (above, price) in &self.above {
                put(&format!("{name}_above_{}k_tokens", above / 1000), cost(price).map(Value::from));
            }
        }
        // An embedding's answer costs nothing, as the map has it.
        if self.mode == Mode::Embedding && self.price.is_some() {
            put("output_cost_per_token", Some(0.0.into()));
        }
        if let (Some(part), Some(price)) = (self.batch, &self.price) {
            put("input_cost_per_token_batches", Some(per_token(price.input * part).into()));
            put("output_cost_per_token_batches", price.output.map(|output| per_token(output * part).into()));
        }
        put("deprecation_date", self.retires.as_deref().map(Value::from));
        for ability in self.abilities.iter() {
            put(&format!("supports_{}", ability.litellm), Some(true.into()));
        }
        put("source", self.source.map(|source| source.url.into()));
        put("source_date", self.source.map(|source| source.as_of.into()));
        map
    }

    /// [`Model::to_json`] with its key, and with null for what is unknown.
    pub fn info(&self) -> Map {
        let mut info = Map::new();
        info.insert("key".into(), self.key().into());
        let Value::Object(spec) = sample_spec() else { return info };
        info.extend(spec.into_iter().map(|(name, _)| (name, Value::Null)));
        info.extend(self.to_json());
        info
    }

    /// Reads a model in the words of LiteLLM's map, over what is known of it already. Other words are passed over.
    pub fn from_json(key: &str, map: &Map, known: Option<&Model>) -> Result<Self> {
        let wrong = |name: &str, what: &str| Error::invalid(format_args!("model_cost[{key:?}].{name}"), what);
        let provider = match map.get("litellm_provider") {
            Some(Value::String(id)) => Some(id.as_str()),
            None | Some(Value::Null) => None,
            Some(_) => return Err(wrong("litellm_provider", "must be text")),
        };
        let (provider, name) = match (provider, key.split_once('/')) {
            (Some(id), Some((first, rest))) if first == id => (id.to_owned(), rest),
            (Some(id), _) => (id.to_owned(), key),
            (None, Some((id, rest))) => (id.to_owned(), rest),
            (None, None) => {
                let id = providers::of_bare_name(key).map(|provider| provider.id);
                (id.or(known.map(|known| &*known.provider)).unwrap_or_default().to_owned(), key)
            }
        };
        let known = known.filter(|known| known.provider == provider && known.name == name);
        let mut model = known.cloned().unwrap_or_default();
        (model.provider, model.name, model.source) = (provider, name.to_owned(), None);
        let number = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64().filter(|number| number.is_finite() && *number >= 0.0) {
                Some(number) => Ok(Some(number)),
                None => Err(wrong(name, "must be a number, not less than 0")),
            },
        };
        let tokens = |name: &str| Ok::<_, Error>(number(name)?.map(|number| number as u64));
        model.max_input = tokens("max_input_tokens")?.or(model.max_input);
        model.max_output = tokens("max_output_tokens")?.or(tokens("max_tokens")?).or(model.max_output);
        model.dimensions = tokens("output_vector_size")?.or(model.dimensions);
        if let Some(mode) = map.get("mode").and_then(Value::as_str) {
            model.mode = Mode::parse(mode).unwrap_or(model.mode);
        }
        let mut price = model.price.unwrap_or_default();
        let mut is_priced = model.price.is_some();
        for (name, _, set) in PRICES {
            if let Some(cost) = number(name)? {
                set(&mut price, cost * 1e6);
                is_priced = true;
            }
        }
        if is_priced && map.contains_key("input_cost_per_token") {
            // Old prices of longer prompts, of batches and of hours do not go with a new one.
            (model.above, model.batch, model.off_peak) = (tiers(map, &price, &number)?, None, None);
        }
        model.price = is_priced.then_some(price);
        for ability in ABILITIES {
            match map.get(&format!("supports_{}", ability.litellm)) {
                Some(Value::Bool(true)) => _ = model.abilities.add(ability.name),
                Some(Value::Bool(false)) => model.abilities.remove(ability.name),
                _ => {}
            }
        }
        Ok(model)
    }
}

/// `input_cost_per_token_above_128k_tokens` and its siblings.
fn tiers(
    map: &Map,
    base: &Price,
    number: &impl Fn(&str) -> Result<Option<f64>>,
) -> Result<Vec<(u64, Price)>> {
    let above = |name: &String| {
        name.strip_prefix("input_cost_per_token_above_")?.strip_suffix("k_tokens")?.parse::<u64>().ok()
    };
    let mut tiers = Vec::new();
    for above in map.keys().filter_map(above) {
        let mut price = *base;
        for (name, _, set) in PRICES {
            if let Some(cost) = number(&format!("{name}_above_{above}k_tokens"))? {
                set(&mut price, cost * 1e6);
            }
        }
        tiers.push((above * 1000, price));
    }
    tiers.sort_by_key(|(above, _)| *above);
    Ok(tiers)
}

/// Dollars for a token from dollars for a million: by its digits, so that 0.15 is 1.5e-7 and no neighbour of it.
fn per_token(price: f64) -> f64 {
    format!("{price}e-6").parse().unwrap_or(price / 1e6)
}

/// What LiteLLM's map says of its own fields, under the key that its readers leave out.
pub fn sample_spec() -> Value {
    let mut spec = json!({
        "litellm_provider": "id of the provider",
        "mode": "one of: chat, completion, embedding, responses",
        "max_tokens": "max_output_tokens where it is known, else max_input_tokens",
        "max_input_tokens": "most tokens of prompt",
        "max_output_tokens": "most tokens of answer",
        "output_vector_size": "how many numbers an embedding has",
        "deprecation_date": "the day on which the provider turns the model off, as YYYY-MM-DD",
        "source": "address of the page that the prices are from",
        "source_date": "the day as of which they are, as YYYY-MM-DD",
    });
    if let Value::Object(map) = &mut spec {
        map.extend(PRICES.iter().map(|(name, ..)| ((*name).to_owned(), 0.0.into())));
        map.extend(ABILITIES.iter().map(|ability| (format!("supports_{}", ability.litellm), true.into())));
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::super::model;
    use super::*;

    fn map(value: Value) -> Map {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_model_is_told_in_litellms_words() {
        let json = Value::Object(model("openai", "gpt-5.4").unwrap().to_json());
        for (name, value) in [
            ("litellm_provider", json!("openai")),
            ("input_cost_per_token", json!(2.5e-6)),
            ("input_cost_per_token_above_272k_tokens", json!(5e-6)),
            ("cache_read_input_token_cost", json!(2.5e-7)),
            ("input_cost_per_token_batches", json!(1.25e-6)),
            ("max_input_tokens", json!(1_050_000)),
            ("supports_function_calling", json!(true)),
            ("supports_audio_input", Value::Null),
        ] {
            assert_eq!(json[name], value, "{name}");
        }
        let mini = model("openai", "gpt-4o-mini").unwrap().to_json();
        assert_eq!(
            (mini["input_cost_per_token"].as_f64(), mini["output_cost_per_token"].as_f64()),
            (Some(1.5e-7), Some(6e-7))
        );
    }

    #[test]
    fn a_model_that_is_told_is_read_again() {
        for known in super::super::models() {
            let mut read = Model::from_json(&known.key(), &known.to_json(), None).unwrap();
            // What LiteLLM's keys have no word for.
            (read.source, read.batch, read.retires) = (known.source, known.batch, known.retires.clone());
            read.off_peak.clone_from(&known.off_peak);
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs(),
                (a, b) => a.unwrap_or_default() == b.unwrap_or_default(),
            };
            let prices = |model: &Model| {
                let above = model.above.iter().map(|(_, price)| price);
                model.price.iter().chain(above).copied().collect::<Vec<_>>()
            };
            for (price, other) in prices(&read).iter().zip(prices(known)) {
                assert!(PRICES.iter().take(2).all(|(_, get, _)| near(get(price), get(&other))), "{known:?}");
            }
            assert_eq!(read.above.len(), known.above.len(), "{known:?}");
            (read.price, read.above) = (known.price, known.above.clone());
            if known.max_output.is_none() {
                read.max_output = None;
            }
            assert_eq!(&read, &**known);
        }
    }

    #[test]
    fn what_is_registered_is_read_over_what_is_known() {
        let known = model("openai", "gpt-4o").unwrap();
        let told = map(json!({"output_cost_per_token": 2e-5, "supports_vision": false}));
        let read = Model::from_json("gpt-4o", &told, Some(&known)).unwrap();
        let price = read.price.unwrap();
        assert_eq!((price.input, price.output), (2.5, Some(20.0)));
        assert!(!read.abilities.has("vision") && read.abilities.has("functions"));

        let told = map(
            json!({"litellm_provider": "mine", "input_cost_per_token": 1e-6, "output_cost_per_token": 0}),
        );
        let read = Model::from_json("mine/a/b", &told, None).unwrap();
        assert_eq!(
            (read.provider.as_str(), read.name.as_str(), read.key().as_str()),
            ("mine", "a/b", "mine/a/b")
        );

        let told = map(json!({"input_cost_per_token": "cheap"}));
        let error = Model::from_json("m", &told, None).unwrap_err();
        assert_eq!(
            error.message(),
            "model_cost[\"m\"].input_cost_per_token: must be a number, not less than 0"
        );
    }
}
