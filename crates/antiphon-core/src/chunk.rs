//! Events regrouped as `chat.completion.chunk` objects, for every face that streams.

use serde_json::{Value, json};

use crate::event::{Event, Path};
use crate::json::put;
use crate::{Logprobs, Map, Operation, Response, TokenLogprob};

/// One chunk of a stream. A chunk speaks of one choice, or of none (the last one, with usage).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chunk {
    /// What kind of answer it is a part of, and so the form of its JSON.
    pub operation: Operation,
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
    /// Whether the call is of a custom tool, whose argument is free text under `custom.input`.
    pub custom: bool,
    /// Fields beside the known ones.
    pub extra: Map,
}

impl Chunk {
    /// As JSON, as OpenAI writes a `chat.completion.chunk`, or a `text_completion`. A chunk of no choice has
    /// `choices: []`.
    pub fn to_json(&self) -> Value {
        let (object, choice): (_, fn(&ChunkChoice) -> Value) = match self.operation {
            Operation::TextCompletion => ("text_completion", ChunkChoice::to_text_json),
            _ => ("chat.completion.chunk", ChunkChoice::to_json),
        };
        let mut map = Map::new();
        map.insert("id".into(), self.id.as_str().into());
        map.insert("object".into(), object.into());
        map.insert("created".into(), self.created.into());
        map.insert("model".into(), self.model.as_str().into());
        map.extend(self.extra.clone());
        map.insert("choices".into(), self.choice.iter().map(choice).collect::<Vec<_>>().into());
        put(&mut map, "usage", self.usage.clone());
        Value::Object(map)
    }
}

impl ChunkChoice {
    fn to_text_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("text".into(), self.delta.content.as_deref().unwrap_or_default().into());
        map.insert("index".into(), self.index.into());
        map.insert("logprobs".into(), self.logprobs.as_ref().map_or(Value::Null, Logprobs::to_text_json));
        map.insert("finish_reason".into(), self.finish_reason.as_deref().into());
        map.extend(self.extra.clone());
        Value::Object(map)
    }

    fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("index".into(), self.index.into());
        map.insert("delta".into(), self.delta.to_json());
        map.insert("logprobs".into(), self.logprobs.as_ref().map_or(Value::Null, Logprobs::to_json));
        map.insert("finish_reason".into(), self.finish_reason.as_deref().into());
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

impl Delta {
    /// What is new, and nothing else: a field that says nothing is absent.
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        put(&mut map, "role", self.role.as_deref());
        put(&mut map, "content", self.content.as_deref());
        put(&mut map, "refusal", self.refusal.as_deref());
        put(&mut map, "reasoning_content", self.reasoning_content.as_deref());
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.iter().map(ToolCallDelta::to_json).collect::<Vec<_>>();
            map.insert("tool_calls".into(), calls.into());
        }
        if let Some((name, arguments)) = &self.function_call {
            map.insert("function_call".into(), called(name, "arguments", arguments));
        }
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

impl ToolCallDelta {
    fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("index".into(), self.index.into());
        put(&mut map, "id", self.id.as_deref());
        put(&mut map, "type", self.kind.as_deref());
        let (key, argument) = if self.custom { ("custom", "input") } else { ("function", "arguments") };
        if self.name.is_some() || self.arguments.is_some() {
            map.insert(key.into(), called(&self.name, argument, &self.arguments));
        }
        map.extend(self.extra.clone());
        Value::Object(map)
    }
}

/// A first piece has arguments, be they empty: clients append to what they find there.
fn called(name: &Option<String>, argument: &str, arguments: &Option<String>) -> Value {
    let mut map = Map::new();
    put(&mut map, "name", name.as_deref());
    map.insert(argument.into(), json!(arguments.as_deref().unwrap_or_default()));
    Value::Object(map)
}

/// Turns events into chunks. Events of one batch that speak of the same choice share a chunk, unless both
/// append to the same text: then the pieces stay apart, as the upstream sent them.
#[derive(Debug, Clone, Default)]
pub struct Chunker {
    head: Response,
    usage: Option<Value>,
    include_usage: bool,
    started: Vec<u32>,
    /// Calls of custom tools: choice, call.
    custom: Vec<(u32, u32)>,
    /// Whether the head has a field that no chunk has shown yet.
    unshown: bool,
}

impl Chunker {
    /// For an answer of `model`; what the provider says of itself comes with the events and wins.
    pub fn new(id: impl Into<String>, created: u64, model: impl Into<String>, include_usage: bool) -> Self {
        let head = Response { id: id.into(), created, model: model.into(), ..Response::default() };
        Self { head, include_usage, ..Self::default() }
    }

    /// The same, for an answer of that kind.
    pub fn of(mut self, operation: Operation) -> Self {
        self.head.operation = operation;
        self
    }

