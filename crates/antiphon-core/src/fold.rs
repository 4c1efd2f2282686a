//! Events become a response: the one accumulator of the project.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::event::{Event, Path};
use crate::{
    Choice, Content, FinishReason, FunctionCall, Logprobs, Map, Message, Operation, Response, Role, ToolCall,
    Usage,
};

/// Gathers the events of one call. [`Fold::response`] is what is known so far.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    response: Response,
    /// What a choice gathers beside its message, by the same place in the vector.
    sides: Vec<Side>,
}

#[derive(Debug, Clone, Default)]
struct Side {
    /// The wire's index of each tool call, by place.
    calls: Vec<u32>,
    audio: Option<Audio>,
}

#[derive(Debug, Clone, Default)]
struct Audio {
    bytes: Vec<u8>,
    transcript: String,
    fields: Map,
}

impl Fold {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known so far, without sound (which is put in place by [`Fold::finish`]).
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// Takes in one event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Text { choice, text } => append(&mut self.choice(choice).0.message.content, &text),
            Event::Refusal { choice, text } => {
                self.choice(choice).0.message.refusal.get_or_insert_default().push_str(&text);
            }
            Event::Reasoning { choice, text } => {
                self.choice(choice).0.message.reasoning_content.get_or_insert_default().push_str(&text);
            }
            Event::Arguments { choice, call, text } => self.call(choice, call).function.arguments += &text,
            Event::FunctionArguments { choice, text } => self.function_call(choice).arguments += &text,
            Event::Logprobs { choice, content } => {
                self.logprobs(choice).content.get_or_insert_default().extend(content);
            }
            Event::TextLogprobs { choice, logprobs } => match &mut self.logprobs(choice).text {
                Some(sofar) => sofar.extend(*logprobs),
                none => *none = Some(logprobs),
            },
            Event::Embeddings(embeddings) => self.response.embeddings = Some(embeddings),
            Event::Ranking(ranking) => self.response.ranking = Some(ranking),
            Event::RefusalLogprobs { choice, refusal } => {
                self.logprobs(choice).refusal.get_or_insert_default().extend(refusal);
            }
            Event::Audio { choice, bytes } => self.audio(choice).bytes.extend(bytes),
            Event::Transcript { choice, text } => self.audio(choice).transcript += &text,
            Event::Set { path, value } => self.set(path, value),
        }
    }

    /// Takes in a batch.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.push(event));
    }

    /// The response.
    pub fn finish(mut self) -> Response {
        for (choice, side) in self.response.choices.iter_mut().zip(self.sides) {
            if let Some(audio) = side.audio {
                choice.message.extra.insert("audio".into(), audio.to_json());
            }
        }
        self.response
    }

    fn set(&mut self, path: Path, value: Value) {
        match path {
            Path::Response(name) => set_response(&mut self.response, &name, value),
            Path::Choice(choice, name) => set_choice(self.choice(choice).0, &name, value),
            Path::Message(choice, name) => set_message(&mut self.choice(choice).0.message, &name, value),
            Path::ToolCall(choice, call, name) => set_call(self.call(choice, call), &name, value),
            Path::FunctionCall(choice, name) => {
                if let ("name", Value::String(name)) = (&*name, value) {
                    self.function_call(choice).name = name;
                }
            }
            Path::Audio(choice, name) => {
                self.audio(choice).fields.insert(name.into_owned(), value);
            }
        }
    }

    /// The choice of that index, made where it is new. Choices stay sorted by index.
    fn choice(&mut self, index: u32) -> (&mut Choice, &mut Side) {
        let choices = &mut self.response.choices;
        let at = match choices.binary_search_by_key(&index, |choice| choice.index) {
            Ok(at) => at,
            Err(at) => {
                let message = Message { role: Role::Assistant, ..Message::default() };
                choices.insert(at, Choice { index, message, ..Choice::default() });
                self.sides.insert(at, Side::default());
                at
            }
        };
        (&mut choices[at], &mut self.sides[at])
    }

    /// The call of that index, made where it is new. Calls stay sorted by the wire's index.
    fn call(&mut self, choice: u32, call: u32) -> &mut ToolCall {
        let (choice, side) = self.choice(choice);
        let calls = &mut choice.message.tool_calls;
        let at = side.calls.binary_search(&call).unwrap_or_else(|at| {
            side.calls.insert(at, call);
            calls.insert(at, ToolCall::default());
            at
        });
        &mut calls[at]
    }

    fn function_call(&mut self, choice: u32) -> &mut FunctionCall {
        self.choice(choice).0.message.function_call.get_or_insert_default()
    }

    fn logprobs(&mut self, choice: u32) -> &mut Logprobs {
        self.choice(choice).0.logprobs.get_or_insert_default()
    }

    fn audio(&mut self, choice: u32) -> &mut Audio {
        self.choice(choice).1.audio.get_or_insert_default()
    }
}

