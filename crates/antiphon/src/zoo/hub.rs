//! What is asked of a hub: which files a repository has, what one of them is, and its bytes.
//!
//! The routes and headers are those that `huggingface_hub` uses: `GET /api/models/REPO` lists, and
//! `/REPO/resolve/COMMIT/FILE` tells a file's size and checksum in `X-Linked-Size` and `X-Linked-Etag` before it
//! redirects to where the bytes are. The token goes to the hub's own origin alone.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use antiphon_core::dialects::excerpt::excerpt;
use antiphon_core::{Error, Kind, Result};
use futures_util::StreamExt;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, LOCATION, RANGE};
use http::{HeaderMap, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{name, store};
use crate::base_url::BaseUrl;
use crate::env_vars;
use crate::policy::advice;
use crate::transport::{HttpRequest, HttpResponse, Transport};

const USUAL: &str = "https://huggingface.co";

/// How long a connection, and then an answer's head, may take to come.
const WAIT: Duration = Duration::from_secs(20);

/// A list of files is shorter than this.
const MAX_LIST: usize = 32 << 20;

/// A way of more steps leads in a circle.
const MAX_REDIRECTS: usize = 10;

/// A hub, and who asks it.
pub(super) struct Hub<'a> {
    transport: &'a dyn Transport,
    endpoint: Url,
    token: Option<SecretString>,
}

/// What a repository has.
pub(super) struct Repository {
    /// The commit that its main branch is at.
    pub(super) commit: String,
    /// Its files.
    pub(super) paths: Vec<String>,
}

/// A file of a repository, before its bytes.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    /// Its path there.
    pub(super) path: String,
    /// What its bytes are stored under: the SHA-256 of a large file, git's own of a small one.
    pub(super) etag: String,
    /// How many bytes it has.
    pub(super) size: u64,
}

impl Remote {
    /// The SHA-256 that its bytes must have, where that is what the hub told.
    pub(super) fn sha256(&self) -> Option<&str> {
        let is_sha256 = self.etag.len() == 64 && self.etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sha256.then_some(self.etag.as_str())
    }
}

/// An answer, and who gave it.
struct Answer {
    response: HttpResponse,
    url: Url,
}

#[derive(Deserialize)]
struct Listed {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl<'a> Hub<'a> {
    /// The hub that the environment names, or the usual one.
    pub(super) fn of_environment(transport: &'a dyn Transport) -> Result<Self> {
        if env_vars::read(env_vars::HF_HUB_OFFLINE).is_some_and(|value| is_true(&value)) {
            let message = "HF_HUB_OFFLINE is set: nothing is fetched";
            return Err(Error::new(Kind::Config, message));
        }
        let address = env_vars::read(env_vars::HF_ENDPOINT).unwrap_or_else(|| USUAL.to_owned());
        let wrong = || {
            let shown = BaseUrl::from(address.clone()).shown();
            Error::new(Kind::Config, format!("HF_ENDPOINT: {shown:?} is no address of a hub"))
                .hint(format!("as in HF_ENDPOINT={USUAL}"))
        };
        let endpoint = Url::parse(address.trim()).map_err(|_| wrong())?;
        if !matches!(endpoint.scheme(), "http" | "https") || !endpoint.username().is_empty() {
            return Err(wrong());
        }
        Ok(Self { transport, endpoint, token: token()? })
    }

    /// The hub's address, to be read by people.
    pub(super) fn shown(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }

    /// The files of a repository.
    pub(super) async fn list(&self, repository: &str) -> Result<Repository> {
        let url = self.url(&["api", "models"], repository, &[]);
        let answer = self.follow("GET", url, None, |_| false).await?;
        let response = self.accepted(answer, repository, None)?;
        let listed: Listed = serde_json::from_slice(&self.whole(response).await?)
            .map_err(|error| self.strange(&format!("its list of {repository} cannot be read: {error}")))?;
        let is_commit = listed.sha.len() == 40 && listed.sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_commit {
            return Err(self.strange(&format!("{:?} is no commit of {repository}", excerpt(&listed.sha))));
        }
        // What cannot lie below our folder is not looked at.
        let paths = listed.siblings.into_iter().map(|sibling| sibling.rfilename);
        let paths = paths.filter(|path| name::check_path(path).is_ok()).collect();
        Ok(Repository { commit: listed.sha, paths })
    }

