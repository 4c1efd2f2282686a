//! What is said between a model's own process and the one that asks it: lines of JSON.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use antiphon_core::error::ROWS;
use antiphon_core::{Error, Event, Kind, Map, Operation, Request, Result};
use antiphon_engine::{EngineOptions, ModelInfo, Stats};
use serde::{Deserialize, Serialize};

/// What the asking process says. The first order is `Load`, and there is one of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    Load { path: Option<PathBuf>, name: String, options: EngineOptions },
    Call { id: u64, client: Option<String>, asked: Asked },
    Cancel { id: u64 },
    Count { id: u64, asked: Asked },
    Tokenize { id: u64, text: String },
    Detokenize { id: u64, tokens: Vec<u32> },
}

/// What the model's process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Loaded {
        info: Box<ModelInfo>,
    },
    /// Loading failed, and the process ends.
    Unfit {
        error: Failure,
    },
    Events {
        id: u64,
        events: Vec<Event>,
    },
    /// The last word about a call.
    End {
        id: u64,
        error: Option<Failure>,
    },
    Answer {
        id: u64,
        answer: Answer,
    },
    Stats {
        stats: Stats,
    },
}

/// The answer of what is no call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Count(u64),
    Tokens(Vec<u32>),
    Text(String),
    Failure(Failure),
}

/// A request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    operation: String,
    request: Map,
    include_usage: bool,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            operation: request.task.operation().as_str().to_owned(),
            request: request.to_json(),
            include_usage: request.include_usage,
        }
    }

    pub(super) fn request(self) -> Result<Request> {
        let operation = Operation::parse(&self.operation).unwrap_or_default();
        let request = Request::read(operation, self.request)?;
        Ok(Request { include_usage: self.include_usage, ..request })
    }
}

/// What an engine says of an error.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    /// The name of the kind's Python class.
    kind: String,
    message: String,
    hint: Option<String>,
    field: Option<String>,
    code: Option<String>,
    retry_after: Option<Duration>,
    is_retryable: bool,
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        Self {
            kind: error.kind().row().python.to_owned(),
            message: error.message().to_owned(),
            hint: error.advice().map(str::to_owned),
            field: error.field().map(str::to_owned),
            code: error.provider_code().map(str::to_owned),
            retry_after: error.wait(),
            is_retryable: error.is_retryable(),
        }
    }

    pub(super) fn error(self) -> Error {
        let row = ROWS.iter().find(|row| row.python == self.kind);
        let kind = row.map_or(Kind::Internal, |row| row.kind);
        let mut error = Error::new(kind, self.message).retryable(self.is_retryable);
        if let Some(hint) = self.hint {
            error = error.hint(hint);
        }
        if let Some(field) = self.field {
            error = error.param(field);
        }
        if let Some(code) = self.code {
            error = error.code(code);
        }
        match self.retry_after {
            Some(wait) => error.retry_after(wait),
            None => error,
        }
    }
}

/// Writes one line, and sends it off.
pub(super) fn write(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use antiphon_core::Ranked;
    use serde_json::json;

    fn there_and_back<T: Serialize + for<'a> Deserialize<'a>>(value: &T) -> T {
        let mut line = Vec::new();
        write(&mut line, value).unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn requests_arrive_as_they_were() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
        for (operation, request) in [
            (
                Operation::Chat,
                json!({"model": "m", "messages": "line\nbreak", "temperature": 0.3, "stream": true,
                "stream_options": {"include_usage": true}, "guided_json": schema, "seed": 7, "unknown": [1]}),
            ),
            (
                Operation::Chat,
                json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools":
                [{"type": "function", "function": {"name": "f", "parameters": schema}}], "tool_choice": "required"}),
            ),
            (
                Operation::TextCompletion,
                json!({"model": "m", "prompt": ["a", "b"], "echo": true, "logprobs": 2}),
            ),
            (Operation::Embeddings, json!({"model": "m", "input": ["a", "b"], "dimensions": 3})),
            (
                Operation::Rerank,
                json!({"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1,
                "return_documents": true, "max_tokens_per_doc": 9}),
            ),
        ] {
            let request = Request::read(operation, request.as_object().unwrap().clone()).unwrap();
            assert_eq!(there_and_back(&Asked::of(&request)).request().unwrap(), request);
        }
    }

    #[test]
    fn errors_keep_what_engines_say() {
        let error = Error::invalid("max_tokens", "is too large").hint("take 5").code("x");
        let error = error.retry_after(Duration::from_millis(1500)).retryable(true);
        let back = there_and_back(&Failure::of(&error)).error();
        assert_eq!(
            (back.kind(), back.message(), back.field()),
            (error.kind(), error.message(), error.field())
        );
        assert_eq!((back.advice(), back.wait(), back.is_retryable()), (error.advice(), error.wait(), true));
        assert_eq!(back.provider_code(), Some("x"));
    }

    #[test]
    fn events_arrive_as_they_were() {
        let extra = Map::from_iter([("relevant_spans".to_owned(), json!([1]))]);
        let events = vec![
            Event::text("a\n\u{2028}"),
            Event::set("usage", json!({"prompt_tokens": 3})),
            Event::set_call(0, 1, "name", "f"),
            Event::Embeddings(antiphon_core::Embeddings::new(vec![vec![0.1, -1.5e-7], vec![3.0]])),
            Event::Ranking(vec![Ranked {
                index: 2,
                relevance_score: 0.1,
                document: Some("a".into()),
                extra,
            }]),
        ];
        assert_eq!(there_and_back(&events), events);
    }
}
