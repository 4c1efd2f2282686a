//! Events regrouped as `chat.completion.chunk` objects, for every face that streams.

use serde_json::Value;

use crate::event::{Event, Path};
use crate::{Logprobs, Map, Response, TokenLogprob};

/// One chunk of a stream. A chunk speaks of one choice, or of none (the last one, with usage).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chunk {
    /// The same in every chunk of an answer.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The model that answers.
    pub model: String,
    /// What is new.
    pub choice: Option<ChunkChoice>,
    /// Token counts; in the last chunk.
    pub usage: Option<Value>,
    /// Fields beside the known ones (`system_fingerprint`, `service_tier`, …).
    pub extra: Map,
}

impl Chunk {
    /// The text that is appended; empty where the chunk brings none.
    pub fn text(&self) -> &str {
        self.choice.as_ref().and_then(|choice| choice.delta.content.as_deref()).unwrap_or_default()
    }
}

/// What is new about one choice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChunkChoice {
    /// Its index.
    pub index: u32,
    /// What is new in its message.
    pub delta: Delta,
    /// Why it ended; in its last chunk.
    pub finish_reason: Option<String>,
    /// Probabilities of the new tokens.
    pub logprobs: Option<Logprobs>,
    /// Fields beside the known ones.
    pub extra: Map,
}

/// What is new in a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    /// Who speaks; in the first chunk of a choice.
    pub role: Option<String>,
    /// Text to append.
    pub content: Option<String>,
    /// Refusal to append.
    pub refusal: Option<String>,
    /// Reasoning to append.
    pub reasoning_content: Option<String>,
    /// Pieces of tool calls.
    pub tool_calls: Vec<ToolCallDelta>,
    /// A piece of the older function call: name, arguments.
    pub function_call: Option<(Option<String>, Option<String>)>,
    /// Fields beside the known ones (`annotations`, `audio`, …).
    pub extra: Map,
}

/// A piece of a tool call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolCallDelta {
    /// The call's place among its choice's calls.
    pub index: u32,
    /// Its id; in the call's first piece.
    pub id: Option<String>,
    /// Its type; in the call's first piece.
    pub kind: Option<String>,
    /// The function's name; in the call's first piece.
    pub name: Option<String>,
    /// Arguments to append.
    pub arguments: Option<String>,
}

/// Turns events into chunks. Events of one batch that speak of the same choice share a chunk, unless both
/// append to the same text: then the pieces stay apart, as the upstream sent them.
#[derive(Debug, Clone, Default)]
pub struct Chunker {
    head: Response,
    usage: Option<Value>,
    include_usage: bool,
    started: Vec<u32>,
}

impl Chunker {
    /// For an answer of `model`; what the provider says of itself comes with the events and wins.
    pub fn new(id: impl Into<String>, created: u64, model: impl Into<String>, include_usage: bool) -> Self {
        let head = Response { id: id.into(), created, model: model.into(), ..Response::default() };
        Self { head, include_usage, ..Self::default() }
    }

    /// The chunks of a batch of events.
    pub fn push(&mut self, events: &[Event]) -> Vec<Chunk> {
        let mut chunks: Vec<Chunk> = Vec::new();
        for event in events {
            self.event(event, &mut chunks);
        }
        chunks
    }

    /// The last chunk: usage, where it was asked for and is known.
    pub fn finish(&mut self) -> Option<Chunk> {
        let usage = self.usage.take().filter(|_| self.include_usage)?;
        Some(Chunk { usage: Some(usage), ..self.empty() })
    }

    fn empty(&self) -> Chunk {
        Chunk {
            id: self.head.id.clone(),
            created: self.head.created,
            model: self.head.model.clone(),
            choice: None,
            usage: None,
            extra: self.head.extra.clone(),
        }
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<Chunk>) {
        match event {
            Event::Text { choice, text } => {
                self.append(chunks, *choice, |delta| &mut delta.content, text);
            }
            Event::Refusal { choice, text } => {
                self.append(chunks, *choice, |delta| &mut delta.refusal, text);
            }
            Event::Reasoning { choice, text } => {
                self.append(chunks, *choice, |delta| &mut delta.reasoning_content, text);
            }
            Event::Arguments { choice, call, text } => {
                let piece = self.call(chunks, *choice, *call, |piece| piece.arguments.is_none());
                piece.arguments = Some(text.clone());
            }
            Event::FunctionArguments { choice, text } => {
                let delta = self.delta(chunks, *choice, |choice| {
                    choice.delta.function_call.as_ref().is_none_or(|(_, arguments)| arguments.is_none())
                });
                delta.delta.function_call.get_or_insert_default().1 = Some(text.clone());
            }
            Event::Logprobs { choice, content } => {
                self.logprobs(chunks, *choice, |logprobs| &mut logprobs.content, content);
            }
            Event::RefusalLogprobs { choice, refusal } => {
                self.logprobs(chunks, *choice, |logprobs| &mut logprobs.refusal, refusal);
            }
            Event::Audio { choice, bytes } => {
                use base64::Engine as _;
                let data = base64::engine::general_purpose::STANDARD.encode(bytes);
                self.audio(chunks, *choice, "data", data.into());
            }
            Event::Transcript { choice, text } => {
                self.audio(chunks, *choice, "transcript", text.as_str().into());
            }
            Event::Set { path, value } => self.set(path, value, chunks),
        }
    }

