//! What every row shares: the cells of the matrix, a call, and what must hold whatever happened.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antiphon::config::Config;
use antiphon::keys::KeyStore;
use antiphon::transport::Transport;
use antiphon::{Call, Client, Error, Kind, Map, Response};
use antiphon_testkit::faultd::{Faultd, Record, Reply, Script, anthropic, openai};
use futures_util::StreamExt;
use serde_json::{Value, json};

/// The key of every call. Percent-encoding changes it, and no pattern of keys fits it.
pub(crate) const CANARY: &str = "canary+4b7f/19c2=e8";

/// What upstreams answer, in the pieces of a stream.
pub(crate) const PIECES: &[&str] = &["Hello ", "from ", "up", "stream."];
pub(crate) const TEXT: &str = "Hello from upstream.";

/// How long a call may take longer than its deadline: ten times the figure.
const GRACE: Duration = Duration::from_millis(2500);

/// The deadline of a call that sets none.
const DEADLINE: f64 = 10.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    OpenAi,
    Anthropic,
}

/// A dialect, whole or streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) tongue: Tongue,
    pub(crate) stream: bool,
}

const fn cell(tongue: Tongue, stream: bool) -> Cell {
    Cell { tongue, stream }
}

pub(crate) const OPENAI: Cell = cell(Tongue::OpenAi, false);
pub(crate) const OPENAI_STREAM: Cell = cell(Tongue::OpenAi, true);
pub(crate) const ANTHROPIC: Cell = cell(Tongue::Anthropic, false);
pub(crate) const ANTHROPIC_STREAM: Cell = cell(Tongue::Anthropic, true);
pub(crate) const CELLS: [Cell; 4] = [OPENAI, OPENAI_STREAM, ANTHROPIC, ANTHROPIC_STREAM];
pub(crate) const STREAMS: [Cell; 2] = [OPENAI_STREAM, ANTHROPIC_STREAM];

impl Cell {
    pub(crate) fn model(self) -> &'static str {
        match self.tongue {
            Tongue::OpenAi => "openai/gpt-4o-mini",
            Tongue::Anthropic => "anthropic/claude-3-5-sonnet-latest",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self.tongue {
            Tongue::OpenAi => "/v1/chat/completions",
            Tongue::Anthropic => "/v1/messages",
        }
    }

    /// [`TEXT`] as this cell asks for it.
    pub(crate) fn answer(self) -> Reply {
        match (self.tongue, self.stream) {
            (Tongue::OpenAi, false) => openai::text(TEXT),
            (Tongue::OpenAi, true) => openai::stream(PIECES),
            (Tongue::Anthropic, false) => anthropic::text(TEXT),
            (Tongue::Anthropic, true) => anthropic::stream(PIECES),
        }
    }

    /// The events of a stream of [`PIECES`].
    pub(crate) fn events(self) -> Vec<String> {
        match self.tongue {
            Tongue::OpenAi => openai::events(PIECES),
            Tongue::Anthropic => anthropic::events(PIECES),
        }
    }

    /// How many of the [`Cell::events`] come before the first with text.
    pub(crate) fn events_before_text(self) -> usize {
        match self.tongue {
            Tongue::OpenAi => 1,
            Tongue::Anthropic => 3,
        }
    }

    /// An error of that status that says nothing else.
    pub(crate) fn error(self, status: u16) -> Reply {
        match self.tongue {
            Tongue::OpenAi => openai::error(status, "", "", "no"),
            Tongue::Anthropic => anthropic::error(status, "", "no"),
        }
    }

    /// The error of an overloaded provider inside a stream.
    pub(crate) fn error_event(self) -> String {
        match self.tongue {
            Tongue::OpenAi => openai::error_event("server_error", "overloaded_error", "Overloaded"),
            Tongue::Anthropic => anthropic::overloaded_event(),
        }
    }

    /// The address of this cell's provider at an upstream.
    pub(crate) fn base_url(self, url: &str) -> String {
        match self.tongue {
            Tongue::OpenAi => format!("{url}/v1"),
            Tongue::Anthropic => url.to_owned(),
        }
    }

    /// A call to an upstream, with further or other fields.
    pub(crate) fn call(self, url: &str, extra: Value) -> Call {
        let base = json!({"base_url": self.base_url(url), "messages": "hi"});
        let mut map = Map::new();
        map.insert("model".into(), self.model().into());
        map.insert("api_key".into(), CANARY.into());
        map.insert("stream".into(), self.stream.into());
        map.insert("timeout".into(), DEADLINE.into());
        map.insert("retry_delay".into(), 0.001.into());
        for fields in [base, extra] {
            let Value::Object(fields) = fields else { panic!("fields of a call are an object") };
            map.extend(fields);
        }
        Call::from_json(map).unwrap()
    }
}

/// A client without the user's settings.
pub(crate) fn client() -> Client {
    configured(Config::default())
}

pub(crate) fn configured(config: Config) -> Client {
    Client::with_config(config, no_keys()).unwrap()
}

