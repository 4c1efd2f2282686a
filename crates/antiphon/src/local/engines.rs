//! The engines of a client: each loaded on first use, and together within a budget of memory. When another needs
//! room, those go that were not used for the longest time. One that is answering never goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use antiphon_core::{Error, Kind, Result};
use antiphon_engine::{Engine, EngineOptions, Stats};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use super::LocalModel;
use super::memory::Size;
use super::model::Loaded;
use crate::config;

/// How often is looked whether there is room now.
const LOOK: Duration = Duration::from_millis(50);
/// When to come back where there was none.
const BUSY: Duration = Duration::from_secs(5);

/// The engines of a client.
#[derive(Default)]
pub(crate) struct Engines(Mutex<Places>);

#[derive(Default)]
struct Places {
    places: Vec<Place>,
    clock: u64,
}

/// An engine, or one that is being loaded.
struct Place {
    key: Key,
    cell: Arc<OnceCell<Loaded>>,
    bytes: u64,
    last_used: u64,
}

/// A model, how it is loaded, and whether in a process of its own: loaded in another way it is another engine.
type Key = (LocalModel, EngineOptions, bool);

/// How much room there is, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) budget: Size,
    pub(crate) patience: Duration,
}

/// What becomes of the wish for an engine.
enum Outcome {
    /// It is there, or is loaded once those are gone that had to make room.
    Here(Arc<OnceCell<Loaded>>, Vec<Loaded>),
    /// What is there is answering.
    Full { used: u64, models: Vec<String> },
}

impl Engines {
    /// The engine of `model`; calls that come while it loads wait for the one load.
    pub(crate) async fn get(
        &self,
        model: &LocalModel,
        options: EngineOptions,
        is_apart: bool,
        room: Room,
    ) -> Result<Loaded> {
        let key = (model.clone(), options, is_apart);
        let found = self.places().find(&key);
        let cell = match found {
            Some(cell) => cell,
            None => self.place(&key, room).await.map_err(|error| named(error, &key))?,
        };
        let loaded = cell.get_or_try_init(|| load(&key)).await;
        Ok(loaded.map_err(|error| named(error, &key))?.clone())
    }

    /// A place for an engine, once there is room.
    async fn place(&self, key: &Key, room: Room) -> Result<Arc<OnceCell<Loaded>>> {
        let bytes = needed(key).await?;
        if bytes > room.budget.0 {
            return Err(too_large(bytes, room.budget));
        }
        let latest = Instant::now() + room.patience;
        loop {
            let outcome = self.places().take(key, bytes, room.budget.0);
            match outcome {
                Outcome::Here(cell, unloaded) => {
                    // To end a model's thread blocks.
                    blocking(move || {
                        drop(unloaded);
                        Ok(())
                    })
                    .await?;
                    return Ok(cell);
                }
                Outcome::Full { used, models } if Instant::now() >= latest => {
                    return Err(no_room(bytes, room.budget, used, &models));
                }
                Outcome::Full { .. } => sleep(LOOK).await,
            }
        }
    }

