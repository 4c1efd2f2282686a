//! From a model's name to who answers: `provider/model`, a well-known bare name, or a local file.

use antiphon_core::{Auth, Error, Kind, Operation, Provider, Request, Result};
use secrecy::SecretString;

use crate::base_url::BaseUrl;
use crate::cache::key::Address;
use crate::call::Options;
use crate::client::Client;
use crate::local::{self, LocalModel};
use crate::names::nearest;
use crate::zoo::{self, Zoo};
use crate::{aliases, custom, env_vars, providers};

/// The model of a call that names none, unless the environment or the configuration says otherwise.
pub const DEFAULT_MODEL: &str = "gpt-4o-mini";

/// The model of embeddings that name none, unless the environment says otherwise.
pub const DEFAULT_EMBEDDING_MODEL: &str = "text-embedding-3-small";

/// The model that is always there.
pub const OFFLINE_MODEL: &str = "local/chorister";

/// Who answers a call.
#[derive(Debug, Clone)]
pub enum Target {
    /// A model in this process.
    Local(LocalModel),
    /// A provider over HTTP.
    Hosted(Hosted),
}

/// A model of a provider, and how it is reached.
#[derive(Debug, Clone)]
pub struct Hosted {
    /// Who it is.
    pub provider: &'static Provider,
    /// The model, in the provider's word.
    pub model: String,
    /// Where it is.
    pub base_url: BaseUrl,
    /// What proves who calls.
    pub credential: Credential,
}

/// What proves who calls.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing.
    None,
    /// A key, sent as the provider's [`Auth`] says.
    Key(SecretString),
    /// A token, sent as `Authorization: Bearer`.
    Token(SecretString),
}

/// Where a setting was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The call itself.
    Call,
    /// This environment variable.
    Environment(&'static str),
    /// The stored keys.
    Stored,
    /// `config.toml`.
    Config,
    /// Nowhere: it is antiphon's own.
    BuiltIn,
}

impl Client {
    /// The model of a call that names none, and whether somebody chose it.
    pub fn default_model(&self) -> (String, bool) {
        let (model, source) = self.default_model_source();
        (model, source != Source::BuiltIn)
    }

    /// The model of a request: its own, or the one of those that name none.
    pub(crate) fn model_of(&self, request: &Request) -> String {
        match (request.model.as_str(), request.task.operation()) {
            ("", Operation::Embeddings) => env_vars::read(env_vars::ANTIPHON_EMBEDDING_MODEL)
                .unwrap_or_else(|| DEFAULT_EMBEDDING_MODEL.to_owned()),
            ("", _) => self.default_model().0,
            (name, _) => name.to_owned(),
        }
    }

    /// The model of a call that names none, and who says so.
    pub fn default_model_source(&self) -> (String, Source) {
        if let Some(model) = env_vars::read(env_vars::ANTIPHON_MODEL) {
            return (model, Source::Environment(env_vars::ANTIPHON_MODEL));
        }
        match &self.config().model {
            Some(model) => (model.clone(), Source::Config),
            None => (DEFAULT_MODEL.to_owned(), Source::BuiltIn),
        }
    }

    /// Finds who answers for `model`; an empty name means the default one.
    pub fn resolve(&self, model: &str, options: &Options) -> Result<Target> {
        if model.is_empty() {
            return self.resolve(&self.default_model().0, options);
        }
        match self.place(model, options)? {
            Place::Local(name) => local::find(name, self.config()).map(Target::Local),
            Place::Hosted(provider, name) => self.hosted(provider, name, options).map(Target::Hosted),
        }
    }

    /// Whose model it is, by its name alone.
    pub(crate) fn place<'a>(&'a self, model: &'a str, options: &Options) -> Result<Place<'a>> {
        let model = aliases::target(&self.config().aliases, model)?;
        let anywhere =
            || options.base_url.as_ref().and_then(|_| Some(Place::Hosted(custom::anywhere()?, model)));
        let Some((id, name)) = model.split_once('/') else {
            if self.is_of_zoo(model, options) {
                return Ok(Place::Local(model));
            }
            if let Some(known) = providers::of_bare_name(model) {
                let provider = self.provider(known.id)?.unwrap_or(known);
                return Ok(Place::Hosted(provider, model));
            }
            return anywhere().ok_or_else(|| self.unknown_model(model));
        };
        if id == providers::LOCAL && !name.is_empty() {
            return Ok(Place::Local(name));
        }
        let Some(provider) = self.provider(id)? else {
            return anywhere().ok_or_else(|| unknown_provider(id, name));
        };
        if name.is_empty() {
            return Err(Error::invalid("model", format_args!("{model:?} names no model after the slash")));
        }
        Ok(Place::Hosted(provider, name))
    }

