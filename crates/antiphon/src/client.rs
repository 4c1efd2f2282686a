//! The client: finds who answers and runs the call.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use antiphon_core::{Chunker, Error, Event, EventStream, Kind, Request, Response, Result};
use futures_util::{FutureExt, StreamExt};

use crate::call::{Call, Options};
use crate::config::{self, Config};
use crate::keys::KeyStore;
use crate::mock::Mock;
use crate::resolve::Target;
use crate::stream::{self, CompletionStream};

/// Answers calls. Cheap to clone; clones share loaded models.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    keys: KeyStore,
    #[cfg(feature = "local")]
    engines: crate::local::Engines,
}

impl Client {
    /// A client with the user's configuration and stored keys.
    pub fn new() -> Result<Self> {
        let folder = config::config_dir();
        Ok(Self::with_config(Config::read(&folder)?, KeyStore::new(&folder)))
    }

    /// A client with this configuration and these keys.
    pub fn with_config(config: Config, keys: KeyStore) -> Self {
        Self {
            inner: Arc::new(Inner {
                config,
                keys,
                #[cfg(feature = "local")]
                engines: crate::local::Engines::default(),
            }),
        }
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

    /// The user's stored keys.
    pub fn keys(&self) -> &KeyStore {
        &self.inner.keys
    }

    /// Runs a call and returns the whole answer.
    pub async fn complete(&self, call: Call) -> Result<Response> {
        stream::fold(self.events(call)).await
    }

    /// Runs a call and returns the answer in pieces.
    pub fn stream(&self, call: Call) -> CompletionStream {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let id = format!("chatcmpl-{}", uuid::Uuid::new_v4());
        let chunker = Chunker::new(id, created, call.request.model.clone(), call.request.include_usage);
        CompletionStream::new(self.events(call), chunker)
    }

    /// Runs a call: the one way that every other goes through.
    pub fn events(&self, call: Call) -> EventStream {
        let timeout = call.options.timeout;
        let events = self.open(call).unwrap_or_else(stream::failed);
        match timeout {
            Some(timeout) => stream::with_deadline(events, timeout),
            None => events,
        }
    }

    fn open(&self, call: Call) -> Result<EventStream> {
        let Call { mut request, mut options, passed_on } = call;
        #[cfg(not(feature = "local"))]
        let _ = &mut request;
        request.check()?;
        if let Some(mock) = options.mock.take() {
            return Ok(self.mocked(mock, request, &passed_on, &options));
        }
        match self.resolve(&request.model, &options)? {
            #[cfg(feature = "local")]
            Target::Local(model) => {
                request.model.clone_from(&model.name);
                Ok(self.local(model, request, &options))
            }
            #[cfg(not(feature = "local"))]
            Target::Local(model) => match model {},
            Target::Hosted { provider, model, .. } => {
                let message = format!("this version does not call {} yet", provider.name);
                Err(Error::new(Kind::UnknownProvider, message)
                    .target(provider.id, &model)
                    .hint(format!("to run offline: model=\"{}\"", crate::OFFLINE_MODEL)))
            }
        }
    }

    fn mocked(
        &self,
        mock: Mock,
        mut request: Request,
        passed_on: &[String],
        options: &Options,
    ) -> EventStream {
        if request.model.is_empty() {
            request.model = self.default_model().0;
        }
        let events = mock.events(&request).map(|mut events| {
            let warn = |name| {
                Event::set("warning", format!("{name} is not known and goes to the provider as it is"))
            };
            events.extend(passed_on.iter().map(warn));
            events
        });
        let events = events.map_or_else(stream::failed, stream::ready);
        match options.mock_delay {
            Some(delay) => {
                let slept = async move { tokio::time::sleep(delay).await };
                slept.map(|()| events).into_stream().flatten().boxed()
            }
            None => events,
        }
    }

    #[cfg(feature = "local")]
    fn local(&self, model: crate::local::LocalModel, request: Request, options: &Options) -> EventStream {
        use antiphon_core::Backend;

        let client = self.clone();
        let engine_options = crate::local::engine_options(&options.local, self.config());
        let opened = async move {
            match client.inner.engines.get(&model, engine_options).await {
                Ok(engine) => engine.call(request),
                Err(error) => stream::failed(error),
            }
        };
        opened.into_stream().flatten().boxed()
    }

    /// What is known of a local model; loads it.
    #[cfg(feature = "local")]
    pub async fn model_info(&self, model: &crate::local::LocalModel) -> Result<crate::local::ModelInfo> {
        let options = crate::local::engine_options(&crate::local::LocalOptions::default(), self.config());
        Ok(self.inner.engines.get(model, options).await?.info().clone())
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
