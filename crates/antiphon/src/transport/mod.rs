//! The only I/O of a hosted call: one HTTP exchange, without any policy.
//!
//! [`Http`] is the real one, [`Scripted`] plays given answers. Deadlines, retries and fallbacks stand in
//! `policy`; what the bytes mean stands in the dialects.

mod failure;
mod http;
mod resolver;
mod scripted;

use std::pin::Pin;
use std::time::Duration;

use ::http::HeaderMap;
use antiphon_core::Result;
use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use reqwest::Url;

pub(crate) use failure::proxy_wants_credentials;
pub use http::{Http, HttpOptions};
pub use resolver::{Found, Lookup, SystemLookup};
pub use scripted::{Play, Scripted};

/// Sends requests.
pub trait Transport: Send + Sync {
    /// Sends one request; the answer is there once its head is. Dropping the future or the body closes the
    /// connection that it came over, unless it was read to its end.
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>>;
}

/// One request, as it goes out. Its `Debug` shows no header that is marked as sensitive.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// `POST`, mostly.
    pub method: &'static str,
    /// Where to.
    pub url: Url,
    /// Every header; those that hold a secret are marked as sensitive.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// Whether HTTP/2 may be spoken.
    pub h2: bool,
}

/// The bytes of an answer's body, as they come.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// One answer, whose head has come.
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decompressed.
    pub body: BodyStream,
}

impl HttpResponse {
    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
