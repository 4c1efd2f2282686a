//! A request for one model of one provider, ready to be sent any number of times.

use std::borrow::Cow;
use std::cell::RefCell;

use antiphon_core::dialects::{self, Dialect, Mode, WireRequest};
use antiphon_core::{Auth, Error, Event, Kind, Operation, Provider, Request, RerankTask, Result, Task};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::call::{Options, secret_header};
use crate::resolve::{Credential, Hosted};
use crate::structured::{self, Rung, Spelling};
use crate::tap::Tap;
use crate::text_by_chat;
use crate::transport::HttpRequest;
use crate::{env_vars, random};

/// Where OpenAI's chats are asked.
const CHAT: &str = "/chat/completions";

/// Larger bodies are refused here: no provider takes them, and finding that out would take minutes.
const MAX_REQUEST: usize = 100 << 20;

/// The same value with every attempt of a call: a server that knows it does the work once.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request ready to be sent.
pub(crate) struct Prepared {
    pub(crate) http: HttpRequest,
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) mode: Mode,
    /// How the provider is asked for the form of the answer.
    pub(crate) rung: Option<Rung>,
    /// Parameters that were dropped.
    pub(crate) dropped: Vec<String>,
    /// Whether the answer of a chat is to be told as a text completion's.
    pub(crate) is_text: bool,
    /// How many vectors there must be.
    pub(crate) vectors: Option<usize>,
    /// What is to be ranked.
    pub(crate) rerank: Option<Box<RerankTask>>,
    /// Where the bytes of the answer are left.
    pub(crate) tap: Option<Tap>,
}

/// Encodes a request. What the provider cannot take is dropped where that is wished, and an error else.
pub(crate) fn prepare(
    hosted: &Hosted,
    mut request: Request,
    options: &Options,
    spelling: Spelling,
) -> Result<Prepared> {
    let provider = hosted.provider;
    let of_target = |error: Error| error.target(provider.id, &hosted.model);
    request.model.clone_from(&hosted.model);
    let is_text = text_by_chat::is_needed(&request, hosted);
    let mut lost = Vec::new();
    if is_text {
        (request, lost) = text_by_chat::chat(request, options).map_err(of_target)?;
    }
    lost.extend(guided(&mut request, spelling, options).map_err(of_target)?);
    let id = provider.dialect_of(request.task.operation(), &hosted.model);
    let id = id.ok_or_else(|| of_target(no_endpoint(provider, request.task.operation())))?;
    let dialect = dialects::by_id(id)
        .ok_or_else(|| Error::new(Kind::Internal, format!("there is no dialect {id:?}")))?;
    let mode = if request.stream { Mode::Stream } else { Mode::Whole };
    let rerank = match &request.task {
        Task::Rerank(task) => Some(task.clone()),
        _ => None,
    };
    let vectors = matches!(request.task, Task::Embed(_)).then(|| request.task.inputs().len());
    let (wire, rung, mut dropped) = encode(dialect, hosted, request, options).map_err(of_target)?;
    dropped.splice(0..0, lost);
    if wire.body.len() > MAX_REQUEST {
        let message =
            format!("the request is {} MiB, and no provider takes more than 100", wire.body.len() >> 20);
        return Err(Error::new(Kind::PayloadTooLarge, message).target(provider.id, &hosted.model));
    }
    let mut headers = HeaderMap::with_capacity(12);
    for (name, value) in &wire.headers {
        headers.insert(header_name(name)?, secret_header(name, value)?);
    }
    for value in headers.values_mut() {
        value.set_sensitive(false);
    }
    add_headers(&mut headers, hosted, options)?;
    let http = HttpRequest {
        method: wire.method,
        url: kept_endpoint(&hosted.base_url, &wire.path, &wire.query)?,
        headers,
        body: Bytes::from(wire.body),
        connect_timeout: options.waits.connect,
        h2: provider.quirks.h2,
    };
    // What is translated on its way has bytes that nobody asked for.
    let passes = rung.is_none() && !is_text && rerank.is_none();
    options.tap.iter().for_each(|tap| if passes { tap.begin(id) } else { tap.close() });
    Ok(Prepared { http, dialect, mode, rung, dropped, is_text, vectors, rerank, tap: options.tap.clone() })
}

