//! What the HTTP client says went wrong, in words that name the cause and no secret.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use antiphon_core::dialects::excerpt::excerpt;
use antiphon_core::{Error, Kind};
use reqwest::Url;

use super::resolver::NotFound;

/// Everything below an error, itself first.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).flat_map(inside_io).find_map(|cause| cause.downcast_ref())
}

/// An `io::Error` may carry another error, often one of its own kind, that its `source` passes over.
fn inside_io<'a>(cause: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(cause), |cause| {
        let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
        Some(inner)
    })
}

/// Whether some layer is an `io::Error` of one of these kinds.
fn is_io(error: &(dyn StdError + 'static), kinds: &[io::ErrorKind]) -> bool {
    let io = |cause: &(dyn StdError + 'static)| cause.downcast_ref().map(io::Error::kind);
    causes(error).flat_map(inside_io).filter_map(io).any(|kind| kinds.contains(&kind))
}

/// The innermost words: those around them only say which layer passed the error on.
fn root(error: &(dyn StdError + 'static)) -> String {
    excerpt(&causes(error).last().unwrap_or(error).to_string())
}

fn says(error: &(dyn StdError + 'static), words: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(words))
}

/// Scheme, host and port: an address may hold a password or a key besides.
fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

pub(super) fn no_client(error: &reqwest::Error) -> Error {
    Error::new(Kind::Config, format!("cannot set up TLS: {}", root(error)))
        .hint("install the system's certificates (ca-certificates), or set SSL_CERT_FILE")
}

/// No answer came.
pub(super) fn of_send(error: &reqwest::Error, url: &Url, connect_timeout: Duration) -> Error {
    let place = place(url);
    if let Some(NotFound { temporary }) = find::<NotFound>(error) {
        let why = if *temporary { "the name server does not answer" } else { "there is no such host" };
        return Error::new(Kind::Connection, format!("{place}: {why}")).retryable(*temporary);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return not_trusted(&place, &tls.to_string());
    }
    if says(error, "tls handshake eof") {
        return not_trusted(&place, "the connection was closed during the handshake");
    }
    if says(error, "proxy authorization required") {
        return proxy_wants_credentials();
    }
    if says(error, "tunnel error: unsuccessful") {
        let message = format!("the proxy refuses to connect to {place}");
        return Error::new(Kind::Connection, message).retryable(false);
    }
    if error.is_connect() && error.is_timeout() {
        let message = format!("{place}: the connect deadline of {connect_timeout:?} passed");
        return Error::new(Kind::Timeout, message).retryable(true);
    }
    if error.is_connect() {
        return Error::new(Kind::Connection, format!("cannot connect to {place}: {}", root(error)));
    }
    if error.is_builder() {
        return Error::new(Kind::Config, format!("the request cannot be sent: {}", root(error)));
    }
    let words = root(error);
    let message = if is_io(error, &[io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe]) {
        format!("{place} closed the connection before it answered ({words})")
    } else if says(error, "connection closed before message completed") {
        format!("{place} closed the connection before it answered")
    } else {
        format!("no answer from {place}: {words}")
    };
    Error::new(Kind::Connection, message)
}

fn not_trusted(place: &str, why: &str) -> Error {
    Error::new(Kind::Connection, format!("{place}: no secure connection: {}", excerpt(why)))
        .retryable(false)
        .hint("a server with a certificate of its own needs SSL_CERT_FILE, or ca_file in config.toml")
}

/// By the status 407, or by a tunnel that was not opened.
pub(crate) fn proxy_wants_credentials() -> Error {
    Error::new(Kind::Connection, "the proxy asks for credentials (status 407)")
        .status(407)
        .retryable(false)
        .hint("put them into the proxy's address: HTTPS_PROXY=http://user:password@host:port")
}

/// The answer began and broke off.
pub(super) fn of_body(error: &reqwest::Error) -> Error {
    // What the decoder says stands right below; the connection's own errors are hyper's first.
    let decoder = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    if decoder.is_some() && !is_broken(error) {
        let message = format!("the answer's compression is damaged: {}", root(error));
        return Error::new(Kind::ResponseValidation, message);
    }
    Error::new(Kind::StreamInterrupted, format!("the connection broke during the answer: {}", root(error)))
}

/// Whether bytes are missing, rather than wrong.
fn is_broken(error: &reqwest::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    is_io(error, &[BrokenPipe, ConnectionReset, UnexpectedEof]) || says(error, "end of file before")
}