    /// What the loaded models do, by name.
    pub(crate) fn stats(&self) -> BTreeMap<String, Stats> {
        let mut found: BTreeMap<String, Stats> = BTreeMap::new();
        for place in &self.places().places {
            let Some(engine) = place.cell.get() else { continue };
            let sum = found.entry(place.key.0.name.clone()).or_default();
            *sum = *sum + engine.stats();
        }
        found
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// The place of an engine that is there or being loaded.
    fn find(&mut self, key: &Key) -> Option<Arc<OnceCell<Loaded>>> {
        self.places.retain(|place| !place.is_forsaken() && !place.is_gone());
        let place = self.places.iter_mut().find(|place| place.key == *key)?;
        self.clock += 1;
        place.last_used = self.clock;
        Some(place.cell.clone())
    }

    /// A place for an engine that needs so many bytes of a budget.
    fn take(&mut self, key: &Key, bytes: u64, budget: u64) -> Outcome {
        if let Some(cell) = self.find(key) {
            return Outcome::Here(cell, Vec::new());
        }
        let used: u64 = self.places.iter().map(|place| place.bytes).sum();
        let mut idle: Vec<&Place> = self.places.iter().filter(|place| place.is_idle()).collect();
        idle.sort_unstable_by_key(|place| place.last_used);
        let mut left = used;
        let mut go = Vec::new();
        for place in idle {
            if left + bytes <= budget {
                break;
            }
            left -= place.bytes;
            go.push(place.last_used);
        }
        if left + bytes > budget {
            let busy = self.places.iter().filter(|place| !place.is_idle());
            return Outcome::Full { used, models: busy.map(|place| place.key.0.name.clone()).collect() };
        }
        let (gone, stay) =
            std::mem::take(&mut self.places).into_iter().partition(|place| go.contains(&place.last_used));
        self.places = stay;
        let gone: Vec<Place> = gone;
        self.clock += 1;
        let place = Place { key: key.clone(), cell: Arc::default(), bytes, last_used: self.clock };
        let cell = place.cell.clone();
        self.places.push(place);
        Outcome::Here(cell, gone.into_iter().filter_map(unload).collect())
    }
}

impl Place {
    /// Whether nobody loads it any more, though it was never there: that failed, or whoever wanted it left.
    fn is_forsaken(&self) -> bool {
        self.cell.get().is_none() && Arc::strong_count(&self.cell) == 1
    }

    /// Whether its process has ended.
    fn is_gone(&self) -> bool {
        self.cell.get().is_some_and(Loaded::is_gone)
    }

    /// Whether nobody uses it: neither a call nor a stream.
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.cell) == 1 && self.cell.get().is_some_and(|engine| engine.users() == 1)
    }
}

fn unload(place: Place) -> Option<Loaded> {
    tracing::info!(model = place.key.0.name, "unloaded, to make room for another model");
    Arc::into_inner(place.cell)?.into_inner()
}

/// Bytes of memory that an engine is going to need.
async fn needed(key: &Key) -> Result<u64> {
    let (model, options) = (key.0.clone(), key.0.own(&key.1));
    blocking(move || match &model.path {
        Some(path) => Engine::memory(path, &options),
        None => Engine::memory(&antiphon_engine::builtin_path(config::cache_dir().as_deref())?, &options),
    })
    .await
}

async fn load(key: &Key) -> Result<Loaded> {
    let (model, options, is_apart) = key.clone();
    blocking(move || Loaded::load(&model, &options, is_apart)).await
}

/// What takes long without waiting has a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| Err(Error::new(Kind::Internal, format!("a local model panicked: {panic}"))))
}

fn named(error: Error, key: &Key) -> Error {
    error.target(crate::providers::LOCAL, &key.0.name)
}

fn too_large(bytes: u64, budget: Size) -> Error {
    let message =
        format!("the model needs about {} of memory, and local models may take {budget}", Size(bytes));
    Error::new(Kind::LocalModel, message).code(super::TOO_LARGE).hint(format!(
        "take a smaller model or a smaller context=; or set memory = \"{}\" under [local] in config.toml",
        Size(bytes)
    ))
}

