//! What kind of answer a request asks for: the next message, the text that follows a prompt, vectors, or
//! documents by how well they answer.

use std::fmt::Display;

use serde_json::Value;

use crate::json::{put, wrong_type};
use crate::params::Param;
use crate::{Error, Map, Result};

/// A kind of answer. Its words are those of OpenTelemetry's `gen_ai.operation.name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Operation {
    /// The next message of a conversation.
    #[default]
    Chat,
    /// The text that goes on from a prompt.
    TextCompletion,
    /// A vector for each text.
    Embeddings,
    /// How well each document answers a query. (OpenTelemetry has no word for it; this is everybody's.)
    Rerank,
}

impl Operation {
    /// Every one.
    pub const ALL: [Operation; 4] =
        [Operation::Chat, Operation::TextCompletion, Operation::Embeddings, Operation::Rerank];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Chat => "chat",
            Operation::TextCompletion => "text_completion",
            Operation::Embeddings => "embeddings",
            Operation::Rerank => "rerank",
        }
    }

    /// The operation of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == word)
    }

    /// The field of a request that holds what is asked.
    pub fn field(self) -> &'static str {
        match self {
            Operation::Chat => "messages",
            Operation::TextCompletion => "prompt",
            Operation::Embeddings => "input",
            Operation::Rerank => "documents",
        }
    }
}

/// What a request asks for beside its parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Task {
    /// The next message of [`crate::Request::messages`].
    #[default]
    Chat,
    /// The text that goes on from each prompt.
    Complete(Box<TextTask>),
    /// A vector for each text.
    Embed(Box<EmbeddingTask>),
    /// How well each document answers a query.
    Rerank(Box<RerankTask>),
}

/// Prompts to go on from, and what only they know. Of several prompts, the choices of the first come first:
/// choice `prompt * n + i`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TextTask {
    /// The prompts.
    pub prompts: Vec<Input>,
    /// Text that comes after the answer.
    pub suffix: Option<String>,
    /// Whether the prompt is part of the answer.
    pub echo: Option<bool>,
    /// How many answers to make, of which the `n` likeliest are given.
    pub best_of: Option<u32>,
    /// Whether to return probabilities, and of how many of the likeliest tokens at each place.
    pub logprobs: Option<u32>,
}

/// Texts to turn into vectors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EmbeddingTask {
    /// The texts.
    pub inputs: Vec<Input>,
    /// How many numbers a vector has, where the model can say less than all.
    pub dimensions: Option<u32>,
    /// How a face writes the vectors; they are the same numbers.
    pub encoding_format: Option<EncodingFormat>,
}

/// A query, and documents that may answer it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RerankTask {
    /// What is asked.
    pub query: String,
    /// The documents, as texts.
    pub documents: Vec<Input>,
    /// How many of the best to return; all where nobody says.
    pub top_n: Option<u32>,
    /// Whether the results have the documents' texts.
    pub return_documents: Option<bool>,
    /// How much of a document is read, in tokens; what is longer is cut.
    pub max_tokens_per_doc: Option<u32>,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingFormat {
    /// A list of numbers.
    Float,
    /// Base64 of 32-bit floats, the lowest byte first.
    Base64,
}

impl EncodingFormat {
    /// Its word on OpenAI's wire.
    pub fn as_str(self) -> &'static str {
        match self {
            EncodingFormat::Float => "float",
            EncodingFormat::Base64 => "base64",
        }
    }
}

/// A text, or its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Text.
    Text(String),
    /// The model's tokens.
    Tokens(Vec<u32>),
}

impl Input {
    /// As JSON: a string or a list of whole numbers.
    pub fn to_json(&self) -> Value {
        match self {
            Input::Text(text) => text.as_str().into(),
            Input::Tokens(tokens) => tokens.as_slice().into(),
        }
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Input::Text(text.to_owned())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Input::Text(text)
    }
}

impl From<Vec<u32>> for Input {
    fn from(tokens: Vec<u32>) -> Self {
        Input::Tokens(tokens)
    }
}

