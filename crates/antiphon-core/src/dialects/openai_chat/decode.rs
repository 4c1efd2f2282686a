//! Bodies and chunks become events.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::errors;
use super::tools::Calls;
use super::usage;
use super::wire::{Audio, Choice, Completion, Function, Message, ToolCall};
use crate::dialects::answer::{interrupted, is_malformed, is_nothing, malformed, not_an_answer, text};
use crate::dialects::excerpt::excerpt;
use crate::dialects::wire::{Extra, Text, repair_surrogates, utf8};
use crate::dialects::{Decoder, Mode};
use crate::event::{Event, Path};
use crate::frames::Frame;
use crate::{Error, Kind, Map, Operation, Result, TextLogprobs, TokenLogprob};

/// Reads one answer, whole or streamed: a server may stream what was asked whole, and the reverse.
pub(in crate::dialects) struct ChatDecoder {
    mode: Mode,
    operation: Operation,
    /// Events seen, to name a malformed one.
    events: u64,
    head: Head,
    choices: Vec<ChoiceState>,
    warned: bool,
    /// Whether it was told that this is no chat.
    told: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Reading,
    /// `[DONE]` or a whole body was seen.
    Done,
    Failed,
}

/// What every chunk repeats; an event is made only where it changes.
#[derive(Default)]
struct Head {
    id: Option<String>,
    model: Option<String>,
    system_fingerprint: Option<String>,
    service_tier: Option<String>,
    created: Option<Value>,
    usage: Option<Value>,
    extra: Map,
}

/// What must be known of a choice to read on.
#[derive(Default)]
struct ChoiceState {
    index: u32,
    finished: bool,
    /// Whether its content, be it empty, has been told.
    has_content: bool,
    calls: Calls,
    function: Option<String>,
    /// Base64 that is no multiple of four characters yet.
    audio: String,
}

impl ChatDecoder {
    pub(in crate::dialects) fn new(mode: Mode, operation: Operation) -> Self {
        Self {
            mode,
            operation,
            events: 0,
            head: Head::default(),
            choices: Vec::new(),
            warned: false,
            told: false,
            state: State::Reading,
        }
    }
}

impl Decoder for ChatDecoder {
    fn push(&mut self, frame: &Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        if self.state != State::Reading {
            return Ok(());
        }
        let result = match frame {
            Frame::Comment => Ok(()),
            Frame::Body(bytes) => self.body(bytes, out),
            Frame::Event { event, data, cut, .. } => self.event(*event, data.trim(), *cut, out),
        };
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    fn finish(&mut self, out: &mut Vec<Event>) -> Result<()> {
        if self.state == State::Failed {
            return Ok(());
        }
        for choice in &mut self.choices {
            let rest = std::mem::take(&mut choice.audio);
            sound(choice.index, &rest, out)?;
        }
        match (self.state, self.mode) {
            (State::Done, _) if self.choices.is_empty() => {
                Err(Error::new(Kind::ResponseValidation, "the stream ended without an answer"))
            }
            (State::Done, _) => Ok(()),
            _ if self.is_complete() => Ok(()),
            (_, Mode::Whole) if self.events == 0 => Err(not_an_answer("the body is empty", "")),
            _ => Err(interrupted()),
        }
    }

    fn is_done(&self) -> bool {
        self.state != State::Reading
    }
}

impl ChatDecoder {
    fn noun(&self) -> &'static str {
        if self.operation == Operation::Chat { "chat completion" } else { "text completion" }
    }

