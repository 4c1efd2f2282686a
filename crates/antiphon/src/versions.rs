//! Which version a server of one's own is, where what it understands depends on it: asked once, and again where it
//! failed since, or some minutes have passed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use antiphon_core::{Error, Guided, Kind, Request};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::HeaderMap;
use reqwest::Url;
use serde_json::Value;
use tokio::time::Instant;

use crate::client::Client;
use crate::resolve::Hosted;
use crate::structured::Spelling;
use crate::transport::HttpRequest;

/// How long the server may take to say it.
const WAIT: Duration = Duration::from_secs(2);

/// How long what it said is believed.
const KNOWN: Duration = Duration::from_secs(300);

/// How long nothing is asked of one that does not say.
const UNKNOWN: Duration = Duration::from_secs(60);

/// The first vLLM that knows `structured_outputs` alone.
const NESTED: (u32, u32) = (0, 12);

/// Builds from source have such a version where no tag was there to tell: it says nothing.
const LEAST: (u32, u32) = (0, 2);

/// Nobody says a version in more bytes.
const MAX_BODY: usize = 4096;

type Version = (u32, u32);

/// The versions of servers, by their addresses; `None` where one does not say.
#[derive(Default)]
pub(crate) struct Versions(Mutex<HashMap<String, (Option<Version>, Instant)>>);

impl Versions {
    fn known(&self) -> MutexGuard<'_, HashMap<String, (Option<Version>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, hosted: &Hosted) -> Option<Option<Version>> {
        let known = self.known();
        let (version, at) = known.get(&*hosted.base_url)?;
        let good_for = if version.is_some() { KNOWN } else { UNKNOWN };
        (at.elapsed() < good_for).then_some(*version)
    }

    /// A server that failed so may be another one next time.
    pub(crate) fn doubt(&self, hosted: &Hosted, error: &Error) {
        let failed = [Kind::Connection, Kind::ServiceUnavailable, Kind::BadGateway, Kind::StreamInterrupted];
        if hosted.provider.quirks.guided == Guided::Vllm && failed.contains(&error.kind()) {
            self.known().remove(&*hosted.base_url);
        }
    }
}

impl Client {
    /// In whose words the server is asked for a guided answer; asks which version it is where that decides.
    pub(crate) async fn spelling(&self, hosted: &Hosted, request: &Request) -> Spelling {
        let decides =
            hosted.provider.quirks.guided == Guided::Vllm && request.params.guided().next().is_some();
        if decides && self.versions().get(hosted).is_none() {
            let version = self.ask_version(&hosted.base_url).await;
            self.versions().known().insert(hosted.base_url.to_string(), (version, Instant::now()));
        }
        self.known_spelling(hosted)
    }

    /// The same, by what is known already.
    pub(crate) fn known_spelling(&self, hosted: &Hosted) -> Spelling {
        match hosted.provider.quirks.guided {
            Guided::AsGiven => Spelling::AsGiven,
            Guided::Sglang => Spelling::Sglang,
            Guided::Tgi => Spelling::Tgi,
            Guided::Vllm => match self.versions().get(hosted).flatten() {
                Some(version) if version >= NESTED => Spelling::Nested,
                Some(_) => Spelling::AsGiven,
                None => Spelling::Both,
            },
        }
    }

    async fn ask_version(&self, base_url: &str) -> Option<Version> {
        let request = HttpRequest {
            method: "GET",
            url: version_url(base_url)?,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            connect_timeout: WAIT,
            h2: false,
        };
        let answer = async {
            let response = self.transport().send(request).await.ok().filter(|answer| answer.status == 200)?;
            let add = |mut whole: Vec<u8>, piece: Bytes| {
                whole.extend_from_slice(&piece[..piece.len().min(MAX_BODY - whole.len())]);
                std::future::ready(Ok(whole))
            };
            let body = response.body.try_fold(Vec::new(), add).await.ok()?;
            parse(serde_json::from_slice::<Value>(&body).ok()?.get("version")?.as_str()?)
        };
        tokio::time::timeout(WAIT, answer).await.ok().flatten()
    }
}

/// `/version` stands beside `/v1`.
fn version_url(base_url: &str) -> Option<Url> {
    let mut url = Url::parse(base_url.trim()).ok()?;
    let path = url.path().trim_end_matches('/');
    let path = path.split("/v1").next().unwrap_or_default();
    url.set_path(&format!("{path}/version"));
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

fn parse(text: &str) -> Option<Version> {
    let mut parts = text.trim_start_matches('v').split('.');
    let mut number = || parts.next()?.parse().ok();
    Some((number()?, number()?)).filter(|version| *version >= LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_vllm_writes_them() {
        for (text, expected) in [
            ("0.12.0", Some((0, 12))),
            ("0.11.1rc2.dev3+gabc", Some((0, 11))),
            ("v1.0.0", Some((1, 0))),
            ("0.9.2.dev0+x", Some((0, 9))),
            ("0.1.dev1+gabc", None),
            ("dev", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_version_stands_beside_the_api() {
        for (base, expected) in [
            ("http://a:8000/v1", "http://a:8000/version"),
            ("http://a:8000/v1/chat/completions", "http://a:8000/version"),
            ("http://a:8000", "http://a:8000/version"),
            ("https://a/llama/v1/?x=1", "https://a/llama/version"),
        ] {
            assert_eq!(version_url(base).unwrap().as_str(), expected);
        }
    }
}
