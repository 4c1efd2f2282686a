//! Answers that are kept: in memory, or in a folder that many processes share.
//!
//! A whole answer is stored, and replayed whole or as a stream. Errors and partial answers never are. What is
//! wrong with a cache is never wrong with a call: it is told once, and the call goes on without.

mod disk;
pub(crate) mod key;
mod record;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use antiphon_core::{Error, Response, Result};

pub use disk::{Disk, Listed, Stats};
use key::Address;
pub use key::{Key, hex};

use crate::attempt::now;
use crate::call::{Call, Options};
use crate::client::Client;
use crate::env_vars;

/// The most answers that are kept in memory; the least recently used go first.
const MEMORY_ENTRIES: u64 = 10_000;

/// Where a call's answer is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// In this process.
    Memory,
    /// In this folder.
    Folder(PathBuf),
}

/// A place, and the name of an answer in it.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    place: Place,
    pub(crate) key: Key,
    ttl: Option<Duration>,
}

/// An answer in memory.
#[derive(Debug, Clone)]
struct Kept {
    response: Arc<Response>,
    /// In seconds since 1970.
    expires: Option<u64>,
}

impl Kept {
    fn is_good(&self) -> bool {
        self.expires.is_none_or(|expires| expires > now())
    }
}

/// The caches of a client.
pub(crate) struct Caches {
    memory: moka::sync::Cache<Key, Kept>,
    folders: Mutex<HashMap<PathBuf, Arc<Disk>>>,
    default: Mutex<Option<PathBuf>>,
}

impl Default for Caches {
    fn default() -> Self {
        Self {
            memory: moka::sync::Cache::new(MEMORY_ENTRIES),
            folders: Mutex::default(),
            default: Mutex::default(),
        }
    }
}

impl Caches {
    /// The answer in that slot.
    pub(crate) fn get(&self, slot: &Slot) -> Option<Arc<Response>> {
        match &slot.place {
            Place::Memory => {
                let kept = self.memory.get(&slot.key)?;
                if !kept.is_good() {
                    self.memory.invalidate(&slot.key);
                    return None;
                }
                Some(kept.response)
            }
            Place::Folder(folder) => self.folder(folder).get(&slot.key),
        }
    }

    /// Keeps an answer. One in a folder is written aside; the future ends when it is there.
    pub(crate) async fn put(&self, slot: Slot, response: Response) {
        let expires = slot.ttl.map(|ttl| now().saturating_add(ttl.as_secs().max(1)));
        match slot.place {
            Place::Memory => self.memory.insert(slot.key, Kept { response: Arc::new(response), expires }),
            Place::Folder(folder) => {
                let disk = self.folder(&folder);
                // An error means that the runtime ends: then nothing is kept.
                let _ = tokio::task::spawn_blocking(move || disk.put(&slot.key, &response, expires)).await;
            }
        }
    }

    fn folder(&self, path: &Path) -> Arc<Disk> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        match folders.get(path) {
            Some(disk) => disk.clone(),
            None => folders.entry(path.to_owned()).or_insert_with(|| Arc::new(Disk::new(path))).clone(),
        }
    }
}

impl Client {
    /// Where answers are kept whose call does not say it; `None` is nowhere.
    pub fn set_default_cache_path(&self, folder: Option<PathBuf>) {
        *self.caches().default.lock().unwrap_or_else(PoisonError::into_inner) = folder;
    }

    /// The folder in which answers are kept by default: as it was set, or `ANTIPHON_CACHE_PATH`.
    pub fn default_cache_path(&self) -> Option<PathBuf> {
        let set = self.caches().default.lock().unwrap_or_else(PoisonError::into_inner).clone();
        set.or_else(|| env_vars::read(env_vars::ANTIPHON_CACHE_PATH).map(PathBuf::from))
    }

    /// Where the answer of a call is kept. On wherever there is a place for it, unless the call says.
    pub fn cache_place(&self, options: &Options) -> Option<Place> {
        if options.cache.enabled == Some(false) {
            return None;
        }
        let folder = options.cache.path.clone().or_else(|| self.default_cache_path());
        folder.map(Place::Folder).or_else(|| options.cache.enabled.map(|_| Place::Memory))
    }

    /// The name under which the answer of a call is kept: a digest of all that shapes it. Calls nothing.
    pub fn cache_key(&self, call: &Call) -> Result<Key> {
        call.request.check()?;
        let model = self.model_of(&call.request);
        let address = self.address(self.place(&model, &call.options)?, &call.options);
        let address = match self.upstream(&model) {
            // Whichever server answers, it is the same answer.
            Some(pool) => {
                Address { provider: "upstreams", base_url: String::new(), model: &pool.name, ..address }
            }
            None => address,
        };
        Ok(key::key(&address, &call.request, &call.options.cache))
    }

    /// The slot of a call; `None` where it is not to be kept.
    pub(crate) fn slot(&self, call: &Call) -> Option<Slot> {
        let place = self.cache_place(&call.options)?;
        // A name that nobody answers to is the call's error, and told there.
        let key = self.cache_key(call).ok()?;
        Some(Slot { place, key, ttl: call.options.cache.ttl })
    }

    /// The answers in a folder, for those who look after it.
    pub fn cache_folder(&self, folder: &Path) -> Arc<Disk> {
        self.caches().folder(folder)
    }
}

/// What a call says about its cache.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CacheOptions {
    /// Whether; where it is not said, wherever there is a place.
    pub enabled: Option<bool>,
    /// The folder; made where it is missing.
    pub path: Option<PathBuf>,
    /// Part of the key, to keep apart what would be the same.
    pub key_prefix: Option<String>,
    /// Whether provider, address and model are part of the key; true where it is not said.
    pub include_model: Option<bool>,
    /// How long an answer is good.
    pub ttl: Option<Duration>,
    /// Answer with the key, and call nothing; see [`Client::cache_key`].
    pub return_key: bool,
}

/// A folder that cannot hold a cache, as an error for those who asked for it alone.
pub(crate) fn unusable(folder: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(
        antiphon_core::Kind::Config,
        format!("the cache in {} cannot be used: {why}", folder.display()),
    )
}