    /// Whether every choice said why it ended.
    fn is_complete(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finished)
    }

    fn body(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<()> {
        let text = utf8(bytes);
        if matches!(text, Cow::Owned(_)) {
            self.warn("bytes of the answer that were no UTF-8 were replaced by U+FFFD", out);
        }
        if text.trim().is_empty() {
            return Err(not_an_answer("the body is empty", ""));
        }
        let text = text.trim_start_matches('\u{FEFF}');
        self.parse(text, out, |decoder, completion, out| {
            if completion.choices.as_ref().is_none_or(Vec::is_empty) {
                return decoder.without_choices(completion);
            }
            decoder.completion(completion, out)
        })
        .map_err(|error| match error {
            Ok(error) if is_malformed(&error) => not_an_answer(error.message(), text),
            Ok(error) => error,
            Err(problem) => not_an_answer(&format!("the body is no {}: {problem}", self.noun()), text),
        })?;
        self.state = State::Done;
        Ok(())
    }

    /// A body without choices is an error even where the provider does not say so: an empty text would be
    /// taken for an answer.
    fn without_choices(&mut self, completion: Completion<'_>) -> Result<()> {
        self.completion(completion, &mut Vec::new())?;
        Err(malformed("the body has no choices".into()))
    }

    fn event(&mut self, event: Option<&str>, data: &str, cut: bool, out: &mut Vec<Event>) -> Result<()> {
        if data.is_empty() || event == Some("ping") {
            return Ok(());
        }
        self.events += 1;
        if data == "[DONE]" {
            self.state = State::Done;
            return Ok(());
        }
        if event == Some("error") {
            let whole = serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok();
            return Err(if cut && !whole { interrupted() } else { errors::in_stream(data) });
        }
        let outcome = self.parse(data, out, ChatDecoder::completion);
        outcome
            .map_err(|error| match error {
                Ok(error) if is_malformed(&error) => self.numbered(error.message(), data),
                Ok(error) => error,
                Err(_) if cut => interrupted(),
                Err(problem) => self.numbered(&problem, data),
            })
            .or_else(|error| {
                // The last event is cut, but all that matters was said before it.
                if cut && error.kind() == Kind::StreamInterrupted && self.is_complete() {
                    Ok(())
                } else {
                    Err(error)
                }
            })
    }

    fn numbered(&self, problem: &str, data: &str) -> Error {
        not_an_answer(&format!("event {} of the stream is malformed: {problem}", self.events), data)
    }

    /// Parses `json` and hands it on. The error is either that of `take`, or what is wrong with the JSON.
    fn parse(
        &mut self,
        json: &str,
        out: &mut Vec<Event>,
        take: impl FnOnce(&mut Self, Completion<'_>, &mut Vec<Event>) -> Result<()>,
    ) -> Result<(), Result<Error, String>> {
        let problem = match serde_json::from_str(json) {
            Ok(completion) => return take(self, completion, out).map_err(Ok),
            Err(problem) => problem,
        };
        let Some(repaired) = repair_surrogates(json) else { return Err(Err(problem.to_string())) };
        let completion = serde_json::from_str(&repaired).map_err(|problem| Err(problem.to_string()))?;
        self.warn("lone surrogates in the answer were replaced by U+FFFD", out);
        take(self, completion, out).map_err(Ok)
    }

    fn warn(&mut self, warning: &str, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.warned, true) {
            out.push(Event::set("warning", warning));
        }
    }

    fn completion(&mut self, completion: Completion<'_>, out: &mut Vec<Event>) -> Result<()> {
        if let Some(error) = completion.error.filter(|error| !is_nothing(error)) {
            return Err(errors::in_body(error));
        }
        if completion.object.as_str() == Some("error") {
            return Err(errors::in_body(Value::Object(completion.extra.into_iter().collect())));
        }
        let outcome = completion.extra.iter().find(|(name, _)| name == "base_resp");
        if let Some(error) = outcome.and_then(|(_, outcome)| errors::in_base_resp(outcome)) {
            return Err(error);
        }
        if self.operation != Operation::Chat && !std::mem::replace(&mut self.told, true) {
            out.push(Event::set("antiphon.operation", self.operation.as_str()));
        }
        let head = &mut self.head;
        head_text(&mut head.id, "id", completion.id, out);
        head_value(&mut head.created, "created", completion.created, out);
        head_text(&mut head.model, "model", completion.model, out);
        head_text(&mut head.system_fingerprint, "system_fingerprint", completion.system_fingerprint, out);
        head_text(&mut head.service_tier, "service_tier", completion.service_tier, out);
        for (name, value) in completion.extra {
            if head.extra.get(&name) != Some(&value) {
                head.extra.insert(name.clone(), value.clone());
                out.push(Event::Set { path: Path::Response(name.into()), value });
            }
        }
        for (at, choice) in completion.choices.into_iter().flatten().enumerate() {
            self.choice(at, choice, out)?;
        }
        head_value(&mut self.head.usage, "usage", completion.usage.map(usage::normalized), out);
        Ok(())
    }

    fn choice(&mut self, at: usize, choice: Choice<'_>, out: &mut Vec<Event>) -> Result<()> {
        let index = index(choice.index.as_ref(), || format!("choices[{at}].index"))?;
        let index = index.unwrap_or_else(|| u32::try_from(at).unwrap_or(u32::MAX));
        if let Some(error) = choice.error.filter(|error| !is_nothing(error)) {
            return Err(errors::in_body(error));
        }
        let place =
            self.choices.binary_search_by_key(&index, |choice| choice.index).unwrap_or_else(|place| {
                self.choices.insert(place, ChoiceState { index, ..ChoiceState::default() });
                let role = [&choice.delta, &choice.message]
                    .into_iter()
                    .flatten()
                    .find_map(|message| message.role.as_str())
                    // MiniMax writes "".
                    .filter(|role| !role.is_empty());
                if self.operation == Operation::Chat {
                    out.push(Event::set_message(index, "role", role.unwrap_or("assistant")));
                }
                place
            });
        let state = &mut self.choices[place];
        // A stream may repeat the whole message beside the delta; then the delta is what is new.
        match (choice.delta, choice.message) {
            (Some(delta), _) => state.message(*delta, Shape::Delta, at, out)?,
            (None, Some(message)) => state.message(*message, Shape::Message, at, out)?,
            (None, None) => {}
        }
        match (self.operation, choice.text) {
            (Operation::TextCompletion, text) => {
                state.content(text, || format!("choices[{at}].text"), out)?
            }
            (_, Text::Some(text)) => out.push(Event::set_choice(index, "text", text.into_owned())),
            (_, Text::Other(value)) => out.push(Event::set_choice(index, "text", value)),
            (_, Text::None) => {}
        }
        for (name, value) in choice.extra {
            out.push(Event::Set { path: Path::Choice(index, name.into()), value });
        }
        if let Some(logprobs) = choice.logprobs {
            match text_logprobs(self.operation, &logprobs) {
                Some(logprobs) => out.push(Event::TextLogprobs { choice: index, logprobs }),
                None => state.logprobs(logprobs, at, out)?,
            }
        }
        let reason = text(choice.finish_reason, || format!("choices[{at}].finish_reason"))?;
        // Some servers write "" until the answer ends.
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            state.finished = true;
            out.push(Event::set_choice(index, "finish_reason", reason.into_owned()));
        }
        Ok(())
    }
}