/// Spells out what form a guided answer must have; gives back what had to be dropped for want of a word.
fn guided(request: &mut Request, spelling: Spelling, options: &Options) -> Result<Option<String>> {
    match structured::spell(request, spelling) {
        Err(error) if error.kind() == Kind::UnsupportedParams && options.drop_params => {
            let field = error.field().unwrap_or_default().to_owned();
            request.set(&field, Value::Null)?;
            Ok(Some(field))
        }
        outcome => outcome.map(|()| None),
    }
}

/// Embeddings and reranking have nothing that could stand in for them.
fn no_endpoint(provider: &Provider, operation: Operation) -> Error {
    let (what, model) = match operation {
        Operation::Rerank => ("reranking", "reranker"),
        _ => ("embeddings", "embedding-model"),
    };
    let hint =
        format!("ask a model of another provider, or a local one: model=\"local/path/to/{model}.gguf\"");
    Error::new(Kind::BadRequest, format!("{} has no {what}", provider.name)).param("model").hint(hint)
}

/// Encodes the request; what the provider cannot take is asked for in another way, dropped, or an error.
fn encode(
    dialect: &dyn Dialect,
    hosted: &Hosted,
    mut request: Request,
    options: &Options,
) -> Result<(WireRequest, Option<Rung>, Vec<String>)> {
    let mut rung = structured::asked(&request);
    let mut before_tool = None;
    let mut dropped: Vec<String> = Vec::new();
    loop {
        let error = match dialect.encode(&request, hosted.provider) {
            Ok(wire) => return Ok((wire, rung, dropped)),
            Err(error) if error.kind() == Kind::UnsupportedParams => error,
            Err(error) => return Err(error),
        };
        let field = error.field().unwrap_or_default().to_owned();
        match (rung, field.as_str()) {
            (Some(Rung::Native), "response_format") => {
                before_tool = Some(request.clone());
                structured::as_tool(&mut request);
                rung = Some(Rung::Tool);
            }
            (Some(Rung::Tool), "tool_choice" | "tools") if before_tool.is_some() => {
                request = before_tool.take().unwrap_or_default();
                structured::as_prompt(&mut request);
                rung = Some(Rung::Prompt);
            }
            (Some(Rung::Prompt), "response_format") if request.response_format.is_some() => {
                request.response_format = None;
            }
            _ if options.drop_params && !dropped.contains(&field) => {
                request.set(&field, Value::Null)?;
                dropped.push(field);
            }
            _ => return Err(error),
        }
    }
}

impl Prepared {
    /// What the answer says of how it was asked for.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Event> {
        self.dropped
            .iter()
            .map(|name| Event::set("warning", format!("{name} was dropped: the provider cannot take it")))
    }
}

