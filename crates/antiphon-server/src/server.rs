//! The server as a whole: binding, running, and what can be said to it while it runs.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use antiphon::{Error, Kind, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::app::App;
use crate::listen;
use crate::settings::{Options, Settings};
use crate::tls;

/// How long after one look at the servers of upstreams the next one comes.
const CHECKS_APART: Duration = Duration::from_secs(5);

/// A server that has its port and takes no connection yet.
pub struct Server {
    shared: Arc<Shared>,
    listener: TcpListener,
    address: SocketAddr,
}

/// What the server and its handles share.
pub(crate) struct Shared {
    pub(crate) app: Arc<App>,
    /// `None` without TLS.
    pub(crate) tls: RwLock<Option<TlsAcceptor>>,
    /// Whether the server shall stop.
    pub(crate) stop: watch::Sender<bool>,
}

/// Says things to a running server. Cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Server {
    /// Reads the configuration and takes the port.
    pub async fn bind(options: Options) -> Result<Self> {
        let app = App::new(options)?;
        let live = app.live();
        let settings = &live.settings;
        let tls = RwLock::new(tls::acceptor(settings)?);
        let host = settings.host.trim_start_matches('[').trim_end_matches(']');
        let cannot = |error: std::io::Error| {
            Error::new(Kind::Config, format!("cannot listen on {host}, port {}: {error}", settings.port))
                .hint("choose another with --port; 0 is any free one")
        };
        let listener = TcpListener::bind((host, settings.port)).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let stop = watch::Sender::new(false);
        Ok(Self { shared: Arc::new(Shared { app, tls, stop }), listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL.
    pub fn url(&self) -> String {
        let tls = self.shared.tls.read().unwrap_or_else(PoisonError::into_inner).is_some();
        format!("{}://{}", if tls { "https" } else { "http" }, self.address)
    }

    /// What speaks to the server while it runs.
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Answers until [`Handle::shutdown`], and then until what is under way is over, or for as long as
    /// `drain_seconds` says.
    pub async fn run(self) -> Result<()> {
        let app = self.shared.app.clone();
        if let Err(error) = app.kept.jobs.resume(&app).await {
            tracing::error!(target: "antiphon::serve", %error, "batch jobs are not gone on with");
        }
        let checks = tokio::spawn(check_upstreams(app.clone()));
        let outcome = listen::run(self.shared, self.listener).await;
        checks.abort();
        // What they had under way is asked again at the next start.
        app.kept.jobs.stop_all();
        outcome
    }
}

/// Asks the servers of upstreams how they are, again and again.
async fn check_upstreams(app: Arc<App>) {
    loop {
        let client = app.live().client.clone();
        client.check_upstreams().await;
        tokio::time::sleep(CHECKS_APART).await;
    }
}

impl Handle {
    /// Reads the configuration, the keys, the aliases and the certificate again. Where anything is wrong,
    /// everything stays as it was. No request notices.
    pub fn reload(&self) -> Result<()> {
        let Shared { app, tls, .. } = &*self.0;
        let old = app.live();
        let new = app.reread()?;
        let acceptor = tls::acceptor(&new.settings)?;
        let place = |settings: &Settings| (settings.host.clone(), settings.port, settings.tls_cert.is_some());
        if place(&new.settings) != place(&old.settings) {
            let message = "host, port, and whether there is TLS, change only by a restart";
            return Err(Error::new(Kind::Config, message));
        }
        *tls.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        app.replace(new);
        Ok(())
    }

    /// [`Handle::reload`], whose outcome stands in the log.
    pub fn reload_and_tell(&self) {
        match self.reload() {
            Ok(()) => tracing::info!(target: "antiphon::serve", "the configuration was read again"),
            Err(error) => {
                tracing::error!(target: "antiphon::serve", %error, "the configuration stays as it was");
            }
        }
    }

    /// Takes no further connection, and ends [`Server::run`] once what is under way is over.
    pub fn shutdown(&self) {
        self.0.app.drain();
        self.0.stop.send_replace(true);
    }
}