    /// What a file is: its size and checksum.
    pub(super) async fn describe(&self, repository: &str, commit: &str, path: &str) -> Result<Remote> {
        let url = self.file(repository, commit, path);
        // Where the bytes are nobody knows the hub's own checksum.
        let told = |response: &HttpResponse| response.header("x-linked-etag").is_some();
        let answer = self.follow("HEAD", url, None, told).await?;
        let response = if told(&answer.response) {
            answer.response
        } else {
            self.accepted(answer, repository, Some(path))?
        };
        let header = |names: [&str; 2]| names.into_iter().find_map(|name| response.header(name));
        let etag = header(["x-linked-etag", "etag"]).unwrap_or_default();
        let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let size = header(["x-linked-size", "content-length"]).and_then(|size| size.parse().ok());
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        match size {
            Some(size) if (8..=128).contains(&etag.len()) && etag.chars().all(is_name) => {
                Ok(Remote { path: path.to_owned(), etag, size })
            }
            _ => Err(self.strange(&format!("it tells no size and checksum of {path}"))),
        }
    }

    /// A file's bytes from `at` on, and where they really begin: a server need not know of ranges.
    pub(super) async fn open(
        &self,
        repository: &str,
        commit: &str,
        file: &Remote,
        at: u64,
    ) -> Result<(HttpResponse, u64)> {
        let url = self.file(repository, commit, &file.path);
        let range = (at > 0).then(|| format!("bytes={at}-"));
        let answer = self.follow("GET", url, range, |_| false).await?;
        if at > 0 && answer.response.status == 416 {
            // There is nothing beyond: what is here is not what is there.
            return Err(Error::new(
                Kind::StreamInterrupted,
                "the hub has no bytes beyond those that are here",
            )
            .status(416)
            .retryable(true));
        }
        let response = self.accepted(answer, repository, Some(&file.path))?;
        let begins = response.header("content-range").and_then(beginning);
        match (response.status, begins) {
            (206, Some(begins)) if begins == at => Ok((response, at)),
            (206, _) => Err(self.strange("it answers with another range than was asked for")),
            _ => Ok((response, 0)),
        }
    }

    fn file(&self, repository: &str, commit: &str, path: &str) -> Url {
        let path = path.split('/').collect::<Vec<_>>();
        self.url(&[], repository, &[&["resolve", commit], &path[..]].concat())
    }

    fn url(&self, before: &[&str], repository: &str, after: &[&str]) -> Url {
        let mut url = self.endpoint.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(before).extend(repository.split('/')).extend(after);
        }
        url
    }