impl Task {
    /// What kind of answer it is.
    pub fn operation(&self) -> Operation {
        match self {
            Task::Chat => Operation::Chat,
            Task::Complete(_) => Operation::TextCompletion,
            Task::Embed(_) => Operation::Embeddings,
            Task::Rerank(_) => Operation::Rerank,
        }
    }

    /// The task whose input is `value`; a chat has its own.
    pub(crate) fn read(operation: Operation, value: Option<Value>) -> Result<Self> {
        let inputs = |value: Option<Value>| match value {
            Some(value) => inputs(operation.field(), value),
            None => {
                Err(Error::invalid(operation.field(), "is required").hint("give a text or a list of texts"))
            }
        };
        Ok(match operation {
            Operation::Chat => Task::Chat,
            Operation::TextCompletion => {
                Task::Complete(Box::new(TextTask { prompts: inputs(value)?, ..TextTask::default() }))
            }
            Operation::Embeddings => {
                Task::Embed(Box::new(EmbeddingTask { inputs: inputs(value)?, ..EmbeddingTask::default() }))
            }
            Operation::Rerank => {
                let documents = documents(value)?;
                Task::Rerank(Box::new(RerankTask { documents, ..RerankTask::default() }))
            }
        })
    }

    /// Sets a field that only this task has; any other value is given back. A null unsets.
    pub(crate) fn set(&mut self, name: &str, value: Value) -> Result<Option<Value>> {
        match self {
            Task::Chat => return Ok(Some(value)),
            Task::Complete(task) => match name {
                "suffix" => task.suffix = given(name, value)?,
                "echo" => task.echo = given(name, value)?,
                "best_of" => task.best_of = given(name, value)?,
                "logprobs" => task.logprobs = given(name, value)?,
                _ => return Ok(Some(value)),
            },
            Task::Embed(task) => match name {
                "dimensions" => task.dimensions = given(name, value)?,
                "encoding_format" => task.encoding_format = encoding_format(value)?,
                _ => return Ok(Some(value)),
            },
            Task::Rerank(task) => match name {
                "query" => task.query = given(name, value)?.unwrap_or_default(),
                "top_n" => task.top_n = given(name, value)?,
                "return_documents" => task.return_documents = given(name, value)?,
                "max_tokens_per_doc" => task.max_tokens_per_doc = given(name, value)?,
                _ => return Ok(Some(value)),
            },
        }
        Ok(None)
    }

    /// What was asked and its own fields, by their names; nothing of a chat.
    pub fn to_json(&self) -> Map {
        let mut map = Map::new();
        let field = self.operation().field();
        match self {
            Task::Chat => {}
            Task::Complete(task) => {
                map.insert(field.into(), inputs_json(&task.prompts));
                put(&mut map, "suffix", task.suffix.as_deref());
                put(&mut map, "echo", task.echo);
                put(&mut map, "best_of", task.best_of);
                put(&mut map, "logprobs", task.logprobs);
            }
            Task::Embed(task) => {
                map.insert(field.into(), inputs_json(&task.inputs));
                put(&mut map, "dimensions", task.dimensions);
                put(&mut map, "encoding_format", task.encoding_format.map(EncodingFormat::as_str));
            }
            Task::Rerank(task) => {
                map.insert("query".into(), task.query.as_str().into());
                map.insert(field.into(), task.documents.iter().map(Input::to_json).collect());
                put(&mut map, "top_n", task.top_n);
                put(&mut map, "return_documents", task.return_documents);
                put(&mut map, "max_tokens_per_doc", task.max_tokens_per_doc);
            }
        }
        map
    }

    /// Its texts; none of a chat.
    pub fn inputs(&self) -> &[Input] {
        match self {
            Task::Chat => &[],
            Task::Complete(task) => &task.prompts,
            Task::Embed(task) => &task.inputs,
            Task::Rerank(task) => &task.documents,
        }
    }

