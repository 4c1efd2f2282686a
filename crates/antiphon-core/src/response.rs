//! What comes back: choices, each with a message, and what they cost.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::put;
use crate::{Content, Map, Message, Role, ToolCall, Usage};

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
}

impl Logprobs {
    /// As JSON, as OpenAI writes it.
    pub fn to_json(&self) -> Value {
        serde_json::json!({"content": self.content, "refusal": self.refusal})
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
    /// Token counts.
    pub usage: Option<Usage>,
    /// What was done differently from what was asked: parameters dropped, passed on unchecked, ….
    pub warnings: Vec<String>,
    /// Fields beside the known ones (`service_tier`, `citations`, …).
    pub extra: Map,
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

    /// As JSON, as OpenAI writes a `chat.completion`.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("id".into(), self.id.as_str().into());
        map.insert("object".into(), "chat.completion".into());
        map.insert("created".into(), self.created.into());
        map.insert("model".into(), self.model.as_str().into());
        map.insert("choices".into(), self.choices.iter().map(Choice::to_json).collect::<Vec<_>>().into());
        put(&mut map, "usage", self.usage.as_ref().map(|usage| serde_json::json!(usage)));
        put(&mut map, "system_fingerprint", self.system_fingerprint.as_deref());
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

impl Choice {
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