/// Probabilities in the older form; some servers write a chat's.
fn text_logprobs(operation: Operation, logprobs: &Value) -> Option<Box<TextLogprobs>> {
    if operation != Operation::TextCompletion || logprobs.get("tokens").is_none() {
        return None;
    }
    serde_json::from_value(logprobs.clone()).ok()
}

/// Where a message's fields came from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    /// `message`: a tool call's place is its place in the list.
    Message,
    /// `delta`: it says its place itself, or should.
    Delta,
}

impl ChoiceState {
    fn message(&mut self, message: Message<'_>, shape: Shape, at: usize, out: &mut Vec<Event>) -> Result<()> {
        let choice = self.index;
        let path = |field: &str| {
            let shape = if shape == Shape::Message { "message" } else { "delta" };
            format!("choices[{at}].{shape}.{field}")
        };
        let reasoning = text(message.reasoning_content, || path("reasoning_content"))?;
        reasoning_events(choice, reasoning, message.reasoning, out);
        self.content(message.content, || path("content"), out)?;
        if let Some(text) = text(message.refusal, || path("refusal"))?.filter(|text| !text.is_empty()) {
            out.push(Event::Refusal { choice, text: text.into_owned() });
        }
        if let Some(audio) = message.audio {
            self.audio(*audio, || path("audio"), out)?;
        }
        if let Some(function) = message.function_call {
            self.function_call(*function, || path("function_call"), out)?;
        }
        for (place, call) in message.tool_calls.into_iter().flatten().enumerate() {
            let place = (shape == Shape::Message).then(|| u32::try_from(place).unwrap_or(u32::MAX));
            self.tool_call(place, call, || path("tool_calls"), out)?;
        }
        for (name, value) in message.extra {
            out.push(Event::Set { path: Path::Message(choice, name.into()), value });
        }
        Ok(())
    }

    fn content(&mut self, content: Text<'_>, path: impl Fn() -> String, out: &mut Vec<Event>) -> Result<()> {
        let choice = self.index;
        match content {
            Text::Some(text) if !text.is_empty() => {
                self.has_content = true;
                out.push(Event::Text { choice, text: text.into_owned() });
            }
            Text::Some(_) if !self.has_content => {
                self.has_content = true;
                out.push(Event::set_message(choice, "content", ""));
            }
            Text::Some(_) | Text::None => {}
            Text::Other(Value::Array(parts)) => content_parts(choice, parts, out),
            Text::Other(_) => {
                text(content, path)?;
            }
        }
        Ok(())
    }