    /// Checks what spans several texts.
    pub(crate) fn check(&self) -> Result<()> {
        let field = self.operation().field();
        if self.inputs().is_empty() {
            return Err(Error::invalid(field, "is empty").hint("give a text or a list of texts"));
        }
        if let Task::Rerank(task) = self {
            return task.check();
        }
        let empty = |input: &Input| matches!(input, Input::Tokens(tokens) if tokens.is_empty());
        match self.inputs().iter().position(empty) {
            Some(at) => Err(Error::invalid(format_args!("{field}[{at}]"), "has no tokens")),
            None => Ok(()),
        }
    }
}

impl RerankTask {
    fn check(&self) -> Result<()> {
        if self.query.is_empty() {
            return Err(Error::invalid("query", "is required").hint("give the text that is asked"));
        }
        let counts = [("top_n", self.top_n), ("max_tokens_per_doc", self.max_tokens_per_doc)];
        match counts.iter().find(|(_, count)| *count == Some(0)) {
            Some((name, _)) => Err(Error::invalid(name, "must be at least 1, got 0")),
            None => Ok(()),
        }
    }
}

/// Texts, or objects with one.
fn documents(value: Option<Value>) -> Result<Vec<Input>> {
    const NAME: &str = "documents";
    let items = match value {
        None | Some(Value::Null) => {
            return Err(Error::invalid(NAME, "is required").hint("give a list of texts"));
        }
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_type(NAME, "a list of texts", &other)),
    };
    let document = |(at, item)| match item {
        Value::String(text) => Ok(Input::Text(text)),
        Value::Object(mut map) => match map.shift_remove("text") {
            Some(Value::String(text)) => Ok(Input::Text(text)),
            _ => Err(Error::invalid(format_args!("{NAME}[{at}].text"), "is required, as a text")),
        },
        other => Err(wrong_type(format_args!("{NAME}[{at}]"), "a text or an object with one", &other)),
    };
    items.into_iter().enumerate().map(document).collect()
}

fn given<T: Param>(name: &str, value: Value) -> Result<Option<T>> {
    if value.is_null() { Ok(None) } else { T::from_json(name, value).map(Some) }
}

fn encoding_format(value: Value) -> Result<Option<EncodingFormat>> {
    const NAME: &str = "encoding_format";
    match value {
        Value::Null => Ok(None),
        Value::String(word) if word == "float" => Ok(Some(EncodingFormat::Float)),
        Value::String(word) if word == "base64" => Ok(Some(EncodingFormat::Base64)),
        Value::String(word) => {
            Err(Error::invalid(NAME, format_args!("must be \"float\" or \"base64\", got {word:?}")))
        }
        other => Err(wrong_type(NAME, "a string", &other)),
    }
}

/// A text, its tokens, or a list of either.
fn inputs(field: &str, value: Value) -> Result<Vec<Input>> {
    match value {
        Value::String(text) => Ok(vec![Input::Text(text)]),
        Value::Array(items) if items.first().is_some_and(Value::is_number) => {
            Ok(vec![Input::Tokens(tokens(field, items)?)])
        }
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(at, item)| match item {
                Value::String(text) => Ok(Input::Text(text)),
                Value::Array(items) => tokens(format_args!("{field}[{at}]"), items).map(Input::Tokens),
                other => Err(wrong_type(format_args!("{field}[{at}]"), "a text or a list of tokens", &other)),
            })
            .collect(),
        other => Err(wrong_type(field, "a text, a list of tokens, or a list of either", &other)),
    }
}

fn tokens(path: impl Display + Copy, items: Vec<Value>) -> Result<Vec<u32>> {
    let token = |(at, item)| u32::from_json(format_args!("{path}[{at}]"), item);
    items.into_iter().enumerate().map(token).collect()
}

/// One text goes as it is: some servers know no lists.
fn inputs_json(inputs: &[Input]) -> Value {
    match inputs {
        [one] => one.to_json(),
        several => several.iter().map(Input::to_json).collect::<Vec<_>>().into(),
    }
}

