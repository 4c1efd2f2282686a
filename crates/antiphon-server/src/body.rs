//! Reading a request's body, within limits of size and time.

use std::time::Duration;

use antiphon::{Error, Kind, Result};
use axum::body::Body;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;

use crate::ticket::Caller;

/// How long a client may send nothing in the middle of a body.
const IDLE: Duration = Duration::from_secs(10);

/// How long a whole body may take.
const TOTAL: Duration = Duration::from_secs(120);

/// A body that is too large is read on for so long and so far, for most clients read no answer before they
/// have sent everything.
const OVERRUN: Duration = Duration::from_secs(5);
const OVERRUN_BYTES: usize = 256 << 20;

/// All of the request's body.
pub(crate) async fn read(caller: &Caller, request: Request) -> Result<Bytes> {
    let limit = caller.live.settings.max_body();
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let waits = request.headers().contains_key(EXPECT);
    let mut body = request.into_body();
    if length.is_some_and(|length: usize| length > limit) {
        if !waits {
            overrun(&mut body).await;
        }
        return Err(too_large(limit));
    }
    let read = collect(&mut body, limit, length.unwrap_or_default());
    match tokio::time::timeout(TOTAL, read).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            overrun(&mut body).await;
            Err(too_large(limit))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(slow(TOTAL)),
    }
}

/// The body; `None` where it is larger than the limit.
async fn collect(body: &mut Body, limit: usize, length: usize) -> Result<Option<Bytes>> {
    let mut whole = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(IDLE, body.frame()).await.map_err(|_| slow(IDLE))?;
        let Some(frame) = frame else { return Ok(Some(whole.freeze())) };
        let frame =
            frame.map_err(|_| Error::new(Kind::InvalidRequest, "the body broke off before its end"))?;
        let Ok(bytes) = frame.into_data() else { continue };
        if whole.len() + bytes.len() > limit {
            return Ok(None);
        }
        // Most bodies are one piece, which need not be copied.
        if whole.is_empty() && (bytes.len() >= length && length > 0) {
            return Ok(Some(bytes));
        }
        whole.extend_from_slice(&bytes);
    }
}

async fn overrun(body: &mut Body) {
    let rest = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > OVERRUN_BYTES {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(OVERRUN, rest).await;
}

fn too_large(limit: usize) -> Error {
    let message = format!("the body is larger than the {} MiB that this server takes", limit >> 20);
    Error::new(Kind::PayloadTooLarge, message)
}

fn slow(after: Duration) -> Error {
    Error::new(Kind::Timeout, format!("the body did not come within {after:?}"))
}
