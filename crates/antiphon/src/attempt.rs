//! One attempt: a request goes out, its answer comes in as events, under the deadlines of an attempt.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use antiphon_core::dialects::{Decoder, Dialect, Mode};
use antiphon_core::frames::{Frame, Framer, Framing};
use antiphon_core::{Error, Event, Kind, RerankTask, Result, TextAnswer};
use futures_core::Stream;
use futures_util::StreamExt;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::call::Waits;
use crate::policy::advice;
use crate::prepare::Prepared;
use crate::structured::{Rung, ToolAsText};
use crate::tap::Passing;
use crate::transport::{BodyStream, HttpResponse, Transport, proxy_wants_credentials};

/// Nobody explains an error in more bytes.
const MAX_ERROR_BODY: usize = 1 << 20;

/// How long the words of an error may take to come.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(30);

/// Sends the request. `Ok` is an answer that promises to be one; its events come from polling it.
pub(crate) async fn attempt(transport: &dyn Transport, prepared: &Prepared, waits: Waits) -> Result<Answer> {
    let sent = transport.send(prepared.http.clone());
    let first_byte = Instant::now() + waits.first_byte;
    let response = match prepared.mode {
        Mode::Whole => sent.await?,
        Mode::Stream => match timeout_at(first_byte, sent).await {
            Ok(response) => response?,
            Err(_) => return Err(deadline("first-byte", waits.first_byte, "first_byte_timeout")),
        },
    };
    let response = accepted(prepared.dialect, response).await?;
    Ok(Answer::new(prepared, response, waits, first_byte))
}

/// The answer, where its status promises one.
pub(crate) async fn accepted(dialect: &dyn Dialect, response: HttpResponse) -> Result<HttpResponse> {
    match response.status {
        200..=299 => Ok(response),
        300..=399 => Err(redirected(&response)),
        407 => Err(proxy_wants_credentials()),
        _ => Err(refused(dialect, response).await),
    }
}

fn deadline(name: &str, after: Duration, option: &str) -> Error {
    // The request was sent: asking again may be paid for twice.
    Error::new(Kind::Timeout, format!("the {name} deadline of {after:?} ({option}) passed")).retryable(false)
}

fn redirected(response: &HttpResponse) -> Error {
    let status = response.status;
    let message = format!(
        "the provider redirects (status {status}), which is not followed: it would carry the key elsewhere"
    );
    Error::new(Kind::ResponseValidation, message).status(status).hint("give the final address as base_url")
}

async fn refused(dialect: &dyn Dialect, response: HttpResponse) -> Error {
    let HttpResponse { status, headers, mut body } = response;
    let mut bytes = Vec::new();
    let read = async {
        while let Some(Ok(piece)) = body.next().await {
            let room = MAX_ERROR_BODY - bytes.len();
            bytes.extend_from_slice(&piece[..piece.len().min(room)]);
            if bytes.len() == MAX_ERROR_BODY {
                break;
            }
        }
    };
    // Whatever of it came in time is better than nothing: the status says the most.
    let _ = tokio::time::timeout(ERROR_BODY_WAIT, read).await;
    let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let error = dialect.decode_error(status, &header, &bytes);
    advice::apply(error, &header)
}

/// What comes back, as events.
pub(crate) struct Answer {
    /// `None` once nothing more is read.
    body: Option<BodyStream>,
    framer: Framer,
    /// Whether what is read as a stream may turn out to be none, by its first bytes.
    may_be_body: bool,
    decoder: Box<dyn Decoder>,
    tool_as_text: Option<ToolAsText>,
    text_answer: Option<TextAnswer>,
    /// How many vectors there must be.
    vectors: Option<usize>,
    /// What is to be ranked.
    rerank: Option<Box<RerankTask>>,
    /// Events that go before the first ones of the answer.
    head: Vec<Event>,
    request_id: Option<String>,
    /// An error that came together with events, which go first.
    failed: Option<Error>,
    is_done: bool,
    clock: Option<Clock>,
    passing: Option<Passing>,
}

