//! What every request needs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use antiphon::keys::KeyStore;
use antiphon::{Client, Result, config};
use axum::Router;
use tokio::sync::Semaphore;

use crate::calls::Calls;
use crate::kept::Kept;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::routes;
use crate::settings::{Loaded, Options, Settings};
use crate::ticket::Notes;

/// The server's state, shared by all of its connections.
pub(crate) struct App {
    live: RwLock<Arc<Live>>,
    options: Options,
    pub(crate) router: Router,
    pub(crate) metrics: Metrics,
    pub(crate) calls: Calls,
    /// When the server started.
    pub(crate) started: Instant,
    pub(crate) kept: Kept,
    /// Whether new requests are sent elsewhere: the server is about to stop.
    draining: AtomicBool,
}

/// What a reload replaces. A request goes on with what it began with.
pub(crate) struct Live {
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) keys: Keys,
    pub(crate) in_flight: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(options: Options) -> Result<Arc<Self>> {
        let loaded = Loaded::read(&options)?;
        let client = Client::with_config(loaded.config, KeyStore::new(&config::config_dir()).kept()?)?;
        let live = Live::new(client, loaded.settings, None)?;
        let kept = Kept::open(&live.settings)?;
        Ok(Arc::new(Self {
            live: RwLock::new(Arc::new(live)),
            options,
            router: routes::router(),
            metrics: Metrics::new(),
            calls: Calls::default(),
            started: Instant::now(),
            kept,
            draining: AtomicBool::new(false),
        }))
    }

    /// The settings as they are now.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads everything again; nothing is replaced yet.
    pub(crate) fn reread(&self) -> Result<Live> {
        let old = self.live();
        let loaded = Loaded::read(&self.options)?;
        let client = old.client.reconfigured(loaded.config, KeyStore::new(&config::config_dir()).kept()?)?;
        Live::new(client, loaded.settings, Some(&old.keys))
    }

    /// What requests go by from now on.
    pub(crate) fn replace(&self, live: Live) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl Live {
    fn new(client: Client, settings: Settings, old: Option<&Keys>) -> Result<Self> {
        let keys = Keys::new(&settings.keys, old)?;
        let in_flight = Arc::new(Semaphore::new(settings.max_in_flight as usize));
        Ok(Self { client, settings, keys, in_flight })
    }

    /// What a call has cost, in dollars, where that is known.
    pub(crate) fn cost(&self, notes: &Notes) -> Option<f64> {
        self.client.cost(notes.provider.as_deref()?, notes.answered_by.as_deref()?, notes.usage.as_ref()?)
    }
}
