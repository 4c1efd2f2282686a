//! HTTP/2, over TLS by ALPN or in clear by prior knowledge, with the same replies.
//!
//! What a reply says of the head and the body holds; what it says of bytes on the socket does not:
//! `cut_after` counts the body alone, a reply without a status writes nothing and resets its stream where it
//! would write.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use super::http1::Head;
use super::plan::{Action, Plan};
use super::record::{How, Received};
use super::script::{Cut, End, Read, Reply};
use super::server::{Done, Stage, UnderWay};
use super::wire::{Left, Line, Wire, how};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// h2 does not tell when it has flushed; before a connection is closed on purpose it is given this long.
const FLUSH: Duration = Duration::from_millis(5);

/// Whether what comes is HTTP/2.
pub(super) async fn is_preface(line: &mut Line) -> Result<bool, Left> {
    while line.inbox.len() < PREFACE.len() && PREFACE.starts_with(&line.inbox) {
        line.read_more().await?;
    }
    Ok(line.inbox.starts_with(PREFACE))
}

/// What a stream asks of its connection.
enum Order {
    GoAway(u32),
    Cut(Cut),
}

pub(super) async fn serve(stage: Arc<Stage>, line: Line, number: u64) {
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Rewound { first: line.inbox, wire: line.wire, reset: reset.clone() };
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(stage.max_concurrent_streams).initial_window_size(1 << 20);
    let mut connection = match builder.handshake::<_, Bytes>(socket).await {
        Ok(connection) => connection,
        Err(error) => return note_end(&stage, number, &error),
    };
    let (orders, mut order) = unbounded_channel();
    let mut reused = false;
    loop {
        tokio::select! {
            // Orders come first: a stream that has ordered a cut is gone, and h2 would tell the peer of that.
            biased;
            Some(order) = order.recv() => match order {
                Order::GoAway(0) => connection.graceful_shutdown(),
                Order::GoAway(code) => connection.abrupt_shutdown(code.into()),
                Order::Cut(how) => {
                    reset.store(how == Cut::Rst, Ordering::Relaxed);
                    return;
                }
            },
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let stream = Stream::new(stage.clone(), number, respond, orders.clone());
                    tokio::spawn(stream.serve(request, reused));
                    reused = true;
                }
                Some(Err(error)) => return note_end(&stage, number, &error),
                None => return stage.ledger.peer_left(number, How::Fin),
            },
        }
    }
}

fn note_end(stage: &Stage, number: u64, error: &h2::Error) {
    stage.ledger.on_connection(number, |connection| connection.error = Some(error.to_string()));
    stage.ledger.peer_left(number, left(error));
}

fn left(error: &h2::Error) -> Left {
    match error.get_io() {
        Some(error) if error.kind() == io::ErrorKind::ConnectionReset => how(error),
        _ => How::Fin,
    }
}

