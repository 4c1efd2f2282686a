//! Answers that are given, not computed: `mock_response`, `mock_tool_calls`.

use std::time::{SystemTime, UNIX_EPOCH};

use antiphon_core::error::ROWS;
use antiphon_core::{
    Embeddings, Error, Event, Input, Operation, Ranked, Request, Response, Result, Task, TextAnswer,
    ToolCall, Usage,
};
use serde_json::Value;

use crate::wire;

/// What a mocked call answers.
#[derive(Debug, Clone)]
pub enum Mock {
    /// This text.
    Text(String),
    /// Calls of tools, mostly without a text.
    ToolCalls {
        /// What is said beside them.
        text: Option<String>,
        /// The calls; one without an id is given one.
        calls: Vec<ToolCall>,
    },
    /// This vector, for each text to be embedded; the scores of the documents to be reranked.
    Vector(Vec<f32>),
    /// A whole response.
    Response(Box<Response>),
    /// This error.
    Error(Error),
}

impl Mock {
    /// Reads text, a list of numbers (a vector), a `chat.completion` object or one of its like, or the name of an error class (`"antiphon.RateLimitError"`,
    /// also with LiteLLM's prefix).
    pub fn from_json(value: Value) -> Result<Self> {
        match value {
            Value::String(text) => Ok(named_error(&text).map_or(Mock::Text(text), Mock::Error)),
            Value::Object(_) => response(&value),
            Value::Array(numbers) => vector(numbers),
            _ => Err(wrong("must be a text, a list of numbers, a chat.completion object or an error")),
        }
    }

    /// The same with calls of tools, as OpenAI's messages have them.
    pub(crate) fn with_calls(mock: Option<Self>, calls: Value) -> Result<Self> {
        const NAME: &str = "mock_tool_calls";
        let text = match mock {
            None => None,
            Some(Mock::Text(text)) => Some(text),
            Some(_) => return Err(Error::invalid(NAME, "goes with a text as mock_response, or with none")),
        };
        let Value::Array(calls) = calls else {
            return Err(Error::invalid(NAME, "must be a list of tool calls"));
        };
        let calls = calls.into_iter().enumerate();
        let calls = calls.map(|(i, call)| ToolCall::from_json(format_args!("{NAME}[{i}]"), call));
        Ok(Mock::ToolCalls { text, calls: calls.collect::<Result<_>>()? })
    }

    /// The events that the mock stands for.
    pub(crate) fn events(self, request: &Request) -> Result<Vec<Event>> {
        let operation = request.task.operation();
        match self {
            Mock::Vector(vector) if operation == Operation::Embeddings => Ok(vector_events(&vector, request)),
            Mock::Vector(scores) if operation == Operation::Rerank => ranking_events(&scores, request),
            Mock::Vector(_) => Err(wrong("is a list of numbers, which only embeddings and reranking have")),
            Mock::Response(response) if response.operation != operation => {
                let (given, asked) = (response.operation.as_str(), operation.as_str());
                Err(wrong(&format!("is an answer of the kind {given}, and the call's is {asked}")))
            }
            Mock::Text(_) | Mock::ToolCalls { .. } if operation == Operation::Embeddings => {
                Err(wrong("must be a list of numbers or a list object, for embeddings"))
            }
            Mock::Text(_) | Mock::ToolCalls { .. } if operation == Operation::Rerank => {
                Err(wrong("must be a list of scores, one a document, or an object with results"))
            }
            Mock::Text(text) if operation == Operation::TextCompletion => {
                Ok(TextAnswer::default().translate(said(Some(&text), &[], request)))
            }
            Mock::Text(text) => Ok(said(Some(&text), &[], request)),
            Mock::ToolCalls { text, calls } => Ok(said(text.as_deref(), &calls, request)),
            Mock::Response(response) => Ok(response.to_events()),
            Mock::Error(error) => Err(error.target("mock", &request.model)),
        }
    }
}

impl From<&str> for Mock {
    fn from(text: &str) -> Self {
        Mock::Text(text.to_owned())
    }
}

impl From<String> for Mock {
    fn from(text: String) -> Self {
        Mock::Text(text)
    }
}

impl From<Response> for Mock {
    fn from(response: Response) -> Self {
        Mock::Response(Box::new(response))
    }
}

impl From<Error> for Mock {
    fn from(error: Error) -> Self {
        Mock::Error(error)
    }
}

fn wrong(what: &str) -> Error {
    Error::invalid("mock_response", what)
}

fn vector(numbers: Vec<Value>) -> Result<Mock> {
    let number = |(at, number): (usize, Value)| {
        let number = number.as_f64().map(|number| number as f32);
        number.ok_or_else(|| Error::invalid(format_args!("mock_response[{at}]"), "must be a number"))
    };
    if numbers.is_empty() {
        return Err(wrong("is empty"));
    }
    numbers.into_iter().enumerate().map(number).collect::<Result<_>>().map(Mock::Vector)
}

fn vector_events(vector: &[f32], request: &Request) -> Vec<Event> {
    let vectors = vec![vector.to_vec(); request.task.inputs().len()];
    let usage = Usage::new(tokens(request.task.inputs()), 0);
    vec![
        Event::set("antiphon.operation", Operation::Embeddings.as_str()),
        Event::set("model", request.model.as_str()),
        Event::Embeddings(Embeddings::new(vectors)),
        Event::set("usage", serde_json::json!(usage)),
    ]
}