pub(crate) fn with_transport(transport: impl Transport + 'static) -> Client {
    Client::with_transport(Config::default(), no_keys(), Arc::new(transport))
}

fn no_keys() -> KeyStore {
    KeyStore::new(Path::new("/nonexistent"))
}

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Response, Error>,
    /// The text that was delivered: of the chunks, of the answer, or of what an error carries.
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Outcome {
    #[track_caller]
    pub(crate) fn error(self) -> Error {
        self.result.expect_err("the call fails")
    }

    /// The text and the kind of the error, where it is one.
    pub(crate) fn summary(&self) -> (&str, Option<Kind>) {
        (&self.text, self.result.as_ref().err().map(Error::kind))
    }
}

/// Runs a call. It ends within its deadline, and shows no secret.
pub(crate) async fn run(client: &Client, call: Call) -> Outcome {
    sweep(&format!("{call:?}"));
    let deadline = call.options.timeout.expect("each call here has a deadline");
    let start = Instant::now();
    let running =
        async { if call.request.stream { streamed(client, call).await } else { whole(client, call).await } };
    let (result, text) = tokio::time::timeout(deadline + GRACE, running).await.expect("a call ends in time");
    let outcome = Outcome { result, text, took: start.elapsed() };
    sweep_result(&outcome.result);
    outcome
}

async fn whole(client: &Client, call: Call) -> (Result<Response, Error>, String) {
    let result = client.complete(call).await;
    let text = match &result {
        Ok(response) => response.text().to_owned(),
        Err(error) => error.partial_response().map(|partial| partial.text().to_owned()).unwrap_or_default(),
    };
    (result, text)
}

async fn streamed(client: &Client, call: Call) -> (Result<Response, Error>, String) {
    let mut stream = client.stream(call);
    let mut text = String::new();
    let mut failure = None;
    while let Some(item) = stream.next().await {
        assert!(failure.is_none(), "an error is the end");
        match item {
            Ok(chunk) => text.push_str(chunk.text()),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        None => (Ok(stream.response()), text),
        Some(error) => {
            let partial = error.partial_response().map(Response::text).unwrap_or_default();
            assert_eq!(partial, text, "what was delivered is on the error");
            (Err(error), text)
        }
    }
}

/// What a cell shall come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Expect {
    /// The whole text.
    Answer,
    /// An error of this kind, and no text.
    Error(Kind),
    /// An error of this kind, after this text.
    After(&'static str, Kind),
}

/// Tries one cell against an upstream of its own, which plays `script`: so many requests, then this outcome.
#[track_caller]
pub(crate) fn check(
    cell: Cell,
    name: &str,
    script: impl Into<Script>,
    extra: Value,
    requests: usize,
    expect: Expect,
) -> impl Future<Output = Outcome> {
    let upstream = Faultd::start(script);
    let place = std::panic::Location::caller();
    let name = format!("{name}, {cell:?}, line {}", place.line());
    async move {
        let outcome = run(&client(), cell.call(&upstream.url(), extra)).await;
        let summary = outcome.summary();
        let expected = match expect {
            Expect::Answer => (TEXT, None),
            Expect::Error(kind) => ("", Some(kind)),
            Expect::After(text, kind) => (text, Some(kind)),
        };
        assert_eq!(summary, expected, "{name}: {:?}", outcome.result);
        let record = settled(&upstream).await;
        assert_eq!(record.requests.len(), requests, "{name}: {:?}", outcome.result);
        assert!(record.requests.iter().all(|request| request.target == cell.path()), "{name}");
        if let Err(error) = &outcome.result
            && requests > 0
        {
            assert_eq!(error.tried().len(), requests, "{name}: {:?}", error.tried());
        }
        outcome
    }
}

/// The record, once nothing is under way any more.
pub(crate) async fn settled(upstream: &Faultd) -> Record {
    let settled = upstream.wait_for_async(|record| record.in_flight == 0, Duration::from_secs(1)).await;
    let record = upstream.record();
    assert!(settled, "{} answers are still under way: {:?}", record.in_flight, record.requests.last());
    record
}

/// The beginnings of the key, and of its base64 at each place.
const FORMS: [&str; 4] = ["canary", "Y2FuYXJ5", "NhbmFye", "jYW5hcn"];

/// There is no piece of the key in the text.
#[track_caller]
pub(crate) fn sweep(text: &str) {
    for form in FORMS {
        assert!(!text.contains(form), "a secret is shown: {text}");
    }
}

#[track_caller]
pub(crate) fn sweep_result(result: &Result<Response, Error>) {
    match result {
        Ok(response) => sweep(&format!("{response:?} {}", response.to_json())),
        Err(error) => {
            sweep(&format!("{error} {error:?} {error:#?} {:?} {:?}", error.tried(), error.advice()));
            sweep(&format!("{:?} {:?} {:?}", error.partial_response(), error.raw_text(), error.field()));
            sweep(&format!("{:?} {:?}", error.provider_code(), error.upstream_request_id()));
        }
    }
}
