//! The listener and its connections, on a runtime in a thread of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use bytes::Bytes;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Duration, sleep};

use super::conductor::{Conductor, Picked};
use super::http1::{self, Bad, Head};
use super::http2;
use super::plan::{self, Action, Plan};
use super::record::{How, Ledger, Received};
use super::script::{Cut, End, Framing, OnConnect, Read, Step};
use super::tls::{self, Acceptor};
use super::wire::{Left, Line, Wire};

/// What the server and its connections share.
pub(super) struct Stage {
    pub(super) conductor: Conductor,
    pub(super) ledger: Ledger,
    pub(super) tls: Option<Acceptor>,
    pub(super) max_concurrent_streams: u32,
    /// Whether somebody listens on the port.
    pub(super) listening: watch::Sender<bool>,
}

/// Binds the port, or a free one where it is 0.
pub(super) fn bind(port: u16) -> std::io::Result<StdListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // The port is taken again after a refusal, while old connections linger.
    socket.set_reuse_address(true)?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, port))))?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Accepts until it is dropped, but only while somebody shall listen.
pub(super) async fn run(stage: Arc<Stage>, first: StdListener, port: u16) {
    let mut listening = stage.listening.subscribe();
    let mut bound = Some(first);
    loop {
        // Told so before it ever listened: what is bound would take connections in all the same.
        if !*listening.borrow() {
            bound = None;
        }
        if listening.wait_for(|listening| *listening).await.is_err() {
            return;
        }
        let Ok(listener) = bound.take().map_or_else(|| bind(port), Ok).and_then(TcpListener::from_std) else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::select! {
            () = accept(&stage, &listener) => {}
            _ = listening.wait_for(|listening| !*listening) => {}
        }
    }
}

async fn accept(stage: &Arc<Stage>, listener: &TcpListener) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => drop(tokio::spawn(connection(stage.clone(), socket))),
            // Out of file descriptors, most likely: some will be given back.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// A connection that is counted as open while this lives.
struct Open<'a> {
    ledger: &'a Ledger,
    number: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.ledger.disconnect(self.number);
    }
}

async fn connection(stage: Arc<Stage>, socket: TcpStream) {
    let number = stage.ledger.accept();
    let _open = Open { ledger: &stage.ledger, number };
    // Without it each write of a paced stream could wait for an acknowledgement.
    let _ = socket.set_nodelay(true);
    let mut line = Line::new(Wire::Plain(socket));
    match stage.conductor.connect() {
        OnConnect::Serve => serve(&stage, line, number).await,
        OnConnect::Reset => line.cut(Cut::Rst).await,
        OnConnect::Close => line.cut(Cut::Fin).await,
        OnConnect::Hang => line.hang_unread().await,
        OnConnect::Raw(steps) => raw(&stage, line, number, &steps, End::Fin).await,
        OnConnect::GoAway(code) => go_away(&stage, line, number, code).await,
        OnConnect::HalfHandshake(end) => {
            if line.read_more().await.is_ok() {
                let half = Step::Send(tls::HALF_SERVER_HELLO.into());
                raw(&stage, line, number, &[half], end).await;
            }
        }
    }
}

async fn go_away(stage: &Stage, line: Line, connection: u64, code: u32) {
    let Some(mut line) = secured(stage, line, connection).await else { return };
    match http2::go_away_at_once(&mut line, code).await {
        Ok(()) => line.close().await,
        Err(left) => stage.ledger.peer_left(connection, left),
    }
}

async fn raw(stage: &Stage, mut line: Line, connection: u64, steps: &[Step], end: End) {
    let mut answer = Answer { stage, number: None, written: 0, limit: u64::MAX };
    let done = answer.run(&mut line, &plan::actions(steps, Framing::None), end).await;
    if let Done::Left(how) = done {
        stage.ledger.peer_left(connection, how);
    }
    // A line that could be kept is dropped: the script says no more than this.
    finish(line, done, end).await;
}

async fn serve(stage: &Arc<Stage>, line: Line, number: u64) {
    let Some(mut line) = secured(stage, line, number).await else { return };
    let preface = match line.read_more().await {
        Ok(()) => http2::is_preface(&mut line).await,
        Err(left) => Err(left),
    };
    match preface {
        Ok(true) => http2::serve(stage.clone(), line, number).await,
        Ok(false) => exchanges(stage, line, number).await,
        Err(left) => stage.ledger.peer_left(number, left),
    }
}

