//! Whether a server says that it is ready: one `GET` of its health path, without any key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use super::Pool;
use crate::transport::{HttpRequest, Transport};

/// How long it may take to say so.
const WAIT: Duration = Duration::from_secs(5);

/// How long it may take to be reached.
const CONNECT: Duration = Duration::from_secs(2);

/// Asks the server in that place and notes what it says; nothing where it has no health path.
pub(crate) async fn run(transport: &dyn Transport, pool: &Arc<Pool>, place: usize) {
    let Some(url) = pool.health_url(place) else { return };
    let request = HttpRequest {
        method: "GET",
        url: url.clone(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        connect_timeout: CONNECT,
        h2: false,
    };
    let answer = tokio::time::timeout(WAIT, transport.send(request)).await;
    pool.checked(place, matches!(answer, Ok(Ok(response)) if (200..300).contains(&response.status)));
}