    /// The chunks of a batch of events.
    pub fn push(&mut self, events: &[Event]) -> Vec<Chunk> {
        let mut chunks: Vec<Chunk> = Vec::new();
        for event in events {
            self.event(event, &mut chunks);
        }
        if self.unshown
            && let Some(last) = chunks.last_mut()
        {
            last.extra.clone_from(&self.head.extra);
            self.unshown = false;
        }
        chunks
    }

    /// The last chunk: usage, where it was asked for and is known. Where a field of the whole answer came
    /// after its last piece, a chunk with nothing else new (of a choice, for clients read `choices[0]`).
    pub fn finish(&mut self) -> Option<Chunk> {
        if let Some(usage) = self.usage.take().filter(|_| self.include_usage) {
            return Some(Chunk { usage: Some(usage), ..self.empty() });
        }
        let index = *self.started.first().filter(|_| self.unshown)?;
        let choice = ChunkChoice { index, ..ChunkChoice::default() };
        Some(Chunk { choice: Some(choice), ..self.empty() })
    }

    fn empty(&mut self) -> Chunk {
        self.unshown = false;
        Chunk {
            operation: self.head.operation,
            id: self.head.id.clone(),
            created: self.head.created,
            model: self.head.model.clone(),
            choice: None,
            usage: None,
            extra: self.head.extra.clone(),
        }
    }

    fn is_text(&self) -> bool {
        self.head.operation == Operation::TextCompletion
    }

    fn event(&mut self, event: &Event, chunks: &mut Vec<Chunk>) {
        match event {
            // A text completion shows nothing of what its model thought.
            Event::Reasoning { .. } if self.is_text() => {}
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
            Event::TextLogprobs { choice, logprobs } => {
                let choice = self.delta(chunks, *choice, |choice| {
                    choice.logprobs.as_ref().is_none_or(|logprobs| logprobs.text.is_none())
                });
                choice.logprobs.get_or_insert_default().text = Some(logprobs.clone());
            }
            // Vectors come whole.
            Event::Embeddings(_) | Event::Ranking(_) => {}
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
                if let Some(reason) = value.as_str() {
                    self.finish_choice(chunks, *choice, reason);
                }
            }
            Path::Choice(choice, name) => {
                let choice = self.delta(chunks, *choice, |choice| !choice.extra.contains_key(&**name));
                choice.extra.insert(name.to_string(), value.clone());
            }
            // Every choice's first chunk has a role, whether the events name it or not.
            // A text completion has nobody who speaks, and its last piece says that there was none before.
            Path::Message(..) if self.is_text() => {}
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
                if name == "type" && text.as_deref() == Some("custom") {
                    self.custom.push((*choice, *call));
                }
                let piece = self.call(chunks, *choice, *call, |piece| piece.arguments.is_none());
                match &**name {
                    "id" => piece.id = text,
                    "name" => piece.name = text,
                    "type" => piece.kind = text,
                    _ => {
                        piece.extra.insert(name.to_string(), value.clone());
                    }
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
            // How the answer came about is the caller's to know, and no part of it.
            (name, _) if name.starts_with("antiphon.") => {}
            (name, value) => {
                self.unshown |= self.head.extra.get(name) != Some(value);
                self.head.extra.insert(name.to_owned(), value.clone());
            }
        }
    }

    /// As OpenAI does it: the reason in a chunk of its own, with an empty delta.
    fn finish_choice(&mut self, chunks: &mut Vec<Chunk>, index: u32, reason: &str) {
        if !self.started.contains(&index) && !self.is_text() {
            self.begin(chunks, index);
        }
        self.begin(chunks, index).finish_reason = Some(reason.to_owned());
    }

    /// A new chunk that speaks of that choice; with the role, where it is the choice's first.
    fn begin<'a>(&mut self, chunks: &'a mut Vec<Chunk>, index: u32) -> &'a mut ChunkChoice {
        let mut choice = ChunkChoice { index, ..ChunkChoice::default() };
        if !self.started.contains(&index) {
            self.started.push(index);
            choice.delta.role = (!self.is_text()).then(|| "assistant".into());
        }
        chunks.push(Chunk { choice: Some(choice), ..self.empty() });
        let last = chunks.last_mut().and_then(|chunk| chunk.choice.as_mut());
        last.expect("the chunk just pushed has a choice")
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
            return self.begin(chunks, index);
        }
        let last = chunks.last_mut().and_then(|chunk| chunk.choice.as_mut());
        last.expect("an open chunk has a choice")
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
        let custom = self.custom.contains(&(choice, call));
        let fits = |choice: &mut ChunkChoice| {
            choice.delta.tool_calls.iter().find(|piece| piece.index == call).is_none_or(&fits)
        };
        let calls = &mut self.delta(chunks, choice, fits).delta.tool_calls;
        // In the order of their indices: OpenAI's client takes an index for the place of a call in its list.
        let at = calls.binary_search_by_key(&call, |piece| piece.index).unwrap_or_else(|at| {
            calls.insert(at, ToolCallDelta { index: call, ..ToolCallDelta::default() });
            at
        });
        calls[at].custom = custom;
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