impl Answer {
    fn new(prepared: &Prepared, response: HttpResponse, waits: Waits, first_byte: Instant) -> Self {
        let request_id = ["x-request-id", "request-id"].into_iter().find_map(|name| response.header(name));
        let request_id = request_id.map(str::to_owned);
        let content_type = response.header("content-type").unwrap_or_default();
        // A server may stream what was asked whole, and the reverse.
        let framing = match content_type.split(';').next().map(str::trim) {
            Some("text/event-stream") => Framing::Sse,
            Some("application/json") => prepared.dialect.framing(Mode::Whole),
            _ => prepared.dialect.framing(prepared.mode),
        };
        let mut head: Vec<Event> = prepared.warnings().collect();
        // A ranking tells no time.
        if prepared.rerank.is_none() {
            head.push(Event::set("created", now()));
        }
        head.extend(request_id.as_deref().map(|id| Event::set("antiphon.request_id", id)));
        head.extend(prepared.rung.map(|rung| Event::set("antiphon.structured_output", rung.as_str())));
        Self {
            body: Some(response.body),
            framer: Framer::new(framing),
            may_be_body: framing == Framing::Sse,
            decoder: prepared.dialect.decoder(prepared.mode),
            tool_as_text: (prepared.rung == Some(Rung::Tool)).then(ToolAsText::default),
            text_answer: prepared.is_text.then(TextAnswer::default),
            vectors: prepared.vectors,
            rerank: prepared.rerank.clone(),
            head,
            request_id,
            failed: None,
            is_done: false,
            clock: (prepared.mode == Mode::Stream).then(|| Clock::new(waits, first_byte)),
            passing: Passing::new(prepared.tap.as_ref(), prepared.dialect.framing(prepared.mode), framing),
        }
    }

    /// Reads what there is. `Ok(None)` where there is no event in it.
    fn read(&mut self, bytes: Option<&[u8]>) -> Result<Option<Vec<Event>>> {
        let mut events = Vec::new();
        let result = self
            .decode(bytes, &mut events)
            .and_then(|()| self.check_vectors(&events))
            .and_then(|()| self.rank(&mut events));
        if let Some(translation) = &mut self.tool_as_text {
            events = translation.translate(events);
        }
        if let Some(translation) = &mut self.text_answer {
            events = translation.translate(events);
        }
        if events.iter().any(Event::is_content) {
            self.clock.iter_mut().for_each(Clock::content);
        }
        if !self.head.is_empty() && !events.is_empty() {
            self.head.append(&mut events);
            std::mem::swap(&mut self.head, &mut events);
        }
        match result {
            Ok(()) => Ok(Some(events).filter(|events| !events.is_empty())),
            // What came before the error in the same read is told first.
            Err(error) if !events.is_empty() => {
                self.failed = Some(error);
                Ok(Some(events))
            }
            Err(error) => Err(error),
        }
    }

    /// A vector too few would be taken for another text's.
    fn check_vectors(&self, events: &[Event]) -> Result<()> {
        let Some(expected) = self.vectors else { return Ok(()) };
        let found = events.iter().find_map(|event| match event {
            Event::Embeddings(embeddings) => Some(embeddings.len()),
            _ => None,
        });
        match found {
            Some(found) if found != expected => {
                let message = format!("the provider answered {expected} texts with {found} vectors");
                Err(Error::new(Kind::ResponseValidation, message))
            }
            _ => Ok(()),
        }
    }

    /// Puts a ranking into the form that was asked for: its order, how many, with which texts.
    fn rank(&self, events: &mut [Event]) -> Result<()> {
        let Some(task) = &self.rerank else { return Ok(()) };
        for event in events {
            if let Event::Ranking(ranking) = event {
                *ranking = task.ranking(std::mem::take(ranking))?;
            }
        }
        Ok(())
    }

    fn decode(&mut self, bytes: Option<&[u8]>, events: &mut Vec<Event>) -> Result<()> {
        if std::mem::take(&mut self.may_be_body) && bytes.is_some_and(is_body) {
            self.framer = Framer::new(Framing::Body);
            self.passing.take().iter().for_each(Passing::end);
        }
        let Some(mut passing) = self.passing.take() else {
            return self.decode_piece(bytes, events).map(drop);
        };
        let result = passing.read(bytes, events, |piece, events| self.decode_piece(piece, events));
        self.passing = Some(passing);
        result
    }