    /// Sends a request along redirects, until an answer is none or is `enough`.
    async fn follow(
        &self,
        method: &'static str,
        mut url: Url,
        range: Option<String>,
        enough: impl Fn(&HttpResponse) -> bool,
    ) -> Result<Answer> {
        for _ in 0..MAX_REDIRECTS {
            let response = self.send(method, &url, range.as_deref()).await?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) || enough(&response) {
                return Ok(Answer { response, url });
            }
            let next = response.header(LOCATION.as_str()).and_then(|next| url.join(next).ok());
            let next = next.filter(|next| matches!(next.scheme(), "http" | "https"));
            let next = next.ok_or_else(|| self.strange("it redirects to nowhere"))?;
            if url.scheme() == "https" && next.scheme() == "http" {
                return Err(self.strange("it redirects to an address without encryption"));
            }
            url = next;
        }
        Err(self.strange("it redirects in a circle"))
    }

    async fn send(&self, method: &'static str, url: &Url, range: Option<&str>) -> Result<HttpResponse> {
        let mut headers = HeaderMap::with_capacity(3);
        // A compressed body could not be gone on with.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(range) = range.and_then(|range| HeaderValue::try_from(range).ok()) {
            headers.insert(RANGE, range);
        }
        if let Some(token) = self.token.as_ref().filter(|_| self.is_own(url)) {
            let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
            let mut bearer = bearer
                .map_err(|_| Error::new(Kind::Config, "HF_TOKEN: holds a character that no token has"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let body = bytes::Bytes::new();
        let url = url.clone();
        let request = HttpRequest { method, url, headers, body, connect_timeout: WAIT, h2: false };
        match tokio::time::timeout(WAIT * 2, self.transport.send(request)).await {
            Ok(response) => response,
            Err(_) => {
                Err(Error::new(Kind::Timeout, format!("{} does not answer", self.shown())).retryable(true))
            }
        }
    }

    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin()
    }

    async fn whole(&self, mut response: HttpResponse) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = tokio::time::timeout(WAIT, response.body.next())
            .await
            .map_err(|_| Error::new(Kind::Timeout, format!("{} stopped to answer", self.shown())))?
        {
            bytes.extend_from_slice(&piece?);
            if bytes.len() > MAX_LIST {
                return Err(self.strange("its list of files does not end"));
            }
        }
        Ok(bytes)
    }

    /// The answer, where it is one; else what it says, in a line.
    fn accepted(&self, answer: Answer, repository: &str, path: Option<&str>) -> Result<HttpResponse> {
        let Answer { response, url } = answer;
        let status = response.status;
        if (200..300).contains(&status) {
            return Ok(response);
        }
        if !self.is_own(&url) {
            // An address that was signed for us may have grown too old: the hub gives a new one.
            let place = url.host_str().unwrap_or_default();
            let message = format!("{place}, where the bytes are, answers {status}");
            return Err(Error::new(Kind::Connection, message).status(status).retryable(true));
        }
        let hub = self.shown();
        let code = response.header("x-error-code").unwrap_or_default();
        let said = response.header("x-error-message").map(excerpt).unwrap_or_default();
        let kind = Kind::from_status(status);
        let error = |kind: Kind, message: String| Error::new(kind, message).param("model").status(status);
        let asked = path.map_or_else(|| repository.to_owned(), |path| format!("{repository}/{path}"));
        Err(match (status, code) {
            (401 | 403, "GatedRepo") => error(kind, self.gated(repository)),
            (401, _) if said.starts_with("Invalid credentials") => error(
                kind,
                format!("{hub} does not accept the token ({}): make one at {hub}/settings/tokens", source()),
            ),
            (404, "EntryNotFound") => {
                error(Kind::NotFound, format!("model: {repository} has no {}", path.unwrap_or("such file")))
            }
            // Who does not say who they are is told the same of what is missing and of what is private.
            (401 | 404, _) => {
                let private = if self.token.is_some() { "" } else { "; a private one needs HF_TOKEN" };
                error(Kind::NotFound, format!("model: {hub} has no {asked}{private}"))
            }
            (403, _) if path.is_some() => error(kind, self.gated(repository)),
            (408 | 429 | 500.., _) => {
                let failed = error(kind, format!("{hub} answers {status} for {asked}{}", aside(&said)));
                advice::apply(failed, &|name| response.header(name).map(str::to_owned))
            }
            _ => error(kind, format!("{hub} refuses {asked} with status {status}{}", aside(&said))),
        })
    }

    fn gated(&self, repository: &str) -> String {
        let hub = self.shown();
        let page = format!("agree to its terms at {hub}/{repository}");
        match self.token {
            Some(_) => format!(
                "model: {repository} is gated: {page} with the account of the token ({}), and see that the token may \
                 read gated repositories",
                source()
            ),
            None => {
                format!("model: {repository} is gated: {page}, and set HF_TOKEN (from {hub}/settings/tokens)")
            }
        }
    }

    fn strange(&self, what: &str) -> Error {
        Error::new(Kind::ResponseValidation, format!("{} is no hub as we know them: {what}", self.shown()))
    }
}

fn aside(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" ({said})") }
}

