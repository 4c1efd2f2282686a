//! What to answer: a [`Script`] of [`Reply`]s made of [`Step`]s.
//!
//! The same types are written in Rust, as JSON on the command's stdin, and by the Python helper:
//!
//! ```json
//! {"replies": [
//!   {"status": 429, "headers": [["retry-after", "1"]], "body": "{}"},
//!   {"framing": "chunked", "body": [{"send": "data: 1\n\n"}, {"sleep": 50}, {"cut": "rst"}]},
//!   {"auto": {"text": "hi"}}
//! ]}
//! ```
//!
//! A request is answered by the first reply that matches it and is not used up, in the order of the script.
//! When all are, the last that matches repeats, unless the script ends in a refusal.

use serde::{Deserialize, Deserializer, Serialize};

use super::auto::Auto;
use super::data::Data;

/// What an upstream answers, request after request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// What becomes of the first, second, … connection, before any request; the last one repeats. Empty:
    /// served.
    pub on_connect: Vec<OnConnect>,
    /// The answers, in order.
    pub replies: Vec<Reply>,
    /// What follows when all replies are used up.
    pub then: Then,
}

/// What follows the last reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The last reply repeats.
    #[default]
    Repeat,
    /// Nobody listens on the port any more; requests on open connections are answered by a reset.
    Refuse,
}

/// What becomes of a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConnect {
    /// Its requests are answered.
    Serve,
    /// It is reset at once.
    Reset,
    /// It is closed at once.
    Close,
    /// It is accepted, never read and never written.
    Hang,
    /// These steps run at once, below TLS and without a request; then it is closed.
    Raw(Vec<Step>),
    /// Whatever comes first is read, half a TLS ServerHello is sent, and then it ends so.
    HalfHandshake(End),
    /// HTTP/2: the first request is answered by a GOAWAY with this error code that says that none was
    /// processed; then it is closed.
    GoAway(u32),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// Which requests it answers. Empty: any.
    #[serde(skip_serializing_if = "When::is_any")]
    pub when: When,
    /// How often; `None`: for ever.
    pub times: Option<u32>,
    /// How much of the request is read before it.
    pub read: Read,
    /// Milliseconds before its first byte.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
    /// Raw bytes before the status line, such as a `103 Early Hints`.
    #[serde(skip_serializing_if = "is_empty")]
    pub before: Data,
    /// The status; `None`: no head is written, the steps are the raw answer.
    pub status: Option<u16>,
    /// The words after the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Headers, in order. A given `content-length` or `transfer-encoding` stands as it is, true or not.
    pub headers: Vec<(String, String)>,
    /// How the body's length is told.
    pub framing: Framing,
    /// The body: one piece of data or steps.
    #[serde(rename = "body", alias = "steps", deserialize_with = "data_or_steps")]
    pub steps: Vec<Step>,
    /// Bytes of the answer, the head included, after which it ends, whatever would follow. With `end` as it
    /// is by default, it ends by FIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_after: Option<u64>,
    /// What becomes of the connection after it.
    pub end: End,
    /// Answers by the request's path and body instead of `status` and `steps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto: Option<Auto>,
}

/// Which requests a reply answers. What is not given matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The request's target begins so.
    pub path: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The request is the n-th since the script was set, from 1.
    pub nth: Option<u64>,
    /// The connection has, or has not, carried a request before.
    pub reused: Option<bool>,
}

/// How much of a request is read before its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// Nothing, though some of it has come.
    Nothing,
    /// Its head.
    Head,
    /// All of it.
    #[default]
    Whole,
}

/// How the length of a body is told under HTTP/1.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// By `content-length`, counted over the steps.
    #[default]
    Length,
    /// By chunks, one for each step that sends.
    Chunked,
    /// Not at all: the steps are written as they are.
    None,
}

/// What becomes of a connection after an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It waits for the next request.
    #[default]
    KeepAlive,
    /// It is closed, without the answer having said so.
    Fin,
    /// It is reset.
    Rst,
    /// It stays as it is until the peer leaves; nothing more is answered on it.
    Hang,
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// By FIN; under TLS without its own goodbye.
    Fin,
    /// By a reset.
    Rst,
}

/// One thing that an answer does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Writes bytes.
    Send(Data),
    /// Waits so many milliseconds.
    Sleep(u64),
    /// Writes bytes `n` at a time.
    Drip {
        /// What is written.
        bytes: Data,
        /// How many at a time.
        n: usize,
        /// Milliseconds between two writes.
        every_ms: u64,
    },
    /// Writes the same bytes again and again.
    Repeat {
        /// What is written.
        bytes: Data,
        /// Milliseconds after each.
        every_ms: u64,
        /// How often; `None`: for ever.
        #[serde(default)]
        times: Option<u64>,
    },
    /// Ends the connection here; what is left of the answer is never written.
    Cut(Cut),
    /// Does nothing until the peer leaves.
    Hang,
    /// HTTP/2: says GOAWAY with this error code. With 0, what was accepted is answered; else the connection
    /// ends.
    GoAway(u32),
    /// HTTP/2: resets this stream with this error code, such as 7, `REFUSED_STREAM`.
    ResetStream(u32),
    /// Joins the connection to this address; for an answer to `CONNECT`.
    Tunnel(String),
}

impl Script {
    /// A script without replies: everything is answered by a 404 that says so.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reply.
    pub fn reply(mut self, reply: Reply) -> Self {
        self.replies.push(reply);
        self
    }