    /// Whether a bare name means a model of the zoo. Who gives an address means a model there; of a name that is
    /// a provider's, too, the weights must be here.
    pub(crate) fn is_of_zoo(&self, model: &str, options: &Options) -> bool {
        let Some(known) = zoo::model(model) else { return false };
        if options.base_url.is_some() {
            return false;
        }
        known.zoo == Zoo::LlmEngine
            || providers::of_bare_name(model).is_none_or(|provider| {
                *self.base_url(provider, options) == *provider.base_url
                    && local::is_here(model, self.config())
            })
    }

    /// Whose model it is, by its name alone (`None`: this process has it), and the model in that one's word.
    pub fn provider_of<'a>(
        &'a self,
        model: &'a str,
        options: &Options,
    ) -> Result<(Option<&'static Provider>, &'a str)> {
        Ok(match self.place(model, options)? {
            Place::Local(name) => (None, name),
            Place::Hosted(provider, name) => (Some(provider), name),
        })
    }

    /// Whether there is a key or a token for that provider.
    pub fn has_credential(&self, provider: &Provider, options: &Options) -> Result<bool> {
        Ok(!matches!(self.credential(provider, options)?, Credential::None))
    }

    /// The provider of that id: antiphon's own, or one of `config.toml`.
    pub fn provider(&self, id: &str) -> Result<Option<&'static Provider>> {
        if let Some(provider) = self.configured().get(id) {
            return Ok(Some(provider));
        }
        // A table that is there and not sound is an error of who asks for it.
        self.config()
            .providers
            .get(id)
            .map_or(Ok(providers::by_id(id)), |table| custom::of(id, table).map(Some))
    }

    /// What of a place is part of a cache's key. Other headers are not: they trace, or they are keys.
    pub(crate) fn address<'a>(&self, place: Place<'a>, options: &'a Options) -> Address<'a> {
        let (provider, model) = match place {
            Place::Local(model) => {
                let features = Vec::new();
                return Address { provider: providers::LOCAL, base_url: String::new(), model, features };
            }
            Place::Hosted(provider, model) => (provider, model),
        };
        let features = provider.list_headers.iter().filter_map(|name| options.extra_headers.get(*name));
        Address {
            provider: provider.id,
            base_url: self.base_url(provider, options).to_string(),
            model,
            features: features.filter_map(|value| value.to_str().ok()).collect(),
        }
    }

    /// Every provider that is called over HTTP: antiphon's own, and those of `config.toml`.
    pub fn providers(&self) -> Result<Vec<&'static Provider>> {
        let own = providers::PROVIDERS.iter().map(Ok);
        let configured = self.config().providers.iter().filter(|(id, _)| providers::by_id(id).is_none());
        own.chain(configured.map(|(id, table)| custom::configured(id, table))).collect()
    }

    pub(crate) fn hosted(
        &self,
        provider: &'static Provider,
        model: &str,
        options: &Options,
    ) -> Result<Hosted> {
        if let Some(odd) = model.chars().find(|c| c.is_control() || is_invisible(*c)) {
            return Err(Error::invalid("model", format_args!("holds the character {odd:?}")));
        }
        let base_url = self.base_url(provider, options);
        if base_url.is_empty() {
            let error = Error::invalid("base_url", format_args!("is needed for {}", provider.name));
            return Err(match provider.url_variables.first() {
                Some(variable) => error.hint(format!("pass base_url=…, or set {variable}")),
                None => error,
            });
        }
        let credential = match provider.auth {
            Auth::None => Credential::None,
            _ => self.credential(provider, options)?,
        };
        // A server of one's own behind another address may well want no key.
        let needs_key = !provider.key_optional && *base_url == *provider.base_url;
        if needs_key && matches!(credential, Credential::None) && provider.auth != Auth::None {
            return Err(missing_key(provider, model));
        }
        Ok(Hosted { provider, model: model.to_owned(), base_url, credential })
    }

    fn credential(&self, provider: &Provider, options: &Options) -> Result<Credential> {
        if let Some(key) = self.key(provider, options)? {
            return Ok(Credential::Key(key));
        }
        if let Some(token) = provider.token_variables.iter().find_map(|name| env_vars::read(name)) {
            return Ok(Credential::Token(token.into()));
        }
        Ok(provider.anonymous_key.map_or(Credential::None, |key| Credential::Key(key.into())))
    }

    /// The provider's key: argument, environment, stored keys, configuration, in this order.
    pub fn key(&self, provider: &Provider, options: &Options) -> Result<Option<SecretString>> {
        Ok(self.key_source(provider, options)?.map(|(key, _)| key))
    }

    /// [`Client::key`], with where it was found.
    pub fn key_source(
        &self,
        provider: &Provider,
        options: &Options,
    ) -> Result<Option<(SecretString, Source)>> {
        if let Some(key) = &options.api_key {
            return Ok(Some((key.clone(), Source::Call)));
        }
        let variable = |name: &&'static str| Some((env_vars::read(name)?.into(), Source::Environment(name)));
        if let Some(found) = provider.key_variables.iter().find_map(variable) {
            return Ok(Some(found));
        }
        if let Some(key) = self.keys().read(provider.id)? {
            return Ok(Some((key, Source::Stored)));
        }
        let configured = self.config().providers.get(provider.id);
        Ok(configured.and_then(|settings| settings.api_key.clone()).map(|key| (key, Source::Config)))
    }

    /// The provider's address: argument, environment, configuration, its own, in this order.
    pub fn base_url(&self, provider: &Provider, options: &Options) -> BaseUrl {
        let configured =
            || self.config().providers.get(provider.id).and_then(|settings| settings.base_url.clone());
        options
            .base_url
            .clone()
            .or_else(|| provider.url_variables.iter().find_map(|name| env_vars::read(name)).map(Into::into))
            .or_else(configured)
            .unwrap_or_else(|| provider.base_url.into())
    }

    fn unknown_model(&self, model: &str) -> Error {
        let error = Error::new(Kind::NotFound, format!("model: {model:?} is not known without its provider"))
            .param("model");
        let local = local::names(self.config());
        match nearest(model, local.iter().map(String::as_str)) {
            Some(name) => error.hint(format!("did you mean model=\"local/{name}\"?")),
            None => {
                error.hint(format!("write provider/model, as in \"openai/{model}\" or \"{OFFLINE_MODEL}\""))
            }
        }
    }
}

