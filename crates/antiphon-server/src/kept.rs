//! What the server keeps beside its configuration: the store, the endpoints that were made at run time, and
//! the batch jobs under way.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use antiphon::{Error, Kind, Result};

use crate::jobs::Jobs;
use crate::settings::Settings;
use crate::store::{Endpoint, Store};

/// The store and what stands in it that every request needs.
pub(crate) struct Kept {
    /// `None` where the usual folder cannot be used, and nobody asked for it.
    store: Option<Store>,
    endpoints: RwLock<BTreeMap<String, Endpoint>>,
    pub(crate) jobs: Jobs,
}

impl Kept {
    /// Opens the data folder. One that the configuration names must be usable; without the usual one the
    /// server goes on, and says in its log what is missing.
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        let store = match Store::open(&settings.data_dir()) {
            Ok(store) => Some(store),
            Err(error) if settings.data.is_some() => return Err(error),
            Err(error) => {
                tracing::warn!(target: "antiphon::serve", %error, "endpoints, files and batch jobs are off");
                None
            }
        };
        let endpoints = store.as_ref().map(Store::endpoints).transpose()?.unwrap_or_default();
        let endpoints = endpoints.into_iter().map(|endpoint| (endpoint.name.clone(), endpoint)).collect();
        Ok(Self { store, endpoints: RwLock::new(endpoints), jobs: Jobs::default() })
    }

    /// The store, for what cannot do without.
    pub(crate) fn store(&self) -> Result<Store> {
        self.store.clone().ok_or_else(|| {
            let message = "this server has no data folder of its own; start it with --data FOLDER";
            Error::new(Kind::ServiceUnavailable, message)
        })
    }

    /// The model that an endpoint stands for.
    pub(crate) fn target(&self, name: &str) -> Option<String> {
        let endpoints = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
        endpoints.get(name).map(|endpoint| endpoint.model.clone())
    }

    pub(crate) fn endpoint(&self, name: &str) -> Option<Endpoint> {
        self.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Every endpoint, by name.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        self.endpoints.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Keeps an endpoint, in place of an older one of its name.
    pub(crate) async fn put_endpoint(&self, endpoint: Endpoint) -> Result<()> {
        self.store()?.put_endpoint(endpoint.clone()).await?;
        let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        endpoints.insert(endpoint.name.clone(), endpoint);
        Ok(())
    }

    pub(crate) async fn remove_endpoint(&self, name: &str) -> Result<()> {
        self.store()?.remove_endpoint(name.to_owned()).await?;
        self.endpoints.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}
