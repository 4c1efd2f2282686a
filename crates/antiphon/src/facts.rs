//! What is known of a call beside its answer: who answers, and what it costs.

use antiphon_core::{Request, Response, Usage};

use crate::aliases;
use crate::call::Options;
use crate::catalog::{Billing, Catalog, Cost};
use crate::client::Client;
use crate::custom;
use crate::providers;

/// What is known of a call beside its answer.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Facts {
    /// Id of the provider that answers; `None` where the model's name does not say it.
    pub provider: Option<&'static str>,
    /// The model, in the provider's word.
    pub model: String,
    /// What the call costs, in dollars. `None` is unknown, never zero; a model in this process costs nothing.
    pub cost: Option<f64>,
    /// The prices that it is reckoned with.
    pub catalog: Catalog,
}

impl Facts {
    /// Of a call of which no more is known than its model.
    pub fn of_model(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// The facts once the answer is there: a fallback may have given it.
    pub fn answered(&self, response: &Response) -> Facts {
        let id = response.meta.provider.as_deref();
        let provider = id.and_then(custom::id).or(self.provider);
        let model = response.meta.model.clone().unwrap_or_else(|| self.model.clone());
        let cost = match (provider, &response.usage) {
            (Some(providers::LOCAL), _) => Some(0.0),
            (id, Some(usage)) => {
                let id = id.unwrap_or_default();
                let tier = response.extra.get("service_tier").and_then(|tier| tier.as_str());
                let at = Some(response.created).filter(|at| *at > 0);
                self.catalog.cost(id, &model, usage, Billing { tier, at }).map(Cost::total)
            }
            (_, None) => None,
        };
        Facts { provider, model, cost, catalog: self.catalog.clone() }
    }
}

impl Client {
    /// What is known of a call of `request`. Finds nothing and calls nothing, so it also describes a mocked call.
    pub fn facts(&self, request: &Request) -> Facts {
        let name = self.model_of(request);
        // A circle is the error of the call itself.
        let name = aliases::target(&self.config().aliases, &name).unwrap_or(&name).to_owned();
        let (provider, model) = match name.split_once('/') {
            // A table of `config.toml` counts too, where it is sound.
            Some((providers::LOCAL, model)) => (Some(providers::LOCAL), model.to_owned()),
            Some((id, model)) => match self.provider(id) {
                Ok(Some(provider)) => (Some(provider.id), model.to_owned()),
                // Behind an address of one's own it is the model's whole name.
                _ => (None, name),
            },
            None if self.is_of_zoo(&name, &Options::default()) => (Some(providers::LOCAL), name),
            None => (providers::of_bare_name(&name).map(|provider| provider.id), name),
        };
        let cost = (provider == Some(providers::LOCAL)).then_some(0.0);
        Facts { provider, model, cost, catalog: self.catalog().clone() }
    }
}

impl Client {
    /// What an answer of that provider's model cost, in dollars. `None` is unknown, never zero.
    pub fn cost(&self, provider: &str, model: &str, usage: &Usage) -> Option<f64> {
        match provider {
            providers::LOCAL => Some(0.0),
            id => self.catalog().cost(id, model, usage, Billing::default()).map(Cost::total),
        }
    }

    /// Whether the answer to `request` will have a known price.
    pub(crate) fn has_price(&self, request: &Request) -> bool {
        let response = Response { usage: Some(Usage::default()), ..Response::default() };
        self.facts(request).answered(&response).cost.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::keys::KeyStore;

    #[test]
    fn a_local_model_costs_nothing_and_others_are_unknown() {
        let client =
            Client::with_config(Config::default(), KeyStore::new(std::path::Path::new("/nonexistent")))
                .unwrap();
        let cases = [
            ("local/chorister", Some("local"), "chorister", Some(0.0)),
            ("gpt-4o-mini", Some("openai"), "gpt-4o-mini", None),
            ("nobody/x/y", None, "nobody/x/y", None),
        ];
        for (name, provider, model, cost) in cases {
            let facts = client.facts(&Request::new(name, "hi"));
            assert_eq!((facts.provider, facts.model.as_str(), facts.cost), (provider, model, cost), "{name}");
        }
    }
}