    /// Adds a reply that is never used up.
    pub fn forever(self, reply: Reply) -> Self {
        self.reply(Reply { times: None, ..reply })
    }

    /// Adds what becomes of the next connection; the last one repeats.
    pub fn on_connect(mut self, what: OnConnect) -> Self {
        self.on_connect.push(what);
        self
    }

    /// After the last reply nobody listens any more.
    pub fn then_refuse(mut self) -> Self {
        self.then = Then::Refuse;
        self
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self::new().forever(reply)
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            when: When::default(),
            times: Some(1),
            read: Read::default(),
            delay_ms: 0,
            before: Data::default(),
            status: Some(200),
            reason: None,
            headers: Vec::new(),
            framing: Framing::default(),
            steps: Vec::new(),
            cut_after: None,
            end: End::default(),
            auto: None,
        }
    }
}

/// The kinds of replies.
impl Reply {
    /// An empty answer of this status.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// A whole JSON body.
    pub fn json(status: u16, body: impl Into<Data>) -> Self {
        Self::status(status).header("content-type", "application/json").body(body)
    }

    /// A chunked stream of server-sent events, each `data: …` of one of these.
    pub fn sse<T: Into<Data>>(data: impl IntoIterator<Item = T>) -> Self {
        Self::event_stream(data.into_iter().map(|data| format!("data: {}\n\n", data.into().text())))
    }

    /// A chunked stream of server-sent events, from their bytes.
    pub fn event_stream<T: Into<Data>>(pieces: impl IntoIterator<Item = T>) -> Self {
        let steps = pieces.into_iter().map(|piece| Step::Send(piece.into())).collect();
        Self { framing: Framing::Chunked, steps, ..Self::status(200) }
            .header("content-type", "text/event-stream; charset=utf-8")
            .header("cache-control", "no-cache")
    }

    /// Bytes instead of an HTTP answer, then a FIN.
    pub fn raw(bytes: impl Into<Data>) -> Self {
        Self::steps([Step::Send(bytes.into())])
    }

    /// Steps instead of an HTTP answer, then a FIN.
    pub fn steps(steps: impl Into<Vec<Step>>) -> Self {
        Self { status: None, framing: Framing::None, steps: steps.into(), end: End::Fin, ..Self::default() }
    }

    /// No answer, until the peer leaves.
    pub fn hang() -> Self {
        Self::steps([Step::Hang])
    }

    /// No answer: the connection ends.
    pub fn cut(how: Cut) -> Self {
        Self::steps([Step::Cut(how)])
    }

    /// A 200 to `CONNECT`, and then a way through to this address.
    pub fn tunnel(address: impl Into<String>) -> Self {
        Self {
            framing: Framing::None,
            steps: vec![Step::Tunnel(address.into())],
            reason: Some("Connection established".into()),
            end: End::Fin,
            ..Self::default()
        }
    }

    /// Answers by the request's path and body.
    pub fn auto(auto: Auto) -> Self {
        Self { auto: Some(auto), ..Self::default() }
    }
}

/// What can be said of any reply.
impl Reply {
    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds bytes to the body.
    pub fn body(self, bytes: impl Into<Data>) -> Self {
        self.step(Step::Send(bytes.into()))
    }

    /// Adds a step.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Waits before its first byte.
    pub fn after(mut self, ms: u64) -> Self {
        self.delay_ms = ms;
        self
    }

    /// Waits between two pieces of its body.
    pub fn every(mut self, ms: u64) -> Self {
        let pieces = std::mem::take(&mut self.steps);
        for (at, piece) in pieces.into_iter().enumerate() {
            if at > 0 {
                self.steps.push(Step::Sleep(ms));
            }
            self.steps.push(piece);
        }
        self
    }

    /// Raw bytes before the status line.
    pub fn before(mut self, bytes: impl Into<Data>) -> Self {
        self.before = bytes.into();
        self
    }

    /// How its length is told.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Ends after so many bytes, the head included: by FIN, unless [`Reply::reset`] or [`Reply::end`] says
    /// else.
    pub fn cut_after_bytes(mut self, bytes: u64) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Ends by a reset.
    pub fn reset(self) -> Self {
        self.end(End::Rst)
    }

    /// Ends by a FIN that the answer does not announce: a stale keep-alive.
    pub fn close(self) -> Self {
        self.end(End::Fin)
    }

    /// What becomes of the connection after it.
    pub fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// How much of the request is read before it.
    pub fn read(mut self, read: Read) -> Self {
        self.read = read;
        self
    }

    /// How often it answers before the next one does.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Answers only targets that begin so.
    pub fn on_path(mut self, prefix: impl Into<String>) -> Self {
        self.when.path = Some(prefix.into());
        self
    }

    /// Answers only this method.
    pub fn on_method(mut self, method: impl Into<String>) -> Self {
        self.when.method = Some(method.into());
        self
    }

    /// Answers only the n-th request since the script was set, from 1.
    pub fn on_nth(mut self, nth: u64) -> Self {
        self.when.nth = Some(nth);
        self
    }

    /// Answers only on connections that have carried a request before.
    pub fn on_reused(mut self) -> Self {
        self.when.reused = Some(true);
        self
    }
}

impl When {
    fn is_any(&self) -> bool {
        *self == Self::default()
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_empty(data: &Data) -> bool {
    data.is_empty()
}

fn data_or_steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Data(Data),
        Steps(Vec<Step>),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Data(data) => vec![Step::Send(data)],
        Form::Steps(steps) => steps,
    })
}