    /// Whether the answer is over with this piece.
    fn decode_piece(&mut self, bytes: Option<&[u8]>, events: &mut Vec<Event>) -> Result<bool> {
        match bytes {
            Some(bytes) => self.framer.push(bytes),
            None => self.framer.finish(),
        }
        while let Some(frame) = self.framer.next_frame()? {
            if frame != Frame::Comment {
                self.decoder.push(&frame, events)?;
            }
        }
        if bytes.is_none() || self.decoder.is_done() {
            self.is_done = true;
            self.decoder.finish(events)?;
            if self.framer.replaced() {
                events.push(Event::set(
                    "warning",
                    "the answer held bytes that are no UTF-8; U+FFFD stands for them",
                ));
            }
        }
        Ok(self.is_done)
    }

    fn end(&mut self, error: Error) -> Poll<Option<Result<Vec<Event>>>> {
        self.is_done = true;
        self.body = None;
        let error = match &self.request_id {
            Some(id) if error.upstream_request_id().is_none() => error.request_id(id.as_str()),
            _ => error,
        };
        Poll::Ready(Some(Err(error)))
    }

    /// The answer is over, and perhaps the body is not quite: it is read to its end aside, so that the
    /// connection can serve the next call.
    fn let_go(&mut self, context: &mut Context<'_>) {
        let Some(mut body) = self.body.take() else { return };
        if let Poll::Ready(None | Some(Err(_))) = body.poll_next_unpin(context) {
            return;
        }
        tokio::spawn(async move {
            let rest = body.take(64).for_each(|_| std::future::ready(()));
            let _ = tokio::time::timeout(Duration::from_secs(1), rest).await;
        });
    }
}

/// Whether bytes begin like a page or like JSON. No event of a stream does, whatever its server calls it, and
/// passed over as unknown lines they would be an answer that never came.
fn is_body(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'<' | b'{' | b'['))
}

impl Stream for Answer {
    type Item = Result<Vec<Event>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(error) = this.failed.take() {
            return this.end(error);
        }
        loop {
            if this.is_done {
                this.let_go(context);
                return Poll::Ready(None);
            }
            let Some(body) = &mut this.body else { return Poll::Ready(None) };
            let read = match body.poll_next_unpin(context) {
                Poll::Pending => match this.clock.as_mut().and_then(|clock| clock.poll(context)) {
                    Some(error) => return this.end(error),
                    None => return Poll::Pending,
                },
                Poll::Ready(Some(Err(error))) => return this.end(error),
                Poll::Ready(Some(Ok(bytes))) => {
                    this.clock.iter_mut().for_each(Clock::bytes);
                    this.read(Some(&bytes))
                }
                Poll::Ready(None) => {
                    this.body = None;
                    this.read(None)
                }
            };
            match read {
                Ok(None) => {}
                Ok(Some(events)) => return Poll::Ready(Some(Ok(events))),
                Err(error) => return this.end(error),
            }
        }
    }
}

/// The deadlines of a stream. Reading only notes the time; the timer is looked at when nothing comes.
struct Clock {
    waits: Waits,
    first_byte: Instant,
    /// When the last bytes came.
    last: Option<Instant>,
    /// When the last content came, or the stream began.
    content: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    fn new(waits: Waits, first_byte: Instant) -> Self {
        Self { waits, first_byte, last: None, content: Instant::now(), sleep: None }
    }

    fn bytes(&mut self) {
        self.last = Some(Instant::now());
    }

    fn content(&mut self) {
        self.content = self.last.unwrap_or_else(Instant::now);
    }

    /// The deadline that comes first, and its error.
    fn next(&self) -> (Instant, &'static str, Duration, &'static str) {
        let silence =
            (self.content + Waits::SILENCE, "silence", Waits::SILENCE, "signs of life without content");
        let idle = match self.last {
            None => (self.first_byte, "first-byte", self.waits.first_byte, "first_byte_timeout"),
            Some(last) => (last + self.waits.idle, "idle", self.waits.idle, "idle_timeout"),
        };
        if self.last.is_some() && silence.0 < idle.0 { silence } else { idle }
    }

    /// The error of a deadline that has passed; else sees to it that the task is woken when one does.
    fn poll(&mut self, context: &mut Context<'_>) -> Option<Error> {
        loop {
            let (at, name, after, option) = self.next();
            if Instant::now() >= at {
                return Some(deadline(name, after, option));
            }
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if sleep.as_mut().poll(context).is_pending() {
                return None;
            }
            sleep.as_mut().reset(at);
        }
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
