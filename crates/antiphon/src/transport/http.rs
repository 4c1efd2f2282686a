//! HTTP over the network, by reqwest, with all of its own policy off.
//!
//! HTTP/1.1 is what is spoken, a connection a request, so that no request waits behind another. A provider
//! whose quirk is HTTP/2 gets as many connections as its calls in flight need.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon_core::{Error, Kind, Result};
use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use http_body::Body as _;
use reqwest::{Certificate, Client, ClientBuilder, Proxy, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;

use super::failure;
use super::resolver::{Lookup, Resolver, SystemLookup};
use super::{HttpRequest, HttpResponse, Transport};
use crate::env_vars;

/// How many requests share one HTTP/2 connection: below the 100 streams that servers commonly allow.
const STREAMS_A_CONNECTION: usize = 90;

/// How long a connection is kept for the next call. Most servers close theirs after 60 seconds or more.
const KEEP_IDLE: Duration = Duration::from_secs(50);

/// What a user can set about the network.
#[derive(Debug, Clone, Default)]
pub struct HttpOptions {
    /// A proxy for every request, in place of those of the environment.
    pub proxy: Option<SecretString>,
    /// PEM text of certificates to trust beside those of the system.
    pub ca_pem: Option<Vec<u8>>,
}

/// The network.
pub struct Http {
    options: HttpOptions,
    lookup: Arc<dyn Lookup>,
    /// Whether some proxy may have to be spoken to, perhaps by TLS.
    proxied: bool,
    clients: Mutex<HashMap<Key, Vec<Shared>>>,
}

/// Requests that differ in this cannot share a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// A connection is driven by the runtime that it was opened in: it ends with that one, and another one's
    /// thread has to be woken for each of its pieces.
    runtime: Option<tokio::runtime::Id>,
    connect_timeout: Duration,
    h2: bool,
    tls: bool,
}

/// A client, and how many requests it has in flight.
#[derive(Clone)]
struct Shared {
    client: Client,
    in_flight: Arc<AtomicUsize>,
}

/// One request in flight on a client.
struct Ticket(Arc<AtomicUsize>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Http {
    /// The network, with these options.
    pub fn new(options: HttpOptions) -> Self {
        Self::with_lookup(options, Arc::new(SystemLookup))
    }

    /// The same, with names looked up by `lookup`.
    pub fn with_lookup(options: HttpOptions, lookup: Arc<dyn Lookup>) -> Self {
        let proxied = options.proxy.is_some() || env_vars::has_proxy();
        Self { options, lookup, proxied, clients: Mutex::default() }
    }

    /// A client with room for one more request.
    fn client(&self, key: Key) -> Result<(Client, Ticket)> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = clients.entry(key).or_default();
        let limit = if key.h2 { STREAMS_A_CONNECTION } else { usize::MAX };
        let free = alike.iter().position(|shared| shared.in_flight.load(Ordering::Relaxed) < limit);
        let at = match free {
            Some(at) => at,
            None => {
                alike.push(Shared { client: self.build(key)?, in_flight: Arc::default() });
                alike.len() - 1
            }
        };
        let Shared { client, in_flight } = &alike[at];
        in_flight.fetch_add(1, Ordering::Relaxed);
        Ok((client.clone(), Ticket(in_flight.clone())))
    }

    fn build(&self, key: Key) -> Result<Client> {
        choose_cryptography();
        let mut builder = ClientBuilder::new()
            .user_agent(concat!("antiphon/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(key.connect_timeout)
            .pool_idle_timeout(KEEP_IDLE)
            .tcp_nodelay(true)
            .dns_resolver(Resolver(self.lookup.clone()));
        if !key.h2 {
            builder = builder.http1_only();
        }
        if let Some(proxy) = &self.options.proxy {
            let proxy = Proxy::all(proxy.expose_secret());
            let proxy = proxy.map_err(|_| Error::new(Kind::Config, "http.proxy: is no URL of a proxy"))?;
            builder = builder.proxy(proxy);
        }
        builder = match &self.options.ca_pem {
            // Reading the system's certificates takes longer than a whole call; without TLS none are needed.
            _ if !key.tls => builder.tls_certs_only([]),
            None => builder,
            Some(pem) => builder.tls_certs_merge(certificates(pem)?),
        };
        builder.build().map_err(|error| failure::no_client(&error))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>> {
    let certificates = Certificate::from_pem_bundle(pem).unwrap_or_default();
    if certificates.is_empty() {
        return Err(Error::new(Kind::Config, "ca_file: holds no certificate in PEM form"));
    }
    Ok(certificates)
}

/// rustls asks each process to choose once who does its cryptography.
fn choose_cryptography() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // An error means that the program around us chose already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

impl Transport for Http {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let tls = request.url.scheme() == "https" || self.proxied;
        let runtime = Handle::try_current().ok().map(|handle| handle.id());
        let key = Key { runtime, connect_timeout: request.connect_timeout, h2: request.h2, tls };
        let client = self.client(key);
        Box::pin(async move {
            let (client, ticket) = client?;
            let HttpRequest { method, url, headers, body, connect_timeout, .. } = request;
            let target = url.clone();
            let method = reqwest::Method::from_bytes(method.as_bytes());
            let method = method.map_err(|_| Error::new(Kind::Internal, "the method is none of HTTP's"))?;
            let mut outgoing = reqwest::Request::new(method, url);
            *outgoing.headers_mut() = headers;
            *outgoing.body_mut() = Some(body.into());
            let answer = client.execute(outgoing).await;
            let answer = answer.map_err(|error| failure::of_send(&error, &target, connect_timeout))?;
            let (head, body) = ::http::Response::<reqwest::Body>::from(answer).into_parts();
            let body = Box::pin(Body { body, _ticket: ticket });
            Ok(HttpResponse { status: head.status.as_u16(), headers: head.headers, body })
        })
    }
}

/// A body as a stream of its bytes; trailers are passed over.
struct Body {
    body: reqwest::Body,
    _ticket: Ticket,
}

impl Stream for Body {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(failure::of_body(&error)))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }
}