    fn set(&mut self, path: &Path, value: &Value, chunks: &mut Vec<Chunk>) {
        match path {
            Path::Response(name) => self.set_head(name, value),
            Path::Choice(choice, name) if name == "finish_reason" => {
                let reason = value.as_str().map(str::to_owned);
                self.delta(chunks, *choice, |choice| choice.finish_reason.is_none()).finish_reason = reason;
            }
            Path::Choice(choice, name) => {
                let choice = self.delta(chunks, *choice, |choice| !choice.extra.contains_key(&**name));
                choice.extra.insert(name.to_string(), value.clone());
            }
            // Every choice's first chunk has a role, whether the events name it or not.
            Path::Message(choice, name) if name == "role" => {
                self.delta(chunks, *choice, |_| true);
            }
            Path::Message(choice, name) if name == "content" => {
                let text = value.as_str().unwrap_or_default();
                self.append(chunks, *choice, |delta| &mut delta.content, text);
            }
            Path::Message(choice, name) => {
                let choice = self.delta(chunks, *choice, |choice| !choice.delta.extra.contains_key(&**name));
                choice.delta.extra.insert(name.to_string(), value.clone());
            }
            Path::ToolCall(choice, call, name) => {
                let text = value.as_str().map(str::to_owned);
                let piece = self.call(chunks, *choice, *call, |piece| piece.arguments.is_none());
                match &**name {
                    "id" => piece.id = text,
                    "name" => piece.name = text,
                    "type" => piece.kind = text,
                    _ => {}
                }
            }
            Path::FunctionCall(choice, _) => {
                let delta = self.delta(chunks, *choice, |choice| choice.delta.function_call.is_none());
                delta.delta.function_call = Some((value.as_str().map(str::to_owned), None));
            }
            Path::Audio(choice, name) => self.audio(chunks, *choice, name, value.clone()),
        }
    }

    fn set_head(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("id", Value::String(id)) => self.head.id.clone_from(id),
            ("model", Value::String(model)) => self.head.model.clone_from(model),
            ("created", Value::Number(created)) => self.head.created = created.as_u64().unwrap_or_default(),
            ("usage", usage) => self.usage = Some(usage.clone()).filter(|usage| !usage.is_null()),
            ("warning", _) => {}
            (name, value) => {
                self.head.extra.insert(name.to_owned(), value.clone());
            }
        }
    }

    /// The choice in the last chunk if it is `choice` and `fits`, else in a new chunk.
    fn delta<'a>(
        &mut self,
        chunks: &'a mut Vec<Chunk>,
        index: u32,
        fits: impl Fn(&mut ChunkChoice) -> bool,
    ) -> &'a mut ChunkChoice {
        let open = chunks
            .last_mut()
            .and_then(|chunk| chunk.choice.as_mut())
            .is_some_and(|choice| choice.index == index && choice.finish_reason.is_none() && fits(choice));
        if !open {
            let mut choice = ChunkChoice { index, ..ChunkChoice::default() };
            if !self.started.contains(&index) {
                self.started.push(index);
                choice.delta.role = Some("assistant".into());
            }
            chunks.push(Chunk { choice: Some(choice), ..self.empty() });
        }
        let last = chunks.last_mut().and_then(|chunk| chunk.choice.as_mut());
        last.expect("the last chunk has a choice: it was checked or just made")
    }

    fn append(
        &mut self,
        chunks: &mut Vec<Chunk>,
        choice: u32,
        field: fn(&mut Delta) -> &mut Option<String>,
        text: &str,
    ) {
        let fits = |choice: &mut ChunkChoice| field(&mut choice.delta).is_none();
        *field(&mut self.delta(chunks, choice, fits).delta) = Some(text.to_owned());
    }

    fn call<'a>(
        &mut self,
        chunks: &'a mut Vec<Chunk>,
        choice: u32,
        call: u32,
        fits: impl Fn(&ToolCallDelta) -> bool,
    ) -> &'a mut ToolCallDelta {
        let fits = |choice: &mut ChunkChoice| {
            choice.delta.tool_calls.iter().find(|piece| piece.index == call).is_none_or(&fits)
        };
        let calls = &mut self.delta(chunks, choice, fits).delta.tool_calls;
        let at = calls.iter().position(|piece| piece.index == call).unwrap_or_else(|| {
            calls.push(ToolCallDelta { index: call, ..ToolCallDelta::default() });
            calls.len() - 1
        });
        &mut calls[at]
    }

    fn logprobs(
        &mut self,
        chunks: &mut Vec<Chunk>,
        choice: u32,
        field: impl Fn(&mut Logprobs) -> &mut Option<Vec<TokenLogprob>>,
        tokens: &[TokenLogprob],
    ) {
        let logprobs = self.delta(chunks, choice, |_| true).logprobs.get_or_insert_default();
        field(logprobs).get_or_insert_default().extend_from_slice(tokens);
    }

    fn audio(&mut self, chunks: &mut Vec<Chunk>, choice: u32, name: &str, value: Value) {
        let fits = |choice: &mut ChunkChoice| {
            choice.delta.extra.get("audio").is_none_or(|audio| audio.get(name).is_none())
        };
        let extra = &mut self.delta(chunks, choice, fits).delta.extra;
        if let Value::Object(audio) = extra.entry("audio").or_insert_with(|| Value::Object(Map::new())) {
            audio.insert(name.to_owned(), value);
        }
    }
}