fn no_room(bytes: u64, budget: Size, used: u64, models: &[String]) -> Error {
    let message = format!(
        "the model needs about {} of memory; of {budget} for local models {} are taken by such as are answering \
         or being loaded: {}",
        Size(bytes),
        Size(used),
        models.join(", ")
    );
    Error::new(Kind::ServiceUnavailable, message).retry_after(BUSY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon_core::Request;
    use futures_util::StreamExt;
    use serde_json::json;

    fn key(context: u32) -> Key {
        let model = LocalModel::new("chorister", None);
        (
            model,
            EngineOptions { context: Some(context), cache_tokens: Some(context), ..Default::default() },
            false,
        )
    }

    /// Room for two of the models, and not for three.
    async fn room(patience: Duration) -> Room {
        let bytes = needed(&key(130)).await.unwrap();
        Room { budget: Size(bytes * 5 / 2), patience }
    }

    async fn get(engines: &Engines, context: u32, room: Room) -> Result<Loaded> {
        let (model, options, _) = key(context);
        engines.get(&model, options, false, room).await
    }

    fn loaded(engines: &Engines) -> Vec<u32> {
        let mut contexts: Vec<u32> =
            engines.places().places.iter().filter_map(|place| place.key.1.context).collect();
        contexts.sort_unstable();
        contexts
    }

    #[tokio::test]
    async fn the_least_recently_used_makes_room() {
        let (engines, room) = (Engines::default(), room(Duration::ZERO).await);
        for context in [128, 129, 128, 130] {
            assert_eq!(get(&engines, context, room).await.unwrap().info().context_length, context);
        }
        assert_eq!(loaded(&engines), [128, 130]);
        assert_eq!(engines.stats().keys().collect::<Vec<_>>(), ["chorister"]);
    }

    #[tokio::test]
    async fn who_is_answering_stays_and_the_next_waits_or_is_refused() {
        let (engines, now) = (Engines::default(), room(Duration::ZERO).await);
        let request = json!({"messages": "Sing a song", "max_tokens": 5});
        let request = Request::from_json(request.as_object().unwrap().clone()).unwrap();
        let mut streams = Vec::new();
        for context in [128, 129] {
            streams.push(get(&engines, context, now).await.unwrap().call_for(None, request.clone()));
        }
        let error = get(&engines, 130, now).await.err().unwrap();
        assert_eq!((error.kind(), error.wait()), (Kind::ServiceUnavailable, Some(BUSY)));
        assert!(error.message().ends_with("being loaded: chorister, chorister"), "{error}");
        assert_eq!(loaded(&engines), [128, 129]);
        let later = room(Duration::from_secs(30)).await;
        let (third, ()) = tokio::join!(get(&engines, 130, later), async {
            tokio::task::yield_now().await;
            streams.truncate(1);
        });
        assert_eq!(third.unwrap().info().context_length, 130);
        assert_eq!(loaded(&engines), [128, 130]);
        assert!(streams.pop().unwrap().all(|batch| async move { batch.is_ok() }).await);
    }

    #[tokio::test]
    async fn a_model_that_never_fits_is_refused_with_both_numbers() {
        let engines = Engines::default();
        let room = Room { budget: Size(3_000_000), patience: Duration::from_secs(30) };
        let error = get(&engines, 128, room).await.err().unwrap();
        let text = error.to_string();
        assert_eq!(error.kind(), Kind::LocalModel);
        assert_eq!(error.provider_code(), Some(crate::local::TOO_LARGE));
        assert!(text.contains("may take 3 MB") && text.contains("memory = \""), "{text}");
        assert!(loaded(&engines).is_empty());
    }

    #[tokio::test]
    async fn what_fails_to_load_takes_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gguf");
        let mut bytes = std::fs::read(antiphon_engine::builtin_path(Some(folder.path())).unwrap()).unwrap();
        // The header stays, with an architecture that nobody has.
        let at = bytes.windows(5).position(|window| window == b"llama").unwrap();
        bytes[at..at + 5].copy_from_slice(b"lorem");
        std::fs::write(&path, bytes).unwrap();
        let (engines, room) = (Engines::default(), room(Duration::ZERO).await);
        let model = LocalModel::new("x", Some(path));
        for _ in 0..3 {
            assert!(engines.get(&model, EngineOptions::default(), false, room).await.is_err());
        }
        get(&engines, 128, room).await.unwrap();
        get(&engines, 129, room).await.unwrap();
        assert_eq!(loaded(&engines), [128, 129]);
    }
}
