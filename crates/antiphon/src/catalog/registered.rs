//! The catalogue as a client sees it: what is built in, and over it what the user has registered.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use antiphon_core::{Error, Kind, Provider, Result, Usage};

use super::{Billing, Cost, Model, Price};
use crate::names::nearest;
use crate::providers;

/// Models that can be asked for by provider and name. Clones share what is registered.
#[derive(Clone, Default)]
pub struct Catalog(Arc<RwLock<Registered>>);

/// By provider and name.
type Registered = BTreeMap<(String, String), Arc<Model>>;

impl Catalog {
    /// Adds a model, or replaces what is known of it.
    ///
    /// ```
    /// use antiphon::catalog::{Catalog, Model, Price};
    ///
    /// let catalog = Catalog::default();
    /// let price = Price { input: 0.5, output: Some(1.5), ..Price::default() };
    /// catalog.register(Model { provider: "mine".into(), name: "m".into(), price: Some(price), ..Model::default() });
    /// assert_eq!(catalog.named("mine/m").unwrap().price, Some(price));
    /// ```
    pub fn register(&self, model: Model) {
        let key = (model.provider.clone(), model.name.clone());
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::new(model));
    }

    /// What is known of a provider's model, in the provider's word.
    pub fn model(&self, provider: &str, name: &str) -> Option<Arc<Model>> {
        let registered = |models: &Registered| {
            if models.is_empty() {
                return None;
            }
            let of =
                |provider: &str, name: &str| models.get(&(provider.to_owned(), name.to_owned())).cloned();
            // One without a provider is anybody's; behind an address of one's own a name may have a slash.
            let prefixed = || name.split_once('/').and_then(|(provider, name)| of(provider, name));
            of(provider, name).or_else(|| of("", name)).or_else(prefixed)
        };
        self.read(registered).or_else(|| super::model(provider, name))
    }

    /// What is known of a model by the name that a call gives it: `provider/model`, or a well-known bare one.
    pub fn named(&self, model: &str) -> Option<Arc<Model>> {
        let prefixed = || model.split_once('/').and_then(|(provider, name)| self.model(provider, name));
        let bare = || self.model(providers::of_bare_name(model)?.id, model);
        let registered = || self.read(|models| models.values().find(|known| known.name == model).cloned());
        // Embeddings and the like, whose bare names belong to nobody.
        let listed_bare =
            || providers::with_bare_names().find_map(|provider| super::model(provider.id, model));
        prefixed().or_else(bare).or_else(registered).or_else(listed_bare)
    }

    /// [`Catalog::named`], of the provider `provider` where that is given; an error with near names where nothing
    /// is known.
    pub fn find(&self, model: &str, provider: Option<&str>) -> Result<Arc<Model>> {
        let of = |id: &str| {
            let name = model.strip_prefix(id).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
            self.model(id, name)
        };
        match provider {
            Some(id) => of(id),
            None => self.named(model),
        }
        .or_else(|| free(model, provider))
        .ok_or_else(|| self.unknown(model, provider))
    }

    fn unknown(&self, model: &str, provider: Option<&str>) -> Error {
        let whose = provider.map(|provider| format!(" of {provider}")).unwrap_or_default();
        let error = Error::new(Kind::NotFound, format!("model: nothing is known of {model:?}{whose}"));
        let keys: Vec<String> = self.models().iter().map(|model| model.key()).collect();
        let name = model.rsplit('/').next().unwrap_or(model);
        let same_name = || keys.iter().map(String::as_str).find(|key| key.rsplit('/').next() == Some(name));
        let near = same_name().or_else(|| nearest(model, keys.iter().map(String::as_str)));
        error.param("model").hint(match near {
            Some(key) => format!("did you mean {key:?}?"),
            None => "search_models finds models by a part of their names; register_model adds one".to_owned(),
        })
    }

    /// The models whose `provider/name` has every word of `query`, in capitals or not.
    pub fn search(&self, query: &str) -> Vec<Arc<Model>> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let mut models = self.models();
        models.retain(|model| {
            let name = format!("{}/{}", model.provider, model.name).to_lowercase();
            words.iter().all(|word| name.contains(word))
        });
        models
    }

    /// Registers all that is registered in `other`.
    pub fn extend(&self, other: &Catalog) {
        let models = other.read(Registered::clone);
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(models);
    }

    /// Every model, by provider and name.
    pub fn models(&self) -> Vec<Arc<Model>> {
        let mut models: BTreeMap<_, _> = super::models()
            .map(|model| ((model.provider.clone(), model.name.clone()), model.clone()))
            .collect();
        self.read(|registered| models.extend(registered.clone()));
        models.into_values().collect()
    }

    /// What a call cost by the name that it gave its model, of the provider `provider` where that is known.
    pub fn cost_of(
        &self,
        model: &str,
        provider: Option<&str>,
        usage: &Usage,
        billing: Billing<'_>,
    ) -> Option<Cost> {
        if let Ok(known) = self.find(model, provider) {
            return self.cost(&known.provider, &known.name, usage, billing);
        }
        let (provider, name) =
            provider.map(|provider| (provider, model)).or_else(|| model.split_once('/'))?;
        self.cost(provider, name, usage, billing)
    }

    /// What a call cost: nothing for a model of this process, else what the provider says, else by its prices.
    /// `None` is unknown, never zero.
    pub fn cost(&self, provider: &str, model: &str, usage: &Usage, billing: Billing<'_>) -> Option<Cost> {
        let known = self.model(provider, model).or_else(|| free(model, Some(provider)));
        let row = providers::by_id(provider);
        let said = row.and_then(|row| reported(row, usage));
        let parts = known.and_then(|model| model.cost_parts(usage, billing));
        match (said, parts) {
            // All beyond the prompt's price is the answer's, what the provider charges for beside tokens too.
            (Some(total), parts) => {
                let prompt = parts.map_or(0.0, |parts| parts.prompt).min(total);
                Some(Cost { prompt, completion: total - prompt })
            }
            (None, parts) => parts,
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Registered) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A model of this process, which costs nothing.
fn free(model: &str, provider: Option<&str>) -> Option<Arc<Model>> {
    let prefix = model.split_once('/').filter(|(id, _)| *id == providers::LOCAL);
    let name = match provider {
        Some(providers::LOCAL) => prefix.map_or(model, |(_, name)| name),
        Some(_) => return None,
        None => prefix?.1,
    };
    let price = Price { output: Some(0.0), ..Price::default() };
    let (provider, name) = (providers::LOCAL.to_owned(), name.to_owned());
    Some(Arc::new(Model { provider, name, price: Some(price), ..Model::default() }))
}

/// What the provider itself says that the call cost.
fn reported(provider: &Provider, usage: &Usage) -> Option<f64> {
    let cost = provider.quirks.reports_cost.then(|| usage.extra.get("cost"))??;
    cost.as_f64().or_else(|| cost["total_cost"].as_f64()).filter(|cost| *cost >= 0.0)
}

/// Whether both are the same catalogue.
impl PartialEq for Catalog {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").field("registered", &self.read(BTreeMap::len)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::*;
    use serde_json::{Value, json};

    fn usage(value: Value) -> Usage {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn names_are_found_as_calls_give_them() {
        let catalog = Catalog::default();
        for (name, found) in [
            ("gpt-4o-mini", Some("openai/gpt-4o-mini")),
            ("openai/gpt-4o-mini-2024-07-18", Some("openai/gpt-4o-mini")),
            ("claude-haiku-4-5", Some("anthropic/claude-haiku-4-5")),
            ("text-embedding-3-small", Some("openai/text-embedding-3-small")),
            ("groq/openai/gpt-oss-20b", Some("groq/openai/gpt-oss-20b")),
            ("deepseek-chat", None),
            ("nobody/gpt-4o-mini", None),
        ] {
            let model = catalog.named(name);
            let model = model.map(|model| format!("{}/{}", model.provider, model.name));
            assert_eq!(model.as_deref(), found, "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_an_error_with_a_near_name() {
        let catalog = Catalog::default();
        for (model, provider, hint) in [
            ("gpt-4o-mimi", None, "did you mean \"gpt-4o-mini\"?"),
            ("deepseek-chat", None, "did you mean \"deepseek/deepseek-chat\"?"),
            ("gpt-4o", Some("groq"), "did you mean \"gpt-4o\"?"),
            ("zzz", None, "search_models finds"),
        ] {
            let error = catalog.find(model, provider).unwrap_err();
            assert_eq!(error.kind(), Kind::NotFound);
            assert!(error.advice().unwrap().starts_with(hint), "{error}");
        }
        assert_eq!(catalog.find("openai/gpt-4o", Some("openai")).unwrap().name, "gpt-4o");
        assert_eq!(catalog.find("local/chorister", None).unwrap().price_of(1).unwrap().input, 0.0);
    }

    #[test]
    fn a_search_is_for_every_word() {
        let catalog = Catalog::default();
        let names = |query: &str| catalog.search(query).iter().map(|model| model.key()).collect::<Vec<_>>();
        assert_eq!(names("EMBEDDING openai ada-002-v2"), ["text-embedding-ada-002-v2"]);
        assert!(names("groq").iter().all(|name| name.starts_with("groq/")) && !names("groq").is_empty());
        assert!(names("nothing of that name").is_empty());
        assert_eq!(names("").len(), catalog.models().len());
    }

    #[test]
    fn what_is_registered_goes_before_what_is_built_in() {
        let catalog = Catalog::default();
        let count = catalog.models().len();
        let price = Price { input: 1.0, output: Some(2.0), ..Price::default() };
        for (provider, name) in [("openai", "gpt-4o"), ("mine", "m")] {
            let (provider, name) = (provider.to_owned(), name.to_owned());
            catalog.register(Model {
                provider,
                name,
                mode: Mode::Chat,
                price: Some(price),
                ..Model::default()
            });
        }
        let counts = usage(json!({"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}));
        for (provider, name) in [("openai", "gpt-4o"), ("mine", "m")] {
            assert_eq!(
                catalog.clone().cost(provider, name, &counts, Billing::default()).map(Cost::total),
                Some(3.0)
            );
        }
        assert_eq!(catalog.named("m").unwrap().provider, "mine");
        assert_eq!(catalog.models().len(), count + 1);
        assert_eq!(Catalog::default().named("mine/m"), None);
    }

    #[test]
    fn a_provider_may_say_itself_what_a_call_cost() {
        let catalog = Catalog::default();
        let said = json!({"prompt_tokens": 1000, "completion_tokens": 10, "cost": {"total_cost": 0.0062}});
        let cost = catalog.cost("perplexity", "sonar", &usage(said.clone()), Billing::default()).unwrap();
        assert!((cost.prompt - 0.001).abs() < 1e-12 && (cost.total() - 0.0062).abs() < 1e-12, "{cost:?}");
        let counts = usage(said.clone());
        assert!(catalog.cost_of("perplexity/a-new-one", None, &counts, Billing::default()).is_some());
        assert!(catalog.cost_of("a-new-one", Some("perplexity"), &counts, Billing::default()).is_some());
        assert!(catalog.cost_of("a-new-one", None, &counts, Billing::default()).is_none());
        let said_plainly = usage(json!({"prompt_tokens": 1, "cost": 0.5}));
        assert_eq!(
            catalog.cost("openrouter", "a/b", &said_plainly, Billing::default()).map(Cost::total),
            Some(0.5)
        );
        // Of others it means nothing that is known.
        assert_eq!(catalog.cost("nebius", "a/b", &said_plainly, Billing::default()), None);
        assert_eq!(
            catalog.cost(providers::LOCAL, "chorister", &usage(said), Billing::default()),
            Some(Cost::ZERO)
        );
    }
}
