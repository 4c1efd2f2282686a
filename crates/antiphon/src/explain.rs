//! The request that a call would send, without sending it.

use antiphon_core::{Input, Result, Task};
use http::HeaderMap;
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::catalog::Model;
use crate::client::Client;
use crate::policy::several;
use crate::prepare::{Prepared, prepare};
use crate::resolve::{Hosted, Target};

/// What a call would send.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Id of the provider.
    pub provider: String,
    /// The model, in the provider's word.
    pub model: String,
    /// The HTTP request; `None` for a model that runs in this process.
    pub request: Option<ExplainedRequest>,
    /// Parameters that are dropped, for the provider cannot take them.
    pub dropped: Vec<String>,
    /// What else is done differently from what was asked.
    pub warnings: Vec<String>,
    /// How the provider is asked for the form of the answer: `native`, `tool` or `prompt`.
    pub structured_output: Option<&'static str>,
    /// The models that are asked in turn, should this one fail.
    pub fallbacks: Vec<String>,
    /// What the call costs at least and at most, in dollars; `None` is unknown.
    pub price: Option<(f64, f64)>,
}

/// An HTTP request, to be read by people: keys are masked.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedRequest {
    /// `POST`.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// Every header that antiphon sets; the connection adds `host`, `content-length` and the like.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Value,
}

impl Client {
    /// The request that `call` would send, key masked, with what is dropped and the price bounds. Sends nothing.
    pub fn explain(&self, call: Call) -> Result<Explanation> {
        let Call { mut request, options, passed_on } = call;
        request.check()?;
        request.model = self.model_of(&request);
        let mut warnings: Vec<String> = passed_on.iter().map(|name| crate::client::unknown(name)).collect();
        warnings.extend(self.upstream(&request.model).map(|pool| pool.explained()));
        let fallbacks = options.fallbacks.iter().map(|fallback| fallback.model.clone()).collect();
        let hosted = match self.resolve(&request.model, &options)? {
            Target::Hosted(hosted) => hosted,
            #[cfg(feature = "local")]
            Target::Local(model) => {
                warnings.push("the model runs in this process: nothing is sent".to_owned());
                return Ok(Explanation {
                    provider: crate::providers::LOCAL.to_owned(),
                    model: model.name,
                    request: None,
                    dropped: Vec::new(),
                    warnings,
                    structured_output: None,
                    fallbacks,
                    price: Some((0.0, 0.0)),
                });
            }
            #[cfg(not(feature = "local"))]
            Target::Local(model) => match model {},
        };
        let known = self.catalog().model(hosted.provider.id, &hosted.model);
        let price = known.and_then(|known| bounds(&known, &request));
        if let Some(parts) = several::parts(self, &request, &options)? {
            warnings
                .push(format!("each prompt is a request of its own: this is the first of {}", parts.len()));
            request = parts.into_iter().next().unwrap_or(request);
        }
        let prepared = prepare(&hosted, request, &options, self.known_spelling(&hosted))?;
        Ok(explained(&hosted, prepared, warnings, fallbacks, price))
    }
}

fn explained(
    hosted: &Hosted,
    prepared: Prepared,
    warnings: Vec<String>,
    fallbacks: Vec<String>,
    price: Option<(f64, f64)>,
) -> Explanation {
    let Prepared { http, rung, dropped, .. } = prepared;
    Explanation {
        provider: hosted.provider.id.to_owned(),
        model: hosted.model.clone(),
        request: Some(ExplainedRequest {
            method: http.method,
            url: shown_url(&http.url),
            headers: shown(&http.headers),
            body: serde_json::from_slice(&http.body).unwrap_or_default(),
        }),
        dropped,
        warnings,
        structured_output: rung.map(|rung| rung.as_str()),
        fallbacks,
        price,
    }
}

