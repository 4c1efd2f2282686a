//! The steps in which an answer becomes known.
//!
//! An event either appends (a delta: text, arguments, probabilities, decoded sound) or sets (a snapshot:
//! the last one wins). A dialect's decoder makes both kinds, from a stream and from a whole body alike.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Embeddings, Ranked, TextLogprobs, TokenLogprob};

/// One step. `choice` is the index of the answer that it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Event {
    /// Appends to the content.
    Text {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        text: String,
    },
    /// Appends to the refusal.
    Refusal {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        text: String,
    },
    /// Appends to the reasoning.
    Reasoning {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        text: String,
    },
    /// Appends to the arguments of a tool call (or the input of a custom one).
    Arguments {
        /// Index of the choice.
        choice: u32,
        /// Place of the call among the choice's calls.
        call: u32,
        /// What is appended.
        text: String,
    },
    /// Appends to the arguments of the older `function_call`.
    FunctionArguments {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        text: String,
    },
    /// Appends probabilities of content tokens.
    Logprobs {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        content: Vec<TokenLogprob>,
    },
    /// Appends probabilities of a text completion's tokens.
    TextLogprobs {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        logprobs: Box<TextLogprobs>,
    },
    /// Sets the vectors of the texts, all at once.
    Embeddings(Embeddings),
    /// Sets how well documents answer the query, all at once.
    Ranking(Vec<Ranked>),
    /// Appends probabilities of refusal tokens.
    RefusalLogprobs {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        refusal: Vec<TokenLogprob>,
    },
    /// Appends sound, decoded from the wire's base64.
    Audio {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        bytes: Vec<u8>,
    },
    /// Appends to the transcript of the sound.
    Transcript {
        /// Index of the choice.
        choice: u32,
        /// What is appended.
        text: String,
    },
    /// Sets a field; the last value wins.
    Set {
        /// Which field.
        path: Path,
        /// Its value, as JSON.
        value: Value,
    },
}

/// The name of a field: mostly a constant, owned where the wire brought one we do not know.
pub type Name = Cow<'static, str>;

/// A field that [`Event::Set`] sets. Names are those of OpenAI's objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Path {
    /// Of the response (`id`, `created`, `model`, `usage`, …).
    Response(Name),
    /// Of a choice (`finish_reason`, …).
    Choice(u32, Name),
    /// Of a choice's message (`role`, `annotations`, …). `content` set to `""` says: an empty text, not none.
    Message(u32, Name),
    /// Of a tool call: choice, place among its calls, field (`id`, `type`, `name`, …).
    ToolCall(u32, u32, Name),
    /// Of the older function call (`name`).
    FunctionCall(u32, Name),
    /// Of the sound of a choice (`id`, `expires_at`).
    Audio(u32, Name),
}

impl Event {
    /// Appends `text` to the content of choice 0.
    pub fn text(text: impl Into<String>) -> Self {
        Event::Text { choice: 0, text: text.into() }
    }

    /// Sets a field of the response.
    pub fn set(name: &'static str, value: impl Into<Value>) -> Self {
        Event::Set { path: Path::Response(Cow::Borrowed(name)), value: value.into() }
    }

    /// Sets a field of a choice.
    pub fn set_choice(choice: u32, name: &'static str, value: impl Into<Value>) -> Self {
        Event::Set { path: Path::Choice(choice, Cow::Borrowed(name)), value: value.into() }
    }

    /// Sets a field of a choice's message.
    pub fn set_message(choice: u32, name: &'static str, value: impl Into<Value>) -> Self {
        Event::Set { path: Path::Message(choice, Cow::Borrowed(name)), value: value.into() }
    }

    /// Sets a field of a tool call.
    pub fn set_call(choice: u32, call: u32, name: &'static str, value: impl Into<Value>) -> Self {
        Event::Set { path: Path::ToolCall(choice, call, Cow::Borrowed(name)), value: value.into() }
    }

    /// Whether the reader of the answer sees anything of it: from the first such event on, a call is
    /// committed and is not tried again.
    pub fn is_content(&self) -> bool {
        match self {
            Event::Text { text, .. }
            | Event::Refusal { text, .. }
            | Event::Reasoning { text, .. }
            | Event::Arguments { text, .. }
            | Event::FunctionArguments { text, .. }
            | Event::Transcript { text, .. } => !text.is_empty(),
            Event::Audio { bytes, .. } => !bytes.is_empty(),
            Event::Set { path: Path::ToolCall(..) | Path::FunctionCall(..), .. } => true,
            Event::Embeddings(_) | Event::Ranking(_) => true,
            Event::Logprobs { .. }
            | Event::TextLogprobs { .. }
            | Event::RefusalLogprobs { .. }
            | Event::Set { .. } => false,
        }
    }
}
