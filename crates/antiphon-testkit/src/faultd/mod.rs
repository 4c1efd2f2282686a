//! A scripted upstream on loopback, at the level of the socket.
//!
//! Tools that mock HTTP cannot cut a socket. This one writes bytes: it answers, streams, drips, hangs, closes
//! and resets where a [`Script`] says, records what came in and when the peer left, and speaks TLS and
//! HTTP/2.
//!
//! ```
//! use antiphon_testkit::faultd::{Faultd, Reply, Script, openai};
//! use std::time::Duration;
//!
//! let upstream = Faultd::start(
//!     Script::new()
//!         .reply(openai::error(429, "requests", "rate_limit", "slow down").header("retry-after", "1"))
//!         .reply(Reply::sse(["1", "2"]).every(20).cut_after_bytes(120).reset())
//!         .forever(openai::text("hi")),
//! );
//! let url = format!("{}/v1", upstream.url());
//! # assert!(url.starts_with("http://127.0.0.1:"));
//! assert!(!upstream.wait_for(|record| record.requests.len() == 1, Duration::from_millis(1)));
//! ```
//!
//! It runs on a runtime in a thread of its own, so a test may block, pause its clock or have no runtime at
//! all. Dropping it stops it and closes its sockets. The command `faultd` is the same for other languages.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

mod auto;
mod conductor;
mod data;
mod http1;
mod http2;
mod plan;
mod ports;
mod record;
mod script;
mod server;
mod tls;
mod wire;

pub mod anthropic;
pub mod openai;

pub use auto::{Auto, Tongue};
pub use data::Data;
pub use ports::{FullBacklog, RefusedPort, full_backlog, refused_port};
pub use record::{Closed, Connection, How, Received, Record};
pub use script::{Cut, End, Framing, OnConnect, Read, Reply, Script, Step, Then, When};
pub use tls::Certificate;

use conductor::Conductor;
use record::Ledger;
use server::Stage;

/// How an upstream listens.
#[derive(Debug, Clone)]
pub struct Options {
    tls: Option<Certificate>,
    alpn: Vec<String>,
    max_concurrent_streams: u32,
    records: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: None,
            alpn: vec!["h2".into(), "http/1.1".into()],
            max_concurrent_streams: 100,
            records: true,
        }
    }
}

impl Options {
    /// Plain HTTP; HTTP/2 where the client starts with it.
    pub fn new() -> Self {
        Self::default()
    }

    /// TLS with such a certificate.
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.tls = Some(certificate);
        self
    }

    /// What ALPN offers, best first. By default `h2` and `http/1.1`.
    pub fn alpn<T: Into<String>>(mut self, protocols: impl IntoIterator<Item = T>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// How many streams an HTTP/2 connection allows at once. By default 100.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.max_concurrent_streams = streams;
        self
    }

    /// Counts only, for benchmarks: requests and connections are not kept.
    pub fn unrecorded(mut self) -> Self {
        self.records = false;
        self
    }

    /// Starts to listen.
    pub fn start(self, script: impl Into<Script>) -> Faultd {
        Faultd::with(self, script.into())
    }
}

/// A running upstream.
pub struct Faultd {
    stage: Arc<Stage>,
    port: u16,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Faultd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faultd").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Faultd {
    /// Listens on a free port of 127.0.0.1, with plain HTTP. Blocks no longer than binding takes.
    pub fn start(script: impl Into<Script>) -> Self {
        Options::new().start(script)
    }

    fn with(options: Options, script: Script) -> Self {
        let listener = server::bind(0).expect("a free port of 127.0.0.1");
        let port = listener.local_addr().expect("it is bound").port();
        let stage = Arc::new(Stage {
            conductor: Conductor::new(script),
            ledger: Ledger::new(options.records),
            tls: options.tls.map(|certificate| tls::Acceptor::new(certificate, &options.alpn)),
            max_concurrent_streams: options.max_concurrent_streams,
            listening: watch::Sender::new(true),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (stop, stopped) = oneshot::channel();
        let server = server::run(stage.clone(), listener, port);
        let thread = std::thread::Builder::new().name("faultd".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = server => {}
                    _ = stopped => {}
                }
            });
        });
        Self { stage, port, stop: Some(stop), thread: Some(thread.expect("a thread")) }
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`.
    pub fn url(&self) -> String {
        match self.stage.tls {
            Some(_) => format!("https://localhost:{}", self.port),
            None => format!("http://127.0.0.1:{}", self.port),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority behind its certificate (of a self-signed one: another, so that it is refused too).
    pub fn ca_pem(&self) -> Option<&str> {
        self.stage.tls.as_ref().map(|tls| tls.ca_pem.as_str())
    }

    /// Replaces the script. Answers under way go on; somebody listens again where nobody did.
    pub fn script(&self, script: impl Into<Script>) {
        self.stage.conductor.set(script.into());
        self.stage.listening.send_replace(true);
    }

    /// Whether somebody listens on the port. Open connections stay.
    pub fn listen(&self, listens: bool) {
        self.stage.listening.send_replace(listens);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Received> {
        self.stage.ledger.read(|record| record.requests.clone())
    }

    /// All that was recorded so far.
    pub fn record(&self) -> Record {
        self.stage.ledger.read(Record::clone)
    }

    /// Forgets the requests and the connections that are over. Numbers go on.
    pub fn clear(&self) {
        self.stage.ledger.clear();
    }

    /// Milliseconds since the start, as in the record.
    pub fn now_ms(&self) -> f64 {
        self.stage.ledger.now()
    }

    /// Blocks until the condition holds, and says whether it did in time. The condition looks at the record
    /// that it is given; asking this upstream from within it would wait for ever.
    #[must_use]
    pub fn wait_for(&self, condition: impl Fn(&Record) -> bool, within: Duration) -> bool {
        self.stage.ledger.wait(condition, within)
    }

    /// The same in a task; in real time, even where the clock is paused.
    pub async fn wait_for_async(
        &self,
        condition: impl Fn(&Record) -> bool + Send + 'static,
        within: Duration,
    ) -> bool {
        let stage = self.stage.clone();
        // A blocking task also keeps a paused clock from running ahead meanwhile.
        let waiting = tokio::task::spawn_blocking(move || stage.ledger.wait(condition, within));
        waiting.await.expect("the condition does not panic")
    }
}

impl Drop for Faultd {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed; the test fails by what it waits for.
            let _ = thread.join();
        }
    }
}

/// Where a text is cut in two; characters stay whole.
fn middle(text: &str) -> usize {
    (0..=text.len() / 2).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