/// Whose model a name means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// One of this process, by its name.
    Local(&'a str),
    /// A provider's, in its word.
    Hosted(&'static Provider, &'a str),
}

/// Characters that a reader does not see, or that turn what is around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

fn unknown_provider(id: &str, name: &str) -> Error {
    let error =
        Error::new(Kind::UnknownProvider, format!("model: there is no provider {id:?}")).param("model");
    match nearest(id, providers::ids()) {
        Some(near) => error.hint(format!("did you mean model=\"{near}/{name}\"?")),
        None => {
            let known = providers::ids().collect::<Vec<_>>().join(", ");
            error.hint(format!("known providers: {known}"))
        }
    }
}

fn missing_key(provider: &Provider, model: &str) -> Error {
    let variable = provider.key_variables.first().copied().unwrap_or_default();
    let id = provider.id;
    Error::new(Kind::Authentication, format!("no key for {} is set", provider.name)).target(id, model).hint(
        format!(
            "set {variable}, or run `antiphon keys set {id}`, or pass api_key=…\n\
             to run offline, without a key: model=\"{OFFLINE_MODEL}\""
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_ends_in_the_line_that_runs_offline() {
        let provider = providers::by_id("anthropic").unwrap();
        let text = missing_key(provider, "claude-x").to_string();
        assert!(text.contains("ANTHROPIC_API_KEY") && text.contains("antiphon keys set anthropic"), "{text}");
        assert!(text.ends_with("model=\"local/chorister\""), "{text}");
    }
}
