//! The client: finds who answers and runs the call.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

#[cfg(feature = "local")]
use antiphon_core::Request;
use antiphon_core::{Chunker, Error, Event, EventStream, Provider, Response, Result, Task};
use futures_util::{FutureExt, StreamExt};

use crate::attempt::now;
use crate::cache::Caches;
#[cfg(feature = "local")]
use crate::call::Options;
use crate::call::{Call, Waits};
use crate::call_log::CallLogs;
use crate::catalog::Catalog;
use crate::config::{self, Config};
use crate::custom;
use crate::keys::KeyStore;
use crate::mock::Mock;
use crate::policy::{self, budget::Budgets, coalesce::Flights, limits::Limits};
use crate::rate_limit;
use crate::stream::{self, CompletionStream};
use crate::structured::{Checker, checked};
use crate::telemetry;
use crate::transport::{Http, Transport};
use crate::upstreams::{self, UpstreamStatus, Upstreams};
use crate::versions::Versions;

/// Answers calls. Cheap to clone; clones share loaded models.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    /// The providers that `config.toml` has tables of, as far as these are sound.
    configured: HashMap<String, &'static Provider>,
    keys: KeyStore,
    transport: Arc<dyn Transport>,
    budgets: Budgets,
    flights: Flights,
    caches: Caches,
    catalog: Catalog,
    limits: Limits,
    log: CallLogs,
    upstreams: Upstreams,
    versions: Versions,
    #[cfg(feature = "local")]
    engines: Arc<crate::local::Engines>,
}

impl Client {
    /// A client with the user's configuration and stored keys.
    pub fn new() -> Result<Self> {
        let folder = config::config_dir();
        Self::with_config(Config::read(&folder)?, KeyStore::new(&folder))
    }

    /// A client with this configuration and these keys.
    pub fn with_config(config: Config, keys: KeyStore) -> Result<Self> {
        let transport = Http::new(config.http.options()?);
        let limits = config.rate_limits.clone();
        let client = Self::with_transport(config, keys, Arc::new(transport));
        limits.into_iter().try_for_each(|(model, limit)| match model.as_str() {
            "default" => {
                client.set_default_rate_limit(Some(limit));
                Ok(())
            }
            model => client.set_rate_limit(model, None, Some(limit)),
        })?;
        Ok(client)
    }

    /// The same, with another way to send its requests.
    pub fn with_transport(config: Config, keys: KeyStore, transport: Arc<dyn Transport>) -> Self {
        rate_limit::hasher();
        Self {
            inner: Arc::new(Inner {
                log: CallLogs::new(config.call_log()),
                configured: custom::of_config(&config),
                upstreams: Upstreams::new(&config, None),
                versions: Versions::default(),
                config,
                keys,
                transport,
                budgets: Budgets::default(),
                flights: Flights::default(),
                caches: Caches::default(),
                catalog: Catalog::default(),
                limits: Limits::default(),
                #[cfg(feature = "local")]
                engines: Arc::default(),
            }),
        }
    }

    /// A client with other settings that keeps the loaded models, and what is known of upstreams that stay as
    /// they were. Calls under way go on with the old ones.
    pub fn reconfigured(&self, config: Config, keys: KeyStore) -> Result<Self> {
        let upstreams = Upstreams::new(&config, Some(&self.inner.upstreams));
        let mut client = Self::with_config(config, keys)?;
        if let Some(inner) = Arc::get_mut(&mut client.inner) {
            inner.upstreams = upstreams;
            #[cfg(feature = "local")]
            inner.engines.clone_from(&self.inner.engines);
        }
        Ok(client)
    }

    /// The client of this process, made on first use.
    pub fn shared() -> Result<Self> {
        static SHARED: OnceLock<Client> = OnceLock::new();
        if let Some(client) = SHARED.get() {
            return Ok(client.clone());
        }
        let client = Self::new()?;
        Ok(SHARED.get_or_init(|| client).clone())
    }

