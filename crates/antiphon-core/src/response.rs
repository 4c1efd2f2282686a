//! What comes back: choices, each with a message, and what they cost.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Event, Path};
use crate::json::put;
use crate::{
    Content, Embeddings, EncodingFormat, Map, Message, Operation, Ranked, Role, TextLogprobs, ToolCall,
    Usage, embeddings, rerank,
};

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishReason {
    /// It was done, or a stop sequence was met.
    Stop,
    /// The output limit or the context was reached.
    Length,
    /// It wants tools called.
    ToolCalls,
    /// It wants a function called, in the older form.
    FunctionCall,
    /// A filter cut the answer.
    ContentFilter,
    /// A reason not known here, in the provider's word.
    Other(String),
}

impl FinishReason {
    /// The word on OpenAI's wire.
    pub fn as_str(&self) -> &str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::ToolCalls => "tool_calls",
            FinishReason::FunctionCall => "function_call",
            FinishReason::ContentFilter => "content_filter",
            FinishReason::Other(word) => word,
        }
    }

    /// The reason of that word; an unknown word is kept.
    pub fn parse(word: &str) -> Self {
        match word {
            "stop" => FinishReason::Stop,
            "length" => FinishReason::Length,
            "tool_calls" => FinishReason::ToolCalls,
            "function_call" => FinishReason::FunctionCall,
            "content_filter" => FinishReason::ContentFilter,
            _ => FinishReason::Other(word.to_owned()),
        }
    }
}

/// A token with its probability.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text; bytes that are no UTF-8 are replaced.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f64,
    /// The token's bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
    /// The likeliest tokens at its place.
    #[serde(default)]
    pub top_logprobs: Vec<TopLogprob>,
}

/// One of the likeliest tokens at a place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TopLogprob {
    /// The token's text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f64,
    /// The token's bytes.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
}

/// Probabilities of the tokens of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Logprobs {
    /// Of the content. `None` where the wire said null or nothing.
    pub content: Option<Vec<TokenLogprob>>,
    /// Of the refusal.
    pub refusal: Option<Vec<TokenLogprob>>,
    /// Of a text completion, in its older form.
    pub text: Option<Box<TextLogprobs>>,
}

impl Logprobs {
    /// As JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        serde_json::json!({"content": self.content, "refusal": self.refusal})
    }

    /// As JSON, as OpenAI writes it in a text completion; in a chat's form where the provider has only that.
    pub fn to_text_json(&self) -> Value {
        self.text.as_ref().map_or_else(|| self.to_json(), |text| serde_json::json!(text))
    }
}

/// One answer of possibly several.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Choice {
    /// Its place, from 0.
    pub index: u32,
    /// Why it ended; `None` while it has not.
    pub finish_reason: Option<FinishReason>,
    /// What was answered. Its role is [`Role::Assistant`] once a fold is finished.
    pub message: Message,
    /// Probabilities, where they were asked for.
    pub logprobs: Option<Logprobs>,
    /// Fields beside the known ones.
    pub extra: Map,
}

/// A whole answer: the fold of its events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// What kind of answer it is, and so the form of its JSON.
    pub operation: Operation,
    /// The provider's id of the answer.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The model that answered, in the provider's word.
    pub model: String,
    /// Identifies the provider's configuration.
    pub system_fingerprint: Option<String>,
    /// The answers, by index.
    pub choices: Vec<Choice>,
    /// The vectors, of embeddings.
    pub embeddings: Option<Embeddings>,
    /// The documents, the best first, of a reranking.
    pub ranking: Option<Vec<Ranked>>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// What was done differently from what was asked: parameters dropped, passed on unchecked, ….
    pub warnings: Vec<String>,
    /// How it came about. Not part of its JSON.
    pub meta: Meta,
    /// Fields beside the known ones (`service_tier`, `citations`, …).
    pub extra: Map,
}

/// How a response came about: what is known of it beside the answer itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meta {
    /// Id of the provider that answered.
    pub provider: Option<String>,
    /// The model that was asked, in the provider's word.
    pub model: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// How the provider was asked for the form of the answer: `native`, `tool` or `prompt`.
    pub structured_output: Option<String>,
    /// The model that was asked first and failed, where a fallback answered.
    pub fallback_for: Option<String>,
    /// The key under which the answer is kept, where it came from a cache.
    pub cache_hit: Option<String>,
}

