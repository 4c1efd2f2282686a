//! A socket, plain or under TLS, that is read all the while it is written, so that a peer who leaves is
//! noticed at once; and that can be closed in every way there is.

use std::future::{Future, poll_fn};
use std::io;
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::record::How;
use super::script::Cut;

/// How much may lie unread before the peer has to wait.
const INBOX_LIMIT: usize = 256 * 1024 * 1024;

/// How long a closed connection swallows what still comes: closing with bytes unread would be a reset.
const LINGER: Duration = Duration::from_secs(1);

pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// Makes dropping it a reset.
    pub(super) fn reset_on_drop(&self) {
        // A socket whose peer is gone cannot be set, and need not be.
        let _ = self.tcp().set_zero_linger();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

/// How the peer left.
pub(super) type Left = How;

/// How an error of a socket reads as the peer's doing.
pub(super) fn how(error: &io::Error) -> Left {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => How::Rst,
        // TLS without its goodbye is a FIN all the same.
        _ => How::Fin,
    }
}

/// A connection's socket and what has been read from it.
pub(super) struct Line {
    pub(super) wire: Wire,
    pub(super) inbox: BytesMut,
    left: Option<Left>,
}

impl Line {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, inbox: BytesMut::new(), left: None }
    }

    /// Waits until more has come.
    pub(super) async fn read_more(&mut self) -> Result<(), Left> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    /// Writes all of it, and adds to `written` as it goes.
    pub(super) async fn write(&mut self, mut bytes: &[u8], written: &mut u64) -> Result<(), Left> {
        poll_fn(|cx| {
            while !bytes.is_empty() {
                match Pin::new(&mut self.wire).poll_write(cx, bytes) {
                    Poll::Ready(Ok(n)) => {
                        bytes = &bytes[n..];
                        *written += n as u64;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(self.leave(how(&error)))),
                    Poll::Pending => return self.poll_left(cx).map(Err),
                }
            }
            match Pin::new(&mut self.wire).poll_flush(cx) {
                Poll::Ready(flushed) => Poll::Ready(flushed.map_err(|error| self.leave(how(&error)))),
                Poll::Pending => self.poll_left(cx).map(Err),
            }
        })
        .await
    }

    /// Sleeps, but not longer than the peer stays.
    pub(super) async fn sleep(&mut self, time: Duration) -> Result<(), Left> {
        let mut time = pin!(sleep(time));
        poll_fn(|cx| {
            if let Poll::Ready(left) = self.poll_left(cx) {
                return Poll::Ready(Err(left));
            }
            time.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    /// Gives others a turn, and looks whether the peer is still there.
    pub(super) async fn glance(&mut self) -> Result<(), Left> {
        tokio::task::yield_now().await;
        poll_fn(|cx| match self.poll_left(cx) {
            Poll::Ready(left) => Poll::Ready(Err(left)),
            Poll::Pending => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Waits until the peer leaves.
    pub(super) async fn hang(&mut self) -> Left {
        poll_fn(|cx| self.poll_left(cx)).await
    }

    /// Waits until the peer leaves, and reads nothing: what it sends fills its window.
    pub(super) async fn hang_unread(&mut self) {
        loop {
            match self.wire.tcp().ready(tokio::io::Interest::READABLE).await {
                Ok(ready) if !ready.is_read_closed() => sleep(Duration::from_millis(20)).await,
                _ => return,
            }
        }
    }

    /// Ends the connection in the middle of what it was doing. Says how the peer left, where it did first.
    pub(super) async fn cut(self, how: Cut) {
        match how {
            Cut::Rst => self.wire.reset_on_drop(),
            Cut::Fin => {
                let _ = SockRef::from(self.wire.tcp()).shutdown(Shutdown::Write);
                self.linger().await;
            }
        }
    }

    /// Ends the connection after a whole answer; under TLS with its goodbye.
    pub(super) async fn close(mut self) {
        let _ = self.wire.shutdown().await;
        self.linger().await;
    }

    /// Swallows what still comes. Where all that came has been read, the socket is closed at once, so that a
    /// request sent on it later is answered by a reset, as on any stale connection.
    async fn linger(mut self) {
        let unread = !self.inbox.is_empty() || poll_fn(|cx| Poll::Ready(self.poll_fill(cx).is_ready())).await;
        if unread {
            self.inbox.clear();
            let mut scrap = [0; 8192];
            let drain = async { while matches!(self.wire.read(&mut scrap).await, Ok(1..)) {} };
            let _ = timeout(LINGER, drain).await;
        }
    }

    /// Reads once; ready when more has come or the peer has left.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Left>> {
        if let Some(left) = self.left {
            return Poll::Ready(Err(left));
        }
        let mut read = pin!(self.wire.read_buf(&mut self.inbox));
        match read.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0)) => Poll::Ready(Err(self.leave(How::Fin))),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.leave(how(&error)))),
        }
    }

    /// Ready when the peer has left; reads on until then.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<Left> {
        while self.inbox.len() < INBOX_LIMIT {
            match self.poll_fill(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(left)) => return Poll::Ready(left),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Pending
    }

    fn leave(&mut self, how: Left) -> Left {
        *self.left.get_or_insert(how)
    }
}