/// What is no field of a text's task, in words for an error.
pub(crate) fn check_chat_fields(operation: Operation, fields: &[(&str, bool)]) -> Result<()> {
    match fields.iter().find(|(_, given)| *given) {
        Some((name, _)) => {
            let what = match operation {
                Operation::Embeddings => "embeddings have",
                Operation::Rerank => "reranking has",
                _ => "a text completion has",
            };
            Err(Error::invalid(name, format_args!("{what} no such parameter")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(operation: Operation, value: Value, expected: &str) {
        let task = Task::read(operation, Some(value)).and_then(|task| task.check().map(|()| task));
        let outcome = task.map(|task| task.to_json()[operation.field()].to_string());
        assert_eq!(outcome.unwrap_or_else(|error| error.message().to_owned()), expected);
    }

    #[test]
    fn a_text_its_tokens_or_a_list_of_either() {
        let check = |value, expected| check(Operation::Embeddings, value, expected);
        check(json!("hi"), "\"hi\"");
        check(json!(["hi"]), "\"hi\"");
        check(json!(["hi", "ho"]), "[\"hi\",\"ho\"]");
        check(json!([1, 2.0]), "[1,2]");
        check(json!([[1], "x"]), "[[1],\"x\"]");
        check(json!([]), "input: is empty");
        check(json!([[1], []]), "input[1]: has no tokens");
        check(json!([1, "x"]), "input[1]: must be a whole number of at least 0, got a string");
        check(json!([[1, -1]]), "input[0][1]: must be a whole number of at least 0, got -1");
        check(json!(["x", 1]), "input[1]: must be a text or a list of tokens, got a number");
        check(json!({"a": 1}), "input: must be a text, a list of tokens, or a list of either, got an object");
    }

    #[test]
    fn documents_are_texts_or_objects_with_one() {
        let check = |value: Value, expected: &str| {
            let Value::Object(map) = value else { unreachable!("a test request is an object") };
            let request = crate::Request::read(Operation::Rerank, map);
            let outcome = request.map(|request| Value::Object(request.task.to_json()).to_string());
            assert_eq!(outcome.unwrap_or_else(|error| error.message().to_owned()), expected);
        };
        check(
            json!({"query": "q", "documents": ["a", {"text": "b", "title": "t"}], "top_n": 2}),
            r#"{"query":"q","documents":["a","b"],"top_n":2}"#,
        );
        check(json!({"query": "q"}), "documents: is required");
        check(json!({"query": "q", "documents": []}), "documents: is empty");
        check(json!({"query": "q", "documents": "a"}), "documents: must be a list of texts, got a string");
        check(json!({"query": "q", "documents": [{}]}), "documents[0].text: is required, as a text");
        check(
            json!({"query": "q", "documents": ["a", 1]}),
            "documents[1]: must be a text or an object with one, got a number",
        );
        check(json!({"documents": ["a"]}), "query: is required");
        check(json!({"query": "q", "documents": ["a"], "top_n": 0}), "top_n: must be at least 1, got 0");
    }

    #[test]
    fn a_task_has_its_own_fields() {
        let mut task = Task::read(Operation::TextCompletion, Some(json!("x"))).unwrap();
        assert_eq!(task.set("logprobs", json!(2)).unwrap(), None);
        assert_eq!(task.set("dimensions", json!(2)).unwrap(), Some(json!(2)));
        let error = task.set("logprobs", json!(true)).unwrap_err();
        assert_eq!(error.message(), "logprobs: must be a whole number of at least 0, got a boolean");
        assert_eq!(Value::Object(task.to_json()), json!({"prompt": "x", "logprobs": 2}));
        let mut task = Task::read(Operation::Embeddings, Some(json!("x"))).unwrap();
        let error = task.set("encoding_format", json!("int8")).unwrap_err();
        assert_eq!(error.message(), "encoding_format: must be \"float\" or \"base64\", got \"int8\"");
    }
}
