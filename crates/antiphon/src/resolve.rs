//! From a model's name to who answers: `provider/model`, a well-known bare name, or a local file.

use antiphon_core::{Auth, Error, Kind, Provider, Result};
use secrecy::SecretString;

use crate::call::Options;
use crate::client::Client;
use crate::local::{self, LocalModel};
use crate::names::nearest;
use crate::{env_vars, providers};

/// The model of a call that names none, unless the environment or the configuration says otherwise.
pub const DEFAULT_MODEL: &str = "gpt-4o-mini";

/// The model that is always there.
pub const OFFLINE_MODEL: &str = "local/chorister";

/// Who answers a call.
#[derive(Debug, Clone)]
pub enum Target {
    /// A model in this process.
    Local(LocalModel),
    /// A provider over HTTP.
    Hosted {
        /// Who it is.
        provider: &'static Provider,
        /// The model, in the provider's word.
        model: String,
        /// Where it is.
        base_url: String,
        /// The key, where one is needed.
        key: Option<SecretString>,
    },
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
        let (id, name) = match model.split_once('/') {
            Some((id, name)) => (id, name),
            None => match providers::of_bare_name(model) {
                Some(provider) => (provider.id, model),
                None => return Err(self.unknown_model(model)),
            },
        };
        if name.is_empty() {
            return Err(Error::invalid("model", format_args!("{model:?} names no model after the slash")));
        }
        if id == providers::LOCAL {
            return local::find(name, self.config()).map(Target::Local);
        }
        let provider = providers::by_id(id).ok_or_else(|| unknown_provider(id, name))?;
        self.hosted(provider, name, options)
    }

    fn hosted(&self, provider: &'static Provider, model: &str, options: &Options) -> Result<Target> {
        let key = match provider.auth {
            Auth::None => None,
            _ => Some(self.key(provider, options)?.ok_or_else(|| missing_key(provider, model))?),
        };
        let base_url = self.base_url(provider, options);
        Ok(Target::Hosted { provider, model: model.to_owned(), base_url, key })
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
    pub fn base_url(&self, provider: &Provider, options: &Options) -> String {
        let configured =
            || self.config().providers.get(provider.id).and_then(|settings| settings.base_url.clone());
        options
            .base_url
            .clone()
            .or_else(|| provider.url_variables.iter().find_map(|name| env_vars::read(name)))
            .or_else(configured)
            .unwrap_or_else(|| provider.base_url.to_owned())
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