/// The line under TLS, where that is wanted.
async fn secured(stage: &Stage, line: Line, number: u64) -> Option<Line> {
    let Some(tls) = &stage.tls else { return Some(line) };
    let Wire::Plain(socket) = line.wire else { return None };
    match tls.accept(socket).await {
        Ok(stream) => {
            let alpn = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into());
            stage.ledger.on_connection(number, |connection| connection.alpn = alpn);
            Some(Line::new(Wire::Tls(Box::new(stream))))
        }
        Err(error) => {
            stage.ledger.on_connection(number, |connection| connection.error = Some(error.to_string()));
            None
        }
    }
}

async fn exchanges(stage: &Arc<Stage>, line: Line, number: u64) {
    let mut line = Some(line);
    let mut reused = false;
    while let Some(open) = line.take() {
        line = exchange(stage, open, number, reused).await;
        reused = true;
    }
}

/// Answers one request. Gives the line back where another may follow.
async fn exchange(stage: &Arc<Stage>, mut line: Line, connection: u64, reused: bool) -> Option<Line> {
    if line.inbox.is_empty()
        && let Err(left) = line.read_more().await
    {
        stage.ledger.peer_left(connection, left);
        return None;
    }
    if let Some(picked) = stage.conductor.pick_unread(reused) {
        return answer(stage, line, connection, Head::default(), Some(picked)).await;
    }
    match http1::head(&mut line, stage.ledger.keeps()).await {
        Ok(head) => {
            let picked = stage.conductor.pick(&head, reused);
            answer(stage, line, connection, head, picked).await
        }
        Err(bad) => {
            refuse(stage, line, connection, bad).await;
            None
        }
    }
}

/// What is no request is answered by a 400, as any server would.
async fn refuse(stage: &Stage, mut line: Line, connection: u64, bad: Bad) {
    match bad {
        Bad::Left(left) => stage.ledger.peer_left(connection, left),
        Bad::Malformed(problem) => {
            stage.ledger.on_connection(connection, |connection| connection.error = Some(problem));
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = line.write(answer, &mut 0).await;
            line.close().await;
        }
    }
}

async fn answer(
    stage: &Arc<Stage>,
    mut line: Line,
    connection: u64,
    mut head: Head,
    picked: Option<Picked>,
) -> Option<Line> {
    let Some(picked) = picked else {
        line.cut(Cut::Rst).await;
        return None;
    };
    let at_ms = stage.ledger.now();
    let mut body = Bytes::new();
    let read = match picked.plans.read() {
        Read::Whole => http1::body(&mut line, &head, &mut body).await,
        Read::Head | Read::Nothing => Ok(()),
    };
    if picked.last {
        stage.listening.send_replace(false);
    }
    let plan = picked.plans.plan(&head.target, &body);
    let received = Received {
        connection,
        at_ms,
        method: std::mem::take(&mut head.method),
        target: head.target.clone(),
        version: head.version,
        headers: std::mem::take(&mut head.headers),
        body: body.clone().into(),
        ..Received::default()
    };
    let mut under_way = UnderWay::begin(stage, connection, received);
    if let Err(bad) = read {
        under_way.left = match bad {
            Bad::Left(left) => Some(left),
            Bad::Malformed(_) => None,
        };
        drop(under_way);
        refuse(stage, line, connection, bad).await;
        return None;
    }
    let limit = plan.reply.cut_after.unwrap_or(u64::MAX);
    let mut answer = Answer { stage, number: Some(under_way.number), written: 0, limit };
    let end = ending(plan, &head);
    let done = answer.run(&mut line, &plan.http1, end).await;
    under_way.written = answer.written;
    if let Done::Left(left) = done {
        under_way.left = Some(left);
        stage.ledger.peer_left(connection, left);
    }
    drop(under_way);
    finish(line, done, end).await
}

fn ending(plan: &Plan, head: &Head) -> End {
    // What is cut or not read to its end cannot go on.
    let goes_on = plan.reply.cut_after.is_none() && plan.reply.read == Read::Whole && !head.closes();
    match plan.reply.end {
        End::KeepAlive if !goes_on => End::Fin,
        end => end,
    }
}