    fn audio(&mut self, audio: Audio<'_>, path: impl Fn() -> String, out: &mut Vec<Event>) -> Result<()> {
        let choice = self.index;
        set_all(audio.extra, |name| Path::Audio(choice, name.into()), out);
        if let Some(data) = text(audio.data, || format!("{}.data", path()))? {
            self.audio.push_str(&data);
            // Each piece is base64 of its own, or all are pieces of one.
            let whole = if self.audio.ends_with('=') { self.audio.len() } else { self.audio.len() / 4 * 4 };
            let rest = self.audio.get(whole..).map(str::to_owned);
            let rest = rest.ok_or_else(|| malformed(format!("{}.data is no base64", path())))?;
            self.audio.truncate(whole);
            let ready = std::mem::replace(&mut self.audio, rest);
            sound(choice, &ready, out)?;
        }
        let transcript = text(audio.transcript, || format!("{}.transcript", path()))?;
        if let Some(text) = transcript.filter(|text| !text.is_empty()) {
            out.push(Event::Transcript { choice, text: text.into_owned() });
        }
        Ok(())
    }

    fn function_call(
        &mut self,
        function: Function<'_>,
        path: impl Fn() -> String,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let choice = self.index;
        let name = text(function.name, || format!("{}.name", path()))?.filter(|name| !name.is_empty());
        if let Some(name) = name
            && self.function.as_deref() != Some(&*name)
        {
            self.function = Some(name.clone().into_owned());
            let path = Path::FunctionCall(choice, "name".into());
            out.push(Event::Set { path, value: name.into_owned().into() });
        }
        if let Some(text) = arguments(function.arguments, || format!("{}.arguments", path()))? {
            out.push(Event::FunctionArguments { choice, text });
        }
        Ok(())
    }

    /// `place` is the call's place where the wire's order says it.
    fn tool_call(
        &mut self,
        place: Option<u32>,
        call: ToolCall<'_>,
        path: impl Fn() -> String,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let choice = self.index;
        let path = |field: &str| format!("{}[].{field}", path());
        let index = index(call.index.as_ref(), || path("index"))?;
        let id = text(call.id, || path("id"))?.unwrap_or_default();
        let kind = text(call.kind, || path("type"))?.unwrap_or_default();
        let custom = call.custom.is_some() || kind == "custom";
        let function = call.custom.map(|custom| *custom).or(call.function).unwrap_or_default();
        let name = text(function.name, || path("function.name"))?.unwrap_or_default();
        let state = self.calls.find(place.or(index), &id, &name);
        let call_place = state.place;
        let mut set = |field: &'static str, value: Cow<'_, str>| {
            out.push(Event::set_call(choice, call_place, field, value.into_owned()));
        };
        if !id.is_empty() && state.id.is_empty() {
            state.id = id.clone().into_owned();
            set("id", id);
        }
        if state.custom.is_none() || (custom && state.custom == Some(false)) {
            state.custom = Some(custom);
            let kind = if kind.is_empty() {
                Cow::Borrowed(if custom { "custom" } else { "function" })
            } else {
                kind
            };
            set("type", kind);
        }
        // A name that comes in pieces is joined, as the official SDK's accumulator does.
        if !name.is_empty() && state.name != name && !state.has_arguments {
            state.name.push_str(&name);
            set("name", state.name.clone().into());
        }
        let arguments = match function.arguments {
            Text::None => arguments(function.input, || path("custom.input"))?,
            given => arguments(given, || path("function.arguments"))?,
        };
        if let Some(text) = arguments {
            state.has_arguments = true;
            out.push(Event::Arguments { choice, call: call_place, text });
        }
        set_all(call.extra, |name| Path::ToolCall(choice, call_place, name.into()), out);
        Ok(())
    }

    fn logprobs(&mut self, logprobs: Value, at: usize, out: &mut Vec<Event>) -> Result<()> {
        let choice = self.index;
        let Value::Object(mut map) = logprobs else {
            return Err(malformed(format!("choices[{at}].logprobs must be an object")));
        };
        // The completions endpoint's form, which some servers give here, is none that we know: kept as it is.
        if !map.contains_key("content") && !map.contains_key("refusal") {
            if !map.is_empty() {
                out.push(Event::set_choice(choice, "logprobs", map));
            }
            return Ok(());
        }
        let content = token_logprobs(map.shift_remove("content"), at)?;
        let refusal = token_logprobs(map.shift_remove("refusal"), at)?;
        out.extend(content.map(|content| Event::Logprobs { choice, content }));
        out.extend(refusal.map(|refusal| Event::RefusalLogprobs { choice, refusal }));
        Ok(())
    }
}