/// An address may carry a key, too.
fn shown_url(url: &Url) -> String {
    const SECRETS: &[&str] = &["key", "token", "secret", "password", "sig", "code"];
    if url.query().is_none() {
        return url.to_string();
    }
    let is_secret = |name: &str| SECRETS.iter().any(|secret| name.to_ascii_lowercase().contains(secret));
    let pairs = url.query_pairs().map(|(name, value)| {
        let value = if is_secret(&name) { "****".into() } else { value };
        (name, value)
    });
    let mut shown = url.clone();
    shown.query_pairs_mut().clear().extend_pairs(pairs);
    shown.into()
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let value = |value: &http::HeaderValue| match value.to_str() {
        Ok(text) if !value.is_sensitive() => text.to_owned(),
        Ok(text) if text.starts_with("Bearer ") => "Bearer ****".to_owned(),
        _ => "****".to_owned(),
    };
    headers.iter().map(|(name, text)| (name.as_str().to_owned(), value(text))).collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// A token is at least a byte and at most a word of the prompt, whatever the tokeniser.
fn bounds(model: &Model, request: &antiphon_core::Request) -> Option<(f64, f64)> {
    /// What a message costs beside its text, and what a conversation does.
    const FRAME: u64 = 8;
    let has_media = request.messages.iter().any(|message| match &message.content {
        antiphon_core::Content::Parts(parts) => {
            parts.iter().any(|part| !matches!(part.kind, antiphon_core::PartKind::Text { .. }))
        }
        _ => false,
    });
    // An image's tokens do not follow from its bytes.
    if has_media {
        return None;
    }
    let said: usize = request.messages.iter().map(|message| words(&message.content.text())).sum();
    let inputs = request.task.inputs().iter().map(|input| match input {
        Input::Text(text) => words(text),
        Input::Tokens(tokens) => tokens.len(),
    });
    let words = said + inputs.sum::<usize>();
    let body = Value::Object(request.to_json()).to_string();
    let most = body.len() as u64 + FRAME * (request.messages.len() as u64 + 1);
    let answers = u64::from(request.params.n.unwrap_or(1).max(1));
    // How long the prompt is decides which price holds.
    let (low, high) = (model.price_of(words as u64)?, model.price_of(most)?);
    let least_part = model.off_peak.as_ref().map_or(1.0, |off_peak| off_peak.part);
    if matches!(request.task, Task::Embed(_) | Task::Rerank(_)) {
        return Some((words as f64 * low.input * least_part / 1e6, most as f64 * high.input / 1e6));
    }
    let longest = model.max_output?;
    let output = request.params.output_limit().unwrap_or(longest).min(longest) * answers;
    let write = high.cache_write.unwrap_or(high.input).max(high.cache_write_1h.unwrap_or_default());
    let cheapest = low.cache_read.unwrap_or(low.input).min(low.input);
    let dearest_output = high.output?.max(high.reasoning.unwrap_or_default());
    let at_most = most as f64 * write.max(high.input) + output as f64 * dearest_output;
    Some((words as f64 * cheapest * least_part / 1e6, at_most / 1e6))
}

impl Explanation {
    /// As JSON, for the faces that print it.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("provider".into(), self.provider.as_str().into());
        map.insert("model".into(), self.model.as_str().into());
        if let Some(request) = &self.request {
            let headers = request.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            map.insert("method".into(), request.method.into());
            map.insert("url".into(), request.url.as_str().into());
            map.insert("headers".into(), Value::Object(headers.collect()));
            map.insert("body".into(), request.body.clone());
        }
        map.insert("dropped".into(), self.dropped.clone().into());
        map.insert("warnings".into(), self.warnings.clone().into());
        map.insert("structured_output".into(), self.structured_output.into());
        map.insert("fallbacks".into(), self.fallbacks.clone().into());
        let price = self.price.map(|(at_least, at_most)| json!({"at_least": at_least, "at_most": at_most}));
        map.insert("price".into(), price.unwrap_or_default());
        Value::Object(map)
    }
}
