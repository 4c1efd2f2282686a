//! What a server is asked beside answers of models: its files, its jobs, the models that it has. One request,
//! one answer in JSON, by the same way as a call: address, key and dialect of the provider's row, the total
//! deadline, retries, the transport.
//!
//! What changes something and cannot be repeated without changing it again, a `POST`, is sent again only where
//! the server says that it did nothing (429 and 503).

use std::sync::Arc;

use antiphon_core::dialects::{self, Dialect};
use antiphon_core::{Error, Kind, Result};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::deadline::passed;
use super::trail::{Trail, UnderWay};
use super::until_retry;
use crate::attempt::accepted;
use crate::call::{Options, Waits};
use crate::client::Client;
use crate::prepare::{add_headers, endpoint};
use crate::resolve::Hosted;
use crate::transport::{HttpRequest, Transport};

/// A request that is no call of a model.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Below the provider's address (`/v1/files`). Errors have it where those of a call have the model.
    pub path: String,
    /// What is sent along.
    pub payload: Option<Payload>,
}

/// Bytes, and what they are.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Their media type (`application/json`).
    pub media_type: String,
    /// They themselves.
    pub bytes: Bytes,
}

impl Payload {
    /// A value as JSON.
    pub fn json(value: &Value) -> Self {
        Self { media_type: "application/json".to_owned(), bytes: value.to_string().into() }
    }
}

impl Client {
    /// Asks the provider of that id something that is no call of a model, and returns its JSON.
    pub async fn exchange(&self, provider: &str, exchange: Exchange, options: &Options) -> Result<Value> {
        let row = self
            .provider(provider)?
            .ok_or_else(|| Error::new(Kind::UnknownProvider, format!("there is no provider {provider:?}")))?;
        let hosted = Arc::new(self.hosted(row, exchange.path.trim_start_matches('/'), options)?);
        let id = row.completions.unwrap_or(row.dialect);
        let dialect = dialects::by_id(id)
            .ok_or_else(|| Error::new(Kind::Internal, format!("there is no dialect {id:?}")))?;
        let request = request(&hosted, exchange, options)?;
        let after = options.timeout.unwrap_or(Waits::DEFAULT_TOTAL);
        let latest = Instant::now() + after;
        let trail = Arc::new(Trail::default());
        let sent = repeat(self, &hosted, dialect, request, options, &trail, latest);
        let outcome = timeout_at(latest, sent).await.unwrap_or_else(|_| Err(passed(after)));
        outcome.map_err(|error| trail.onto(error))
    }
}

fn request(hosted: &Hosted, exchange: Exchange, options: &Options) -> Result<HttpRequest> {
    let Exchange { method, path, payload } = exchange;
    let mut headers = HeaderMap::with_capacity(8);
    if let Some(payload) = &payload {
        let media_type = HeaderValue::try_from(&payload.media_type);
        let media_type = media_type.map_err(|_| Error::invalid("media_type", "cannot stand in a header"))?;
        headers.insert(CONTENT_TYPE, media_type);
    }
    add_headers(&mut headers, hosted, options)?;
    Ok(HttpRequest {
        method,
        url: endpoint(&hosted.base_url, &path, &[])?,
        headers,
        body: payload.map(|payload| payload.bytes).unwrap_or_default(),
        connect_timeout: options.waits.connect,
        h2: hosted.provider.quirks.h2,
    })
}

/// Sends the request until it is answered.
async fn repeat(
    client: &Client,
    hosted: &Arc<Hosted>,
    dialect: &dyn Dialect,
    request: HttpRequest,
    options: &Options,
    trail: &Arc<Trail>,
    latest: Instant,
) -> Result<Value> {
    let owner = (hosted.provider.id, client.fingerprint(hosted));
    for retries in 0.. {
        options.count_request();
        let mut under_way = UnderWay::new(trail, hosted);
        let error = match send(client.transport(), request.clone(), dialect).await {
            Ok(answer) => {
                under_way.ended();
                client.budgets().answered(owner, retries);
                return Ok(answer);
            }
            Err(error) => under_way.failed(error),
        };
        if request.method == "POST" && !matches!(error.received_status(), Some(429 | 503)) {
            return Err(error);
        }
        until_retry(client, options, owner, error, retries, latest).await?;
    }
    unreachable!("retries are counted up to their limit")
}

async fn send(transport: &dyn Transport, request: HttpRequest, dialect: &dyn Dialect) -> Result<Value> {
    let response = accepted(dialect, transport.send(request).await?).await?;
    let status = response.status;
    let add = |mut whole: Vec<u8>, piece: Bytes| {
        whole.extend_from_slice(&piece);
        std::future::ready(Ok(whole))
    };
    let bytes = response.body.try_fold(Vec::new(), add).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("the server's answer is no JSON: {error}");
        Error::new(Kind::ResponseValidation, message)
            .status(status)
            .raw(String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]))
    })
}
