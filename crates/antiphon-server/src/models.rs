//! Which models a caller may ask, and the list of them.

use std::collections::BTreeSet;

use antiphon::zoo::{self, Wanted};
use antiphon::{Error, Kind, Options, Result, local, nearest};

use crate::app::Live;
use crate::keys::Key;

/// A model that is served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Served {
    /// By what name it is asked for.
    pub(crate) name: String,
    /// Who answers.
    pub(crate) owner: String,
}

/// Whether the caller may ask that model. Aliases are the server's own, so they may mean anything, be it a
/// file; what a caller names otherwise is a model by its plain name.
pub(crate) fn check(live: &Live, key: Option<&Key>, model: &str) -> Result<()> {
    check_key(key, model)?;
    let config = live.client.config();
    if config.aliases.contains_key(model) {
        return Ok(());
    }
    match model.split_once('/') {
        Some((antiphon::providers::LOCAL, name)) => {
            if local::is_here(name, config) {
                Ok(())
            } else {
                Err(unknown(live, model))
            }
        }
        Some(_) => Ok(()),
        None if zoo::model(model).is_some() && local::is_here(model, config) => Ok(()),
        None if antiphon::providers::of_bare_name(model).is_some() => Ok(()),
        None => Err(unknown(live, model)),
    }
}

/// Whether that name stands for something by the configuration alone: an alias, a name of a provider's, known
/// or not, or a bare one that says whose it is.
pub(crate) fn means(live: &Live, name: &str) -> bool {
    let of_provider = |id: &str| {
        id == antiphon::providers::LOCAL || live.client.provider(id).is_ok_and(|found| found.is_some())
    };
    live.client.config().aliases.contains_key(name)
        || match name.split_once('/') {
            Some((id, _)) => of_provider(id),
            None => check(live, None, name).is_ok(),
        }
}

/// Whether the key may ask a model of that name, be there one or not.
pub(crate) fn check_key(key: Option<&Key>, model: &str) -> Result<()> {
    if model.is_empty() {
        return Err(Error::invalid("model", "is required; GET /v1/models lists what there is"));
    }
    if let Some(key) = key.filter(|key| !key.allows(model)) {
        let message =
            format!("model: the key {:?} may not ask {model:?}; GET /v1/models lists what it may", key.name);
        return Err(Error::new(Kind::PermissionDenied, message).param("model"));
    }
    Ok(())
}

/// That there is no such model, and which one may be meant.
pub(crate) fn unknown(live: &Live, model: &str) -> Error {
    if let Some(wanted) = local::ENABLED.then(|| of_zoo(model)).flatten() {
        return zoo::missing(&wanted);
    }
    let names = list(live, None);
    let message = match nearest(model, names.iter().map(|served| served.name.as_str())) {
        Some(near) => format!("model: there is no {model:?}; did you mean {near:?}?"),
        None => format!("model: there is no {model:?}; GET /v1/models lists what there is"),
    };
    Error::new(Kind::NotFound, message).param("model")
}

/// Weights that the name stands for, of the catalogue or of a repository.
fn of_zoo(model: &str) -> Option<Wanted> {
    let local = model.strip_prefix("local/");
    let is_meant = local.is_some() || zoo::model(model).is_some();
    Wanted::parse(local.unwrap_or(model)).ok().filter(|_| is_meant)
}

/// What the caller may ask: aliases, models of this machine, and those of providers whose key is there.
pub(crate) fn list(live: &Live, key: Option<&Key>) -> Vec<Served> {
    let config = live.client.config();
    let served = |name: String, owner: &str| Served { name, owner: owner.to_owned() };
    let aliases = config.aliases.keys().map(|name| served(name.clone(), "antiphon"));
    // A model of the zoo goes by its bare name, too, as LLM Engine's programs have it.
    let local = local::names(config).into_iter().flat_map(|name| {
        let bare = zoo::model(&name).map(|model| served(model.name.to_owned(), "local"));
        bare.into_iter().chain([served(format!("local/{name}"), "local")])
    });
    let providers = live.client.providers().unwrap_or_default();
    let reached = providers.into_iter().filter(|provider| {
        !provider.key_optional && matches!(live.client.key(provider, &Options::default()), Ok(Some(_)))
    });
    let reached: Vec<&str> = reached.map(|provider| provider.id).collect();
    let known = antiphon::catalog::models().filter(|model| reached.contains(&model.provider.as_str()));
    let hosted = known.map(|model| served(format!("{}/{}", model.provider, model.name), &model.provider));
    let all: BTreeSet<Served> = aliases.chain(local).chain(hosted).collect();
    all.into_iter().filter(|served| key.is_none_or(|key| key.allows(&served.name))).collect()
}