/// `reasoning_content` is DeepSeek's name, `reasoning` OpenRouter's, Groq's and newer vLLM's; where both
/// are there they say the same.
fn reasoning_events(choice: u32, first: Option<Cow<'_, str>>, second: Text<'_>, out: &mut Vec<Event>) {
    let text = match (first.filter(|text| !text.is_empty()), second) {
        (Some(text), _) | (None, Text::Some(text)) => text,
        (None, Text::None) => return,
        (None, Text::Other(value)) => {
            out.push(Event::set_message(choice, "reasoning", value));
            return;
        }
    };
    if !text.is_empty() {
        out.push(Event::Reasoning { choice, text: text.into_owned() });
    }
}

/// Content in parts, as Mistral's reasoning models give it: `text` and `thinking` are known, other parts are
/// kept as the message's `content_parts`.
fn content_parts(choice: u32, parts: Vec<Value>, out: &mut Vec<Event>) {
    let mut unknown = Vec::new();
    for mut part in parts {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        match (kind, part.get("text"), part.get("thinking")) {
            ("text", Some(Value::String(_)), _) => {
                if let Value::String(text) = part["text"].take() {
                    out.push(Event::Text { choice, text });
                }
            }
            ("thinking", _, Some(Value::String(text))) => {
                out.push(Event::Reasoning { choice, text: text.clone() });
            }
            ("thinking", _, Some(Value::Array(thoughts))) => {
                let text: String = thoughts.iter().filter_map(|thought| thought["text"].as_str()).collect();
                out.push(Event::Reasoning { choice, text });
            }
            _ => unknown.push(part),
        }
    }
    if !unknown.is_empty() {
        out.push(Event::set_message(choice, "content_parts", unknown));
    }
}

fn token_logprobs(tokens: Option<Value>, at: usize) -> Result<Option<Vec<TokenLogprob>>> {
    let Some(tokens) = tokens.filter(|tokens| !tokens.is_null()) else { return Ok(None) };
    serde_json::from_value(tokens)
        .map(Some)
        .map_err(|problem| malformed(format!("choices[{at}].logprobs: {problem}")))
}

/// Arguments; where they come as an object, their JSON text.
fn arguments(arguments: Text<'_>, path: impl Fn() -> String) -> Result<Option<String>> {
    match arguments {
        Text::Other(value @ Value::Object(_)) => Ok(Some(value.to_string())),
        arguments => Ok(text(arguments, path)?.filter(|text| !text.is_empty()).map(Cow::into_owned)),
    }
}

fn sound(choice: u32, base64: &str, out: &mut Vec<Event>) -> Result<()> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if base64.is_empty() {
        return Ok(());
    }
    let bytes = LENIENT.decode(base64).map_err(|_| malformed("the audio is no base64".into()))?;
    out.push(Event::Audio { choice, bytes });
    Ok(())
}

fn index(value: Option<&Value>, path: impl Fn() -> String) -> Result<Option<u32>> {
    let Some(value) = value else { return Ok(None) };
    let index = value.as_u64().and_then(|index| u32::try_from(index).ok()).filter(|index| *index < u32::MAX);
    let wrong =
        || malformed(format!("{} must be a whole number, got {}", path(), excerpt(&value.to_string())));
    index.ok_or_else(wrong).map(Some)
}

fn head_text(known: &mut Option<String>, name: &'static str, text: Text<'_>, out: &mut Vec<Event>) {
    let value = match text {
        Text::None => return,
        Text::Some(text) if known.as_deref() == Some(&*text) => return,
        Text::Some(text) => text.into_owned(),
        Text::Other(value) => {
            out.push(Event::set(name, value));
            return;
        }
    };
    *known = Some(value.clone());
    out.push(Event::set(name, value));
}

fn head_value(known: &mut Option<Value>, name: &'static str, value: Option<Value>, out: &mut Vec<Event>) {
    let Some(value) = value else { return };
    if known.as_ref() != Some(&value) {
        *known = Some(value.clone());
        out.push(Event::set(name, value));
    }
}

fn set_all(extra: Extra, path: impl Fn(String) -> Path, out: &mut Vec<Event>) {
    out.extend(extra.into_iter().map(|(name, value)| Event::Set { path: path(name), value }));
}