    /// The user's configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn configured(&self) -> &HashMap<String, &'static Provider> {
        &self.inner.configured
    }

    /// The user's stored keys.
    pub fn keys(&self) -> &KeyStore {
        &self.inner.keys
    }

    /// What is known of models, with what was registered.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// Runs a call and returns the whole answer.
    pub async fn complete(&self, call: Call) -> Result<Response> {
        stream::fold(self.events(call)).await
    }

    /// Runs a call and returns the answer in pieces.
    pub fn stream(&self, call: Call) -> CompletionStream {
        let operation = call.request.task.operation();
        let id = crate::random::answer_id(operation);
        let chunker = Chunker::new(id, now(), call.request.model.clone(), call.request.include_usage);
        let chunker = chunker.of(operation);
        CompletionStream::new(self.events(call), chunker)
    }

    /// Runs a call: the one way that every other goes through.
    pub fn events(&self, mut call: Call) -> EventStream {
        let record = self.log().begin(self, &mut call);
        let events = self.open(call).unwrap_or_else(stream::failed);
        match record {
            Some(record) => record.over(events),
            None => events,
        }
    }

    fn open(&self, mut call: Call) -> Result<EventStream> {
        call.request.check()?;
        if matches!(call.request.task, Task::Rerank(_)) && call.request.model.is_empty() {
            return Err(Error::invalid("model", "is required, for reranking has no default one")
                .hint("name a reranker: model=\"cohere/rerank-v3.5\", or a local one"));
        }
        if matches!(call.request.task, Task::Embed(_)) {
            call.request.model = self.model_of(&call.request);
        }
        if call.options.dry_run {
            return Err(Error::invalid("dry_run", "is answered by explain, which sends nothing"));
        }
        if call.options.cache.return_key {
            return Err(Error::invalid("return_cache_key", "is answered by cache_key, which calls nothing"));
        }
        let checker = match call.options.check_form {
            Some(false) => None,
            // A mock is no server that could have passed over what it was asked.
            _ if call.options.mock.is_some() => Checker::of_format(&call.request)?.map(Arc::new),
            _ => Checker::of(&call.request)?.map(Arc::new),
        };
        let warning = |name: &String| Event::set("warning", unknown(name));
        let passed_on = call.passed_on.iter().map(warning).collect::<Vec<_>>();
        let span = telemetry::span(&call.request);
        let events = span.in_scope(|| match call.options.mock.take() {
            Some(mock) => match checker {
                Some(checker) => checked(checker, self.mocked(mock, call)),
                None => self.mocked(mock, call),
            },
            None => policy::run(self.clone(), call, checker),
        });
        let events = telemetry::observed(span, events);
        Ok(if passed_on.is_empty() { events } else { stream::ready(passed_on).chain(events).boxed() })
    }

    fn mocked(&self, mock: Mock, call: Call) -> EventStream {
        let Call { mut request, options, .. } = call;
        if request.model.is_empty() {
            request.model = self.model_of(&request);
        }
        let events = match mock.events(&request) {
            Ok(events) if request.stream => stream::piecemeal(events),
            Ok(events) => stream::ready(events),
            Err(error) => stream::failed(error),
        };
        match options.mock_delay {
            Some(delay) => {
                let timeout = options.timeout.unwrap_or(Waits::DEFAULT_TOTAL);
                let slept = async move { tokio::time::sleep(delay).await };
                let events = slept.map(|()| events).into_stream().flatten().boxed();
                policy::within(timeout, events)
            }
            None => events,
        }
    }

    pub(crate) fn upstreams(&self) -> &Upstreams {
        &self.inner.upstreams
    }

    /// What every upstream does, by name.
    pub fn upstream_status(&self) -> Vec<UpstreamStatus> {
        self.inner.upstreams.all().into_iter().map(|pool| pool.status()).collect()
    }

    /// How long a request of that model may wait until a server is ready.
    pub fn upstream_wait(&self, model: &str) -> Duration {
        self.upstream(model).map(|pool| pool.config.wait()).unwrap_or_default()
    }

    /// Asks the health path of every server that has one, and waits for all of them. A server process does so
    /// again and again; without it, a server is asked where its back-off is over and a call comes.
    pub async fn check_upstreams(&self) {
        let servers = self.inner.upstreams.all().into_iter().flat_map(|pool| {
            (0..pool.count()).map(move |place| upstreams::probe(self.transport(), pool, place))
        });
        futures_util::future::join_all(servers).await;
    }

    pub(crate) fn versions(&self) -> &Versions {
        &self.inner.versions
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.inner.transport
    }

    pub(crate) fn budgets(&self) -> &Budgets {
        &self.inner.budgets
    }

    pub(crate) fn caches(&self) -> &Caches {
        &self.inner.caches
    }

    pub(crate) fn flights(&self) -> &Flights {
        &self.inner.flights
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn log(&self) -> &CallLogs {
        &self.inner.log
    }

    #[cfg(feature = "local")]
    pub(crate) fn local(
        &self,
        model: crate::local::LocalModel,
        mut request: Request,
        options: &Options,
    ) -> EventStream {
        request.model.clone_from(&model.name);
        let model = match model.with_draft(&options.local, self.config()) {
            Ok(model) => model,
            Err(error) => return stream::failed(error),
        };
        let client = self.clone();
        let engine_options = crate::local::engine_options(&options.local, self.config());
        let room = crate::local::room(self.config(), options.timeout);
        let is_apart = self.config().local.own_process.holds(&model.name);
        let asker = options.client.clone();
        let opened = async move {
            match client.inner.engines.get(&model, engine_options, is_apart, room).await {
                Ok(engine) => engine.call_for(asker.as_deref(), request),
                Err(error) => stream::failed(error),
            }
        };
        opened.into_stream().flatten().boxed()
    }

    /// What is known of a local model; loads it.
    #[cfg(feature = "local")]
    pub async fn model_info(&self, model: &crate::local::LocalModel) -> Result<crate::local::ModelInfo> {
        Ok(self.engine(model).await?.info().clone())
    }

    /// A local model, loaded as the configuration says.
    #[cfg(feature = "local")]
    pub(crate) async fn engine(&self, model: &crate::local::LocalModel) -> Result<crate::local::Loaded> {
        let options = crate::local::engine_options(&crate::local::LocalOptions::default(), self.config());
        let is_apart = self.config().local.own_process.holds(&model.name);
        self.inner.engines.get(model, options, is_apart, crate::local::room(self.config(), None)).await
    }

    /// The local models that are loaded, by name, and what they do.
    #[cfg(feature = "local")]
    pub fn local_stats(&self) -> std::collections::BTreeMap<String, crate::local::Stats> {
        self.inner.engines.stats()
    }
}

/// What is said of a parameter that nobody here knows.
pub(crate) fn unknown(name: &str) -> String {
    format!("{name} is not known and goes to the provider as it is")
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