/// Leaves a connection as its answer wants it left. Gives it back where another request may follow.
async fn finish(line: Line, done: Done, end: End) -> Option<Line> {
    match (done, end) {
        (Done::Whole, End::KeepAlive) => return Some(line),
        (Done::Whole, End::Fin) => line.close().await,
        (Done::Cut(how), _) => line.cut(how).await,
        (Done::Whole | Done::CutShort, End::Rst) => line.cut(Cut::Rst).await,
        (Done::CutShort, _) => line.cut(Cut::Fin).await,
        (Done::Left(_), _) | (Done::Whole, End::Hang) => {}
    }
    None
}

/// A request that is counted as under way while this lives, whatever ends it.
pub(super) struct UnderWay {
    stage: Arc<Stage>,
    connection: u64,
    pub(super) number: u64,
    pub(super) written: u64,
    pub(super) left: Option<How>,
}

impl UnderWay {
    pub(super) fn begin(stage: &Arc<Stage>, connection: u64, received: Received) -> Self {
        let number = stage.ledger.begin(received);
        Self { stage: stage.clone(), connection, number, written: 0, left: None }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.stage.ledger.end(self.number, self.connection, self.written, self.left);
    }
}

/// How the steps of an answer ended.
#[derive(Clone, Copy)]
pub(super) enum Done {
    /// All were done.
    Whole,
    /// As many bytes as the reply allows were written.
    CutShort,
    /// A step ended the connection.
    Cut(Cut),
    /// The peer left.
    Left(Left),
}

impl From<Left> for Done {
    fn from(left: Left) -> Self {
        Self::Left(left)
    }
}

/// An answer that is being written.
struct Answer<'a> {
    stage: &'a Stage,
    number: Option<u64>,
    written: u64,
    limit: u64,
}

impl Answer<'_> {
    async fn run(&mut self, line: &mut Line, actions: &[Action], end: End) -> Done {
        let done = match self.steps(line, actions).await {
            Ok(()) => Done::Whole,
            Err(done) => done,
        };
        if end == End::Hang && matches!(done, Done::Whole | Done::CutShort) {
            self.note_progress();
            return line.hang().await.into();
        }
        done
    }

    async fn steps(&mut self, line: &mut Line, actions: &[Action]) -> Result<(), Done> {
        for action in actions {
            match action {
                Action::Write(bytes) => self.write(line, bytes).await?,
                Action::Sleep(time) => self.sleep(line, *time).await?,
                Action::Repeat(bytes, every, times) => {
                    let mut left = times.unwrap_or(u64::MAX);
                    while left > 0 {
                        self.write(line, bytes).await?;
                        self.sleep(line, *every).await?;
                        left -= 1;
                    }
                }
                Action::Cut(how) => return Err(Done::Cut(*how)),
                Action::Hang => {
                    self.note_progress();
                    return Err(line.hang().await.into());
                }
                Action::Tunnel(address) => return Err(self.tunnel(line, address).await),
                // Of a stream of HTTP/2; here the connection is the stream.
                Action::GoAway(_) => return Err(Done::Cut(Cut::Fin)),
                Action::ResetStream(_) => return Err(Done::Cut(Cut::Rst)),
            }
        }
        Ok(())
    }

    async fn write(&mut self, line: &mut Line, bytes: &[u8]) -> Result<(), Done> {
        let room = usize::try_from(self.limit - self.written).unwrap_or(usize::MAX);
        line.write(&bytes[..bytes.len().min(room)], &mut self.written).await?;
        if bytes.len() >= room { Err(Done::CutShort) } else { Ok(()) }
    }

    async fn sleep(&mut self, line: &mut Line, time: Duration) -> Result<(), Done> {
        self.note_progress();
        // An endless answer whose peer keeps reading would never have to wait.
        let slept = if time.is_zero() { line.glance().await } else { line.sleep(time).await };
        Ok(slept?)
    }

    fn note_progress(&self) {
        if let Some(number) = self.number {
            self.stage.ledger.progress(number, self.written);
        }
    }

    async fn tunnel(&mut self, line: &mut Line, address: &str) -> Done {
        let Ok(mut target) = TcpStream::connect(address).await else { return Done::Cut(Cut::Rst) };
        let early = line.inbox.split();
        if tokio::io::AsyncWriteExt::write_all(&mut target, &early).await.is_ok() {
            let _ = tokio::io::copy_bidirectional(&mut line.wire, &mut target).await;
        }
        Done::Cut(Cut::Fin)
    }
}