/// The first byte of `bytes 5-9/10`.
fn beginning(range: &str) -> Option<u64> {
    range.trim().strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// As `huggingface_hub` reads its switches.
fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Where a token comes from, to be read by people.
fn source() -> String {
    match env_vars::read(env_vars::HF_TOKEN) {
        Some(_) => env_vars::HF_TOKEN.to_owned(),
        None => token_path().display().to_string(),
    }
}

fn token_path() -> PathBuf {
    env_vars::read(env_vars::HF_TOKEN_PATH)
        .map_or_else(|| store::home().join("token"), |path| store::of_user(&path))
}

/// The token of the environment, else that of the file that `hf auth login` writes.
fn token() -> Result<Option<SecretString>> {
    if let Some(token) = env_vars::read(env_vars::HF_TOKEN) {
        return Ok(Some(token.trim().into()));
    }
    let path = token_path();
    match fs::read_to_string(&path) {
        Ok(token) => Ok(Some(token.trim()).filter(|token| !token.is_empty()).map(Into::into)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(Kind::Config, format!("cannot read {}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Play, Scripted};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn hub(transport: &Scripted) -> Hub<'_> {
        let endpoint = Url::parse("https://hub.example/base/").unwrap();
        Hub { transport, endpoint, token: Some("hf_canary".into()) }
    }

    fn to(location: &str) -> Play {
        Play::status(302).header("location", location)
    }

    async fn describe(plays: impl IntoIterator<Item = Play>) -> (Result<Remote>, Vec<HttpRequest>) {
        let transport = Scripted::new(plays);
        let remote = hub(&transport).describe("o/r", COMMIT, "a b/x.gguf").await;
        (remote, transport.sent().into_iter().map(|(_, request)| request).collect())
    }

    #[tokio::test]
    async fn the_token_goes_along_redirects_of_the_hub_and_no_further() {
        let told = to("https://store.example/x?signed").header("x-linked-etag", "W/\"0123456789\"");
        let (remote, sent) = describe([to("/base/o/new/resolve/x"), told.header("x-linked-size", "7")]).await;
        let remote = remote.unwrap();
        assert_eq!((remote.etag.as_str(), remote.size, remote.sha256()), ("0123456789", 7, None));
        let addresses = sent.iter().map(|request| request.url.as_str()).collect::<Vec<_>>();
        let first = format!("https://hub.example/base/o/r/resolve/{COMMIT}/a%20b/x.gguf");
        assert_eq!(addresses, [first.as_str(), "https://hub.example/base/o/new/resolve/x"]);
        assert!(sent.iter().all(|request| request.headers[AUTHORIZATION] == "Bearer hf_canary"));
        assert!(!format!("{sent:?}").contains("canary"));

        for other in
            ["https://store.example/x", "https://hub.example:444/x", "https://user@hub.example.org/x"]
        {
            let (_, sent) = describe([to(other), Play::status(404)]).await;
            assert_eq!((sent.len(), sent[1].headers.get(AUTHORIZATION)), (2, None), "{other}");
        }
    }

    #[tokio::test]
    async fn what_no_hub_answers_is_refused() {
        let told = |etag: &str, size: &str| {
            Play::status(200).header("x-linked-etag", etag).header("x-linked-size", size)
        };
        for (play, expected) in [
            (to("http://hub.example/x"), "without encryption"),
            (to("file:///etc/passwd"), "to nowhere"),
            (Play::status(302), "to nowhere"),
            (to("/base/again"), "in a circle"),
            (told("\"../../../x\"", "7"), "no size and checksum"),
            (told("\"\"", "7"), "no size and checksum"),
            (told("\"0123456789\"", "many"), "no size and checksum"),
            (Play::status(200), "no size and checksum"),
        ] {
            let (remote, _) = describe([play]).await;
            let error = remote.unwrap_err();
            assert!(error.message().contains(expected), "{expected}: {error}");
        }
    }

    #[tokio::test]
    async fn a_list_names_only_what_may_lie_below_our_folder() {
        let list = |sha: &str| {
            let siblings =
                r#"[{"rfilename": "q/a.gguf"}, {"rfilename": "../b.gguf"}, {"rfilename": "/c.gguf"}]"#;
            Play::json(&format!(r#"{{"sha": "{sha}", "siblings": {siblings}}}"#))
        };
        let transport = Scripted::new([list(COMMIT)]);
        let listed = hub(&transport).list("o/r").await.unwrap();
        assert_eq!((listed.commit.as_str(), listed.paths), (COMMIT, vec!["q/a.gguf".to_owned()]));
        for play in [list("../../x"), Play::json("{}"), Play::json("<html>")] {
            let transport = Scripted::new([play]);
            assert!(hub(&transport).list("o/r").await.is_err());
        }
    }

    #[tokio::test]
    async fn another_range_than_was_asked_for_is_no_answer() {
        let etag = "0".repeat(64);
        let file = Remote { path: "x.gguf".to_owned(), etag, size: 10 };
        for (play, expected) in [
            (Play::status(206).header("content-range", "bytes 5-9/10"), Ok(5)),
            (Play::status(200), Ok(0)),
            (Play::status(206).header("content-range", "bytes 4-9/10"), Err("another range")),
            (Play::status(206), Err("another range")),
            (Play::status(416), Err("no bytes beyond")),
        ] {
            let transport = Scripted::new([play]);
            let opened = hub(&transport).open("o/r", COMMIT, &file, 5).await;
            match (opened, expected) {
                (Ok((_, at)), Ok(expected)) => assert_eq!(at, expected),
                (Err(error), Err(expected)) => assert!(error.message().contains(expected), "{error}"),
                (opened, _) => panic!("{:?}", opened.map(|(_, at)| at)),
            }
        }
    }
}
