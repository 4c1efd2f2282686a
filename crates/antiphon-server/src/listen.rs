//! Connections: accepted, limited, spoken to in HTTP/1.1, and drained at the end.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use antiphon::{Error, Kind, Result};
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::gate;
use crate::server::Shared;
use crate::workers::Workers;

/// How long the head of a request may take to come, and a connection may idle between two.
const HEADER_WAIT: Duration = Duration::from_secs(10);

/// How long a TLS handshake may take.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// Bytes of a request's head, and how many headers.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 100;

/// Where no connection can be accepted, mostly for want of file descriptors, some are given time to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the server shall stop, and waits for what is under way.
pub(crate) async fn run(shared: Arc<Shared>, listener: TcpListener) -> Result<()> {
    let workers = Workers::start()
        .map_err(|error| Error::new(Kind::Internal, format!("cannot start a thread: {error}")))?;
    let graceful = GracefulShutdown::new();
    // Ends connections that are still open when the time to drain is over.
    let cut = watch::Sender::new(false);
    let mut stop = shared.stop.subscribe();
    loop {
        tokio::select! {
            biased;
            () = raised(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // It is the worker's from here on, and no more of this thread's.
                    let Ok(stream) = stream.into_std() else { continue };
                    let connection = connection(shared.clone(), stream, graceful.watcher());
                    let mut cut = cut.subscribe();
                    workers.give(async move {
                        tokio::select! {
                            () = connection => {}
                            () = raised(&mut cut) => {}
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(target: "antiphon::serve", %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let drain = shared.app.live().settings.drain();
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(target: "antiphon::serve", ?drain, "answers are cut that took longer than the time to drain");
    }
    cut.send_replace(true);
    Ok(())
}

/// Waits until the flag is raised, or nobody is left who could.
async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|is_raised| *is_raised).await;
}

async fn connection(shared: Arc<Shared>, stream: std::net::TcpStream, watcher: Watcher) {
    let Ok(stream) = TcpStream::from_std(stream) else { return };
    // Pieces of a stream are small, and waiting to fill a packet would show.
    let _ = stream.set_nodelay(true);
    let tls = shared.tls.read().unwrap_or_else(PoisonError::into_inner).clone();
    match tls {
        None => speak(shared, stream, watcher).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_WAIT, tls.accept(stream)).await {
                speak(shared, stream, watcher).await;
            }
        }
    }
}

async fn speak(
    shared: Arc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    watcher: Watcher,
) {
    let app = shared.app.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = gate::handle(app.clone(), request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // What breaks here is the client's connection; its requests have told of themselves.
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(target: "antiphon::serve", %error, "connection");
    }
}