pub(crate) fn add_headers(headers: &mut HeaderMap, hosted: &Hosted, options: &Options) -> Result<()> {
    let provider = hosted.provider;
    for (name, value) in provider.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for (variable, name) in provider.header_variables {
        if let Some(value) = env_vars::read(variable) {
            headers.insert(HeaderName::from_static(name), secret_header(variable, &value)?);
        }
    }
    let key = HeaderValue::try_from(format!("antiphon-{}", random::uuid()));
    headers.extend(key.ok().map(|key| (IDEMPOTENCY_KEY, key)));
    match (&hosted.credential, provider.auth) {
        (Credential::None, _) | (Credential::Key(_), Auth::None) => {}
        (Credential::Token(token), _) => {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        (Credential::Key(key), Auth::Bearer) => {
            headers.insert(AUTHORIZATION, bearer(key)?);
        }
        (Credential::Key(key), Auth::Header(name)) => {
            headers.insert(HeaderName::from_static(name), secret_header("api_key", key.expose_secret())?);
        }
        (Credential::Key(key), Auth::HeaderAndBasic(name)) => {
            headers.insert(HeaderName::from_static(name), secret_header("api_key", key.expose_secret())?);
            headers.insert(AUTHORIZATION, basic(key)?);
        }
    }
    for (name, value) in &options.extra_headers {
        let ours = headers.get(name).filter(|_| provider.list_headers.contains(&name.as_str()));
        let value = match ours {
            Some(ours) => secret_header(name.as_str(), &format!("{},{}", text(ours), text(value)))?,
            None => value.clone(),
        };
        headers.insert(name.clone(), value);
    }
    Ok(())
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::try_from(name)
        .map_err(|_| Error::new(Kind::Internal, format!("the dialect gave {name:?} as a header")))
}

/// The key as a user name, without a password.
fn basic(key: &SecretString) -> Result<HeaderValue> {
    let encoded = STANDARD.encode(format!("{}:", key.expose_secret().trim()));
    secret_header("api_key", &format!("Basic {encoded}"))
}

fn bearer(key: &SecretString) -> Result<HeaderValue> {
    secret_header("api_key", &format!("Bearer {}", key.expose_secret().trim()))
}

/// [`endpoint`], where the last call of this thread may have found it already.
fn kept_endpoint(base_url: &str, path: &str, query: &[(Cow<'static, str>, String)]) -> Result<Url> {
    thread_local! {
        static LAST: RefCell<Option<(String, String, Url)>> = const { RefCell::new(None) };
    }
    if !query.is_empty() {
        return endpoint(base_url, path, query);
    }
    LAST.with_borrow_mut(|last| match last {
        Some((base, below, url)) if base == base_url && below == path => Ok(url.clone()),
        _ => {
            let url = endpoint(base_url, path, query)?;
            *last = Some((base_url.to_owned(), path.to_owned(), url.clone()));
            Ok(url)
        }
    })
}

/// The dialect's path below the provider's address. An address that has part of the path already (`…/v1`,
/// or the whole of it, as copied from a manual) is understood.
pub(crate) fn endpoint(base_url: &str, path: &str, query: &[(Cow<'static, str>, String)]) -> Result<Url> {
    let wrong =
        |why: &str| Error::invalid("base_url", why).hint("as in base_url=\"https://api.example.com/v1\"");
    let mut url = Url::parse(base_url.trim()).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds a user name or password; give the key as api_key"));
    }
    let base = url.path().trim_end_matches('/');
    // An address that was copied with the path of chats is good for the other paths, too.
    let base = if path == CHAT { base } else { base.strip_suffix(CHAT).unwrap_or(base) };
    let overlap = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).rev();
    let overlap = overlap.filter(|at| *at > 0).find(|at| base.ends_with(&path[..*at])).unwrap_or(0);
    let whole = format!("{base}{}", &path[overlap..]);
    url.set_path(&whole);
    url.set_fragment(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_once() {
        let cases = [
            ("https://a.example/v1", "/chat/completions", "https://a.example/v1/chat/completions"),
            ("https://a.example/v1/", "/chat/completions", "https://a.example/v1/chat/completions"),
            (
                "https://a.example/v1/chat/completions",
                "/chat/completions",
                "https://a.example/v1/chat/completions",
            ),
            ("https://a.example/v1/chat/completions", "/completions", "https://a.example/v1/completions"),
            ("https://a.example/v1/chat/completions/", "/embeddings", "https://a.example/v1/embeddings"),
            ("https://a.example/v1/completions", "/completions", "https://a.example/v1/completions"),
            ("https://a.example", "/v1/messages", "https://a.example/v1/messages"),
            ("https://a.example/v1", "/v1/messages", "https://a.example/v1/messages"),
            (
                "http://[::1]:8080/x?api-version=1#y",
                "/v1/messages",
                "http://[::1]:8080/x/v1/messages?api-version=1",
            ),
        ];
        for (base, path, expected) in cases {
            assert_eq!(endpoint(base, path, &[]).unwrap().as_str(), expected);
        }
        let query = [("model_endpoint_name".into(), "a/b c&d".to_owned())];
        let url = endpoint("https://a.example/llm-engine/?x=1", "/v1/llm/completions-sync", &query).unwrap();
        let expected =
            "https://a.example/llm-engine/v1/llm/completions-sync?x=1&model_endpoint_name=a%2Fb+c%26d";
        assert_eq!(url.as_str(), expected);
        for base in ["", "a.example", "file:///etc/passwd", "http://", "http://user:canary@a.example"] {
            let error = endpoint(base, "/x", &[]).unwrap_err();
            assert_eq!(error.field(), Some("base_url"), "{base}");
            assert!(!error.to_string().contains("canary"));
        }
    }
}