/// A GOAWAY that says that no request was processed, in answer to the first one; then the connection ends.
pub(super) async fn go_away_at_once(line: &mut Line, code: u32) -> Result<(), Left> {
    while !is_preface(line).await? {
        line.read_more().await?;
    }
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    line.write(SETTINGS, &mut 0).await?;
    line.inbox.advance(PREFACE.len());
    while next_frame(line).await? != 1 {}
    let mut frame = vec![0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    frame.extend_from_slice(&code.to_be_bytes());
    line.write(&frame, &mut 0).await
}

/// Reads a frame and gives its type.
async fn next_frame(line: &mut Line) -> Result<u8, Left> {
    const HEADER: usize = 9;
    loop {
        if let Some([a, b, c, kind]) = line.inbox.first_chunk() {
            let (length, kind) = (u32::from_be_bytes([0, *a, *b, *c]) as usize + HEADER, *kind);
            if line.inbox.len() >= length {
                line.inbox.advance(length);
                return Ok(kind);
            }
        }
        line.read_more().await?;
    }
}

/// One request and its answer.
struct Stream {
    stage: Arc<Stage>,
    connection: u64,
    respond: SendResponse<Bytes>,
    /// The body's way, once the head is sent.
    send: Option<SendStream<Bytes>>,
    orders: UnboundedSender<Order>,
    written: u64,
    limit: u64,
}

/// Why an answer goes no further.
enum Stop {
    Done(Done),
    /// The stream was reset by the script.
    Reset,
}

impl<T: Into<Done>> From<T> for Stop {
    fn from(done: T) -> Self {
        Self::Done(done.into())
    }
}

impl Stream {
    fn new(
        stage: Arc<Stage>,
        connection: u64,
        respond: SendResponse<Bytes>,
        orders: UnboundedSender<Order>,
    ) -> Self {
        Self { stage, connection, respond, send: None, orders, written: 0, limit: u64::MAX }
    }

    async fn serve(mut self, request: Request<RecvStream>, reused: bool) {
        let at_ms = self.stage.ledger.now();
        let (parts, mut incoming) = request.into_parts();
        let head = head(&parts);
        let Some(picked) = self.stage.conductor.pick(&head, reused) else {
            return self.cut(Cut::Rst);
        };
        let mut body = BytesMut::new();
        let read = match picked.plans.read() {
            Read::Whole => read_body(&mut incoming, &mut body).await,
            Read::Head | Read::Nothing => Ok(()),
        };
        if picked.last {
            self.stage.listening.send_replace(false);
        }
        let plan = picked.plans.plan(&head.target, &body);
        let received = Received {
            connection: self.connection,
            at_ms,
            body: body.freeze().into(),
            method: head.method,
            target: head.target,
            version: head.version,
            headers: head.headers,
            ..Received::default()
        };
        let mut under_way = UnderWay::begin(&self.stage, self.connection, received);
        let stop = match read {
            Ok(()) => self.answer_to_its_end(plan, under_way.number).await.err(),
            Err(left) => Some(Stop::Done(Done::Left(left))),
        };
        under_way.written = self.written;
        match stop {
            Some(Stop::Done(Done::Left(left))) => under_way.left = Some(left),
            Some(Stop::Done(Done::Cut(how))) => self.cut(how),
            Some(Stop::Done(Done::CutShort)) => self.end(cut_short(plan.reply.end)).await,
            None | Some(Stop::Done(Done::Whole)) => self.end(plan.reply.end).await,
            Some(Stop::Reset) => {}
        }
    }

    fn cut(&self, how: Cut) {
        // Where the connection is gone, there is nothing to cut.
        let _ = self.orders.send(Order::Cut(how));
    }

    async fn end(&self, end: End) {
        let how = match end {
            End::KeepAlive | End::Hang => return,
            End::Fin => Cut::Fin,
            End::Rst => Cut::Rst,
        };
        sleep(FLUSH).await;
        self.cut(how);
    }

    async fn answer_to_its_end(&mut self, plan: &Plan, number: u64) -> Result<(), Stop> {
        let answered = self.answer(plan, number).await;
        let whole = matches!(answered, Ok(()) | Err(Stop::Done(Done::Whole | Done::CutShort)));
        if whole && plan.reply.end == End::Hang {
            self.stage.ledger.progress(number, self.written);
            return Err(poll_fn(|cx| self.poll_left(cx)).await.into());
        }
        answered
    }

    async fn answer(&mut self, plan: &Plan, number: u64) -> Result<(), Stop> {
        self.limit = plan.reply.cut_after.unwrap_or(u64::MAX);
        self.sleep(Duration::from_millis(plan.reply.delay_ms)).await?;
        // A stream that has ended could not be seen to be left.
        let bodiless = plan.http2.is_empty() && plan.reply.end != End::Hang;
        if let Some(status) = plan.reply.status {
            let sent = self.respond.send_response(response(status, &plan.reply), bodiless);
            self.send = Some(sent.map_err(|error| left(&error))?);
        }
        for action in &plan.http2 {
            self.act(action, number).await?;
        }
        let ends = !bodiless && plan.reply.end != End::Hang;
        if let Some(send) = self.send.as_mut().filter(|_| ends) {
            send.send_data(Bytes::new(), true).map_err(|error| left(&error))?;
        }
        Ok(())
    }

    async fn act(&mut self, action: &Action, number: u64) -> Result<(), Stop> {
        match action {
            Action::Write(bytes) => self.write(bytes.clone()).await,
            Action::Sleep(time) => {
                self.stage.ledger.progress(number, self.written);
                self.sleep(*time).await
            }
            Action::Repeat(bytes, every, times) => {
                for _ in 0..times.unwrap_or(u64::MAX) {
                    self.write(bytes.clone()).await?;
                    self.sleep(*every).await?;
                }
                Ok(())
            }
            Action::Cut(how) => {
                sleep(FLUSH).await;
                Err(Done::Cut(*how).into())
            }
            Action::Hang => {
                self.stage.ledger.progress(number, self.written);
                Err(poll_fn(|cx| self.poll_left(cx)).await.into())
            }
            Action::GoAway(code) => {
                let _ = self.orders.send(Order::GoAway(*code));
                Ok(())
            }
            Action::ResetStream(code) => Err(self.reset((*code).into())),
            Action::Tunnel(_) => Err(self.reset(Reason::CONNECT_ERROR)),
        }
    }

    fn reset(&mut self, reason: Reason) -> Stop {
        match &mut self.send {
            Some(send) => send.send_reset(reason),
            None => self.respond.send_reset(reason),
        }
        Stop::Reset
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), Stop> {
        let room = usize::try_from(self.limit - self.written).unwrap_or(usize::MAX);
        let short = bytes.len() >= room;
        bytes.truncate(room);
        while !bytes.is_empty() {
            let capacity = self.capacity(bytes.len()).await?;
            let Some(send) = &mut self.send else { return Err(self.reset(Reason::PROTOCOL_ERROR)) };
            let piece = bytes.split_to(capacity.min(bytes.len()));
            self.written += piece.len() as u64;
            send.send_data(piece, false).map_err(|error| left(&error))?;
        }
        if short { Err(Done::CutShort.into()) } else { Ok(()) }
    }

    async fn capacity(&mut self, wanted: usize) -> Result<usize, Left> {
        let Some(send) = &mut self.send else { return Ok(wanted) };
        send.reserve_capacity(wanted);
        poll_fn(|cx| {
            let Some(send) = &mut self.send else { return Poll::Ready(Ok(wanted)) };
            match send.poll_capacity(cx) {
                Poll::Ready(Some(Ok(0))) | Poll::Pending => self.poll_left(cx).map(Err),
                Poll::Ready(Some(Ok(capacity))) => Poll::Ready(Ok(capacity)),
                Poll::Ready(Some(Err(error))) => Poll::Ready(Err(left(&error))),
                Poll::Ready(None) => self.poll_left(cx).map(Err),
            }
        })
        .await
    }

    async fn sleep(&mut self, time: Duration) -> Result<(), Stop> {
        let mut time = pin!(sleep(time));
        poll_fn(|cx| {
            if let Poll::Ready(left) = self.poll_left(cx) {
                return Poll::Ready(Err(left.into()));
            }
            time.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<Left> {
        let reset = match &mut self.send {
            Some(send) => send.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        };
        reset.map(|reset| match reset {
            Ok(_) => How::Stream,
            Err(error) => left(&error),
        })
    }
}

fn cut_short(end: End) -> End {
    if end == End::KeepAlive { End::Fin } else { end }
}

fn head(parts: &http::request::Parts) -> Head {
    let target = parts.uri.path_and_query().map_or_else(|| parts.uri.to_string(), ToString::to_string);
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Head::of(parts.method.to_string(), target, "HTTP/2", headers)
}

async fn read_body(incoming: &mut RecvStream, body: &mut BytesMut) -> Result<(), Left> {
    while let Some(data) = incoming.data().await {
        let data = data.map_err(|error| if error.is_reset() { How::Stream } else { left(&error) })?;
        body.extend_from_slice(&data);
        // It can only fail for a stream that is gone, and then the next read says so.
        let _ = incoming.flow_control().release_capacity(data.len());
    }
    Ok(())
}

fn response(status: u16, reply: &Reply) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in &reply.headers {
        // What HTTP/2 has no place for is HTTP/1.1's own.
        if !["connection", "keep-alive", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str()) {
            response = response.header(name, value);
        }
    }
    response.body(()).expect("the script's status and headers are valid in HTTP/2")
}

/// A socket whose first bytes have been read before.
struct Rewound {
    first: BytesMut,
    wire: Wire,
    reset: Arc<AtomicBool>,
}

impl Drop for Rewound {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            self.wire.reset_on_drop();
        }
    }
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.wire).poll_read(cx, buffer);
        }
        let length = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}