impl Meta {
    /// Its fields, under the names by which an event sets them.
    fn fields(&mut self) -> [(&'static str, &mut Option<String>); 6] {
        [
            ("antiphon.provider", &mut self.provider),
            ("antiphon.model", &mut self.model),
            ("antiphon.request_id", &mut self.request_id),
            ("antiphon.structured_output", &mut self.structured_output),
            ("antiphon.fallback_for", &mut self.fallback_for),
            ("antiphon.cache_hit", &mut self.cache_hit),
        ]
    }

    /// The field that an event of this name sets.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        self.fields().into_iter().find_map(|(field, value)| (field == name).then_some(value))
    }
}

impl Response {
    /// Text of the first choice; empty where there is none.
    pub fn text(&self) -> &str {
        self.choices.first().and_then(|choice| choice.message.content.as_text()).unwrap_or_default()
    }

    /// Tool calls of the first choice.
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.choices.first().map(|choice| choice.message.tool_calls.as_slice()).unwrap_or_default()
    }

    /// The events whose fold this is: for a response that is known before it is streamed (from a cache, a
    /// mock). Each text is one event. `Fold` of them gives the same response.
    pub fn to_events(&self) -> Vec<Event> {
        let mut out = Vec::new();
        if self.operation != Operation::Chat {
            out.push(Event::set("antiphon.operation", self.operation.as_str()));
        }
        if !self.id.is_empty() {
            out.push(Event::set("id", self.id.as_str()));
        }
        if self.created != 0 {
            out.push(Event::set("created", self.created));
        }
        if !self.model.is_empty() {
            out.push(Event::set("model", self.model.as_str()));
        }
        out.extend(self.system_fingerprint.as_deref().map(|text| Event::set("system_fingerprint", text)));
        set_all(&mut out, &self.extra, |name| Path::Response(name.into()));
        for choice in &self.choices {
            choice.events(&mut out);
        }
        out.extend(self.embeddings.clone().map(Event::Embeddings));
        out.extend(self.ranking.clone().map(Event::Ranking));
        out.extend(self.usage.as_ref().map(|usage| Event::set("usage", serde_json::json!(usage))));
        out.extend(self.warnings.iter().map(|warning| Event::set("warning", warning.as_str())));
        let mut meta = self.meta.clone();
        let known = meta.fields().into_iter().filter_map(|(name, value)| Some((name, value.take()?)));
        out.extend(known.map(|(name, value)| Event::set(name, value)));
        out
    }

    /// As JSON, as OpenAI writes it: a `chat.completion`, a `text_completion`, or a `list` of embeddings; a
    /// reranking as Cohere and its like do.
    pub fn to_json(&self) -> Value {
        self.to_json_as(EncodingFormat::Float)
    }

    /// [`Response::to_json`], with vectors written in that way.
    pub fn to_json_as(&self, format: EncodingFormat) -> Value {
        let (object, choice): (_, fn(&Choice) -> Value) = match self.operation {
            Operation::Chat => ("chat.completion", Choice::to_json),
            Operation::TextCompletion => ("text_completion", Choice::to_text_json),
            Operation::Embeddings => return embeddings::to_json(self, format),
            Operation::Rerank => return rerank::to_json(self),
        };
        let mut map = Map::new();
        map.insert("id".into(), self.id.as_str().into());
        map.insert("object".into(), object.into());
        map.insert("created".into(), self.created.into());
        map.insert("model".into(), self.model.as_str().into());
        map.insert("choices".into(), self.choices.iter().map(choice).collect::<Vec<_>>().into());
        put(&mut map, "usage", self.usage.as_ref().map(|usage| serde_json::json!(usage)));
        put(&mut map, "system_fingerprint", self.system_fingerprint.as_deref());
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

impl Choice {
    fn events(&self, out: &mut Vec<Event>) {
        let choice = self.index;
        let message = &self.message;
        out.push(Event::set_message(choice, "role", message.role.as_str()));
        out.extend(message.name.as_deref().map(|name| Event::set_message(choice, "name", name)));
        out.extend(message.reasoning_content.clone().map(|text| Event::Reasoning { choice, text }));
        match message.content.text() {
            text if !text.is_empty() => out.push(Event::Text { choice, text }),
            _ if message.content.is_null() => {}
            _ => out.push(Event::set_message(choice, "content", "")),
        }
        out.extend(message.refusal.clone().map(|text| Event::Refusal { choice, text }));
        if let Some(call) = &message.function_call {
            let path = Path::FunctionCall(choice, "name".into());
            out.push(Event::Set { path, value: call.name.as_str().into() });
            out.push(Event::FunctionArguments { choice, text: call.arguments.clone() });
        }
        for (call, place) in message.tool_calls.iter().zip(0..) {
            call.events(choice, place, out);
        }
        for (name, value) in &message.extra {
            match (name.as_str(), value) {
                ("audio", Value::Object(audio)) => sound_events(choice, audio, out),
                _ => out.push(Event::Set {
                    path: Path::Message(choice, name.clone().into()),
                    value: value.clone(),
                }),
            }
        }
        set_all(out, &self.extra, |name| Path::Choice(choice, name.into()));
        if let Some(Logprobs { content, refusal, text }) = &self.logprobs {
            out.extend(text.clone().map(|logprobs| Event::TextLogprobs { choice, logprobs }));
            out.extend(content.clone().map(|content| Event::Logprobs { choice, content }));
            out.extend(refusal.clone().map(|refusal| Event::RefusalLogprobs { choice, refusal }));
        }
        let reason = self.finish_reason.as_ref();
        out.extend(reason.map(|reason| Event::set_choice(choice, "finish_reason", reason.as_str())));
    }

    /// As JSON, as OpenAI writes it in a text completion.
    fn to_text_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("text".into(), self.message.content.text().into());
        map.insert("index".into(), self.index.into());
        map.insert("logprobs".into(), self.logprobs.as_ref().map_or(Value::Null, Logprobs::to_text_json));
        let reason = self.finish_reason.as_ref().map_or(Value::Null, |reason| reason.as_str().into());
        map.insert("finish_reason".into(), reason);
        map.extend(self.extra.clone());
        Value::Object(map)
    }

    /// As JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("index".into(), self.index.into());
        map.insert("message".into(), answer_json(&self.message));
        put(&mut map, "logprobs", Some(self.logprobs.as_ref().map_or(Value::Null, Logprobs::to_json)));
        let reason = self.finish_reason.as_ref().map_or(Value::Null, |reason| reason.as_str().into());
        map.insert("finish_reason".into(), reason);
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

impl ToolCall {
    fn events(&self, choice: u32, call: u32, out: &mut Vec<Event>) {
        if !self.id.is_empty() {
            out.push(Event::set_call(choice, call, "id", self.id.as_str()));
        }
        out.push(Event::set_call(choice, call, "type", if self.custom { "custom" } else { "function" }));
        out.push(Event::set_call(choice, call, "name", self.function.name.as_str()));
        out.push(Event::Arguments { choice, call, text: self.function.arguments.clone() });
        set_all(out, &self.extra, |name| Path::ToolCall(choice, call, name.into()));
    }
}

/// What the fold put together as the message's `audio`, apart again.
fn sound_events(choice: u32, audio: &Map, out: &mut Vec<Event>) {
    for (name, value) in audio {
        let bytes = value.as_str().filter(|_| name == "data").and_then(|data| BASE64.decode(data).ok());
        out.push(match (name.as_str(), value, bytes) {
            (.., Some(bytes)) => Event::Audio { choice, bytes },
            ("transcript", Value::String(text), _) => Event::Transcript { choice, text: text.clone() },
            _ => Event::Set { path: Path::Audio(choice, name.clone().into()), value: value.clone() },
        });
    }
}

fn set_all(out: &mut Vec<Event>, fields: &Map, path: impl Fn(String) -> Path) {
    out.extend(
        fields.iter().map(|(name, value)| Event::Set { path: path(name.clone()), value: value.clone() }),
    );
}

/// An answer always shows `refusal`, null where there is none; a message in a request does not.
fn answer_json(message: &Message) -> Value {
    let mut value = message.to_json();
    if let Value::Object(map) = &mut value
        && message.role == Role::Assistant
        && message.refusal.is_none()
    {
        let after_content = map.keys().position(|key| key == "content").map_or(map.len(), |at| at + 1);
        map.shift_insert(after_content, "refusal".into(), Value::Null);
    }
    value
}

impl From<&Response> for Message {
    /// The first choice's message, to be sent back in a conversation.
    fn from(response: &Response) -> Self {
        response.choices.first().map_or_else(
            || Message { role: Role::Assistant, content: Content::Text(String::new()), ..Message::default() },
            |choice| choice.message.clone(),
        )
    }
}