impl Audio {
    fn to_json(&self) -> Value {
        let mut map = self.fields.clone();
        map.insert("data".into(), BASE64.encode(&self.bytes).into());
        map.insert("transcript".into(), self.transcript.as_str().into());
        Value::Object(map)
    }
}

fn append(content: &mut Content, text: &str) {
    match content {
        Content::Text(sofar) => sofar.push_str(text),
        _ => *content = Content::Text(text.to_owned()),
    }
}

/// A value of the wrong type for a known field is kept as an unknown one, so nothing is lost.
fn set_response(response: &mut Response, name: &str, value: Value) {
    match (name, value) {
        ("id", Value::String(id)) => response.id = id,
        ("model", Value::String(model)) => response.model = model,
        ("created", Value::Number(number)) => response.created = seconds(&number),
        ("system_fingerprint", Value::String(text)) => response.system_fingerprint = Some(text),
        ("system_fingerprint", Value::Null) => response.system_fingerprint = None,
        ("usage", Value::Null) => response.usage = None,
        ("usage", value) => match serde_json::from_value::<Usage>(value.clone()) {
            Ok(usage) => response.usage = Some(usage),
            Err(_) => {
                response.extra.insert("usage".into(), value);
            }
        },
        ("warning", Value::String(text)) => response.warnings.push(text),
        ("antiphon.operation", Value::String(word)) => {
            response.operation = Operation::parse(&word).unwrap_or_default();
        }
        (name, Value::String(text)) if name.starts_with("antiphon.") => match response.meta.field(name) {
            Some(field) => *field = Some(text),
            None => {
                response.extra.insert(name.to_owned(), text.into());
            }
        },
        (name, value) => {
            response.extra.insert(name.to_owned(), value);
        }
    }
}

fn seconds(number: &serde_json::Number) -> u64 {
    number.as_u64().or_else(|| number.as_f64().map(|seconds| seconds as u64)).unwrap_or_default()
}

fn set_choice(choice: &mut Choice, name: &str, value: Value) {
    match (name, value) {
        ("finish_reason", Value::String(word)) => choice.finish_reason = Some(FinishReason::parse(&word)),
        ("finish_reason", Value::Null) => choice.finish_reason = None,
        (name, value) => {
            choice.extra.insert(name.to_owned(), value);
        }
    }
}

fn set_message(message: &mut Message, name: &str, value: Value) {
    match (name, value) {
        ("role", Value::String(role)) => message.role = Role::parse(&role).unwrap_or(Role::Assistant),
        ("content", Value::String(text)) => {
            if message.content.is_null() || !text.is_empty() {
                message.content = Content::Text(text);
            }
        }
        ("name", Value::String(text)) => message.name = Some(text),
        (name, value) => {
            message.extra.insert(name.to_owned(), value);
        }
    }
}

fn set_call(call: &mut ToolCall, name: &str, value: Value) {
    match (name, value) {
        ("id", Value::String(id)) => call.id = id,
        ("name", Value::String(name)) => call.function.name = name,
        ("type", Value::String(kind)) if matches!(&*kind, "" | "function" | "custom") => {
            call.custom = kind == "custom";
        }
        (name, value) => {
            call.extra.insert(name.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_append_and_snapshots_replace() {
        let mut fold = Fold::new();
        fold.extend([
            Event::set("id", "x"),
            Event::text("Hel"),
            Event::set_choice(0, "finish_reason", "length"),
            Event::text("lo"),
            Event::set_choice(0, "finish_reason", "stop"),
        ]);
        let response = fold.finish();
        assert_eq!(response.text(), "Hello");
        assert_eq!(response.choices[0].finish_reason, Some(FinishReason::Stop));
    }

    #[test]
    fn calls_and_choices_out_of_order_are_sorted() {
        let mut fold = Fold::new();
        fold.extend([
            Event::set_call(1, 1, "name", "b"),
            Event::set_call(1, 0, "name", "a"),
            Event::Arguments { choice: 1, call: 1, text: "{}".into() },
            Event::Text { choice: 0, text: "hi".into() },
        ]);
        let response = fold.finish();
        assert_eq!(response.choices.iter().map(|choice| choice.index).collect::<Vec<_>>(), [0, 1]);
        let calls = &response.choices[1].message.tool_calls;
        assert_eq!(calls.iter().map(|call| call.function.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(calls[1].function.arguments, "{}");
    }
}