/// A score for each document.
fn ranking_events(scores: &[f32], request: &Request) -> Result<Vec<Event>> {
    let Task::Rerank(task) = &request.task else { return Ok(Vec::new()) };
    if scores.len() != task.documents.len() {
        let (scores, documents) = (scores.len(), task.documents.len());
        return Err(wrong(&format!("has {scores} scores, and there are {documents} documents")));
    }
    let scores = (0..).zip(scores).map(|(index, score)| Ranked {
        index,
        relevance_score: f64::from(*score),
        ..Ranked::default()
    });
    let read = estimate(task.query.len()) * task.documents.len() as u64 + tokens(&task.documents);
    Ok(vec![
        Event::set("antiphon.operation", Operation::Rerank.as_str()),
        Event::set("id", crate::random::answer_id(Operation::Rerank)),
        Event::set("model", request.model.as_str()),
        Event::Ranking(task.ranking(scores.collect())?),
        Event::set("usage", serde_json::json!(Usage::new(read, 0))),
    ])
}

/// How many tokens the inputs have, about.
fn tokens(inputs: &[Input]) -> u64 {
    let count = |input: &Input| match input {
        Input::Text(text) => estimate(text.len()),
        Input::Tokens(tokens) => tokens.len() as u64,
    };
    inputs.iter().map(count).sum()
}

fn response(body: &Value) -> Result<Mock> {
    let operation = match body.get("object").and_then(Value::as_str) {
        Some("text_completion") => Operation::TextCompletion,
        Some("list") if body.get("results").is_none() => Operation::Embeddings,
        _ if body.get("results").is_some_and(Value::is_array) => Operation::Rerank,
        _ => Operation::Chat,
    };
    let response = wire::response_of(operation, body.to_string().as_bytes())
        .map_err(|error| Error::invalid("mock_response", error.message()))?;
    Ok(Mock::Response(Box::new(response)))
}

fn named_error(text: &str) -> Option<Error> {
    let class = text.strip_prefix("antiphon.").or_else(|| text.strip_prefix("litellm."))?;
    let row = ROWS.iter().find(|row| row.python == class)?;
    Some(Error::new(row.kind, format!("this is a mocked {class}")))
}

fn said(text: Option<&str>, calls: &[ToolCall], request: &Request) -> Vec<Event> {
    let prompts = request.task.inputs().len().max(1) as u32;
    let choices = request.params.n.unwrap_or(1).max(1).saturating_mul(prompts);
    let prompt = request.messages.iter().map(|message| message.content.text().len()).sum();
    let mut events = head(&request.model);
    for choice in 0..choices {
        events.push(Event::set_message(choice, "role", "assistant"));
        if let Some(text) = text {
            events.push(Event::set_message(choice, "content", ""));
            events.extend(written(text, request.stream).map(|text| Event::Text { choice, text }));
        }
        for (call, place) in calls.iter().zip(0..) {
            call_events(call, choice, place, request.stream, &mut events);
        }
        let reason = if calls.is_empty() { "stop" } else { "tool_calls" };
        events.push(Event::set_choice(choice, "finish_reason", reason));
    }
    let arguments: usize = calls.iter().map(|call| call.function.arguments.len()).sum();
    let answer = estimate(text.map_or(0, str::len) + arguments) * u64::from(choices);
    let usage = Usage::new(estimate(prompt) + tokens(request.task.inputs()), answer);
    events.push(Event::set("usage", serde_json::json!(usage)));
    events
}

fn call_events(call: &ToolCall, choice: u32, place: u32, stream: bool, events: &mut Vec<Event>) {
    let id = if call.id.is_empty() { format!("call_{}", crate::random::uuid()) } else { call.id.clone() };
    let mut set = |name, value: &str| events.push(Event::set_call(choice, place, name, value));
    set("id", &id);
    set("type", if call.custom { "custom" } else { "function" });
    set("name", &call.function.name);
    let arguments = written(&call.function.arguments, stream);
    events.extend(arguments.map(|text| Event::Arguments { choice, call: place, text }));
}

/// A text as it is answered: whole, or piece by piece.
fn written(text: &str, stream: bool) -> Box<dyn Iterator<Item = String> + '_> {
    if stream {
        Box::new(pieces(text).map(str::to_owned))
    } else {
        Box::new(std::iter::once(text.to_owned()))
    }
}

/// The events that open an answer made here.
fn head(model: &str) -> Vec<Event> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    vec![
        Event::set("id", format!("chatcmpl-{}", crate::random::uuid())),
        Event::set("created", now),
        Event::set("model", model),
    ]
}

/// A mock has no tokeniser: four bytes are taken for a token, which is about right for English.
fn estimate(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

/// Words, each with the space before it, as models stream them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?.len_utf8();
        let end = rest[first..].find(' ').map_or(rest.len(), |at| at + first);
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text() {
        for text in ["", "a", "  two  spaces ", "Stockholm is the capital.", "日本 語"] {
            assert_eq!(pieces(text).collect::<String>(), text);
        }
        assert_eq!(pieces("I am here").collect::<Vec<_>>(), ["I", " am", " here"]);
    }
}
