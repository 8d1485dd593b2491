//! The socket of a client, which closes in a way that lets the client read what it was told (RFC 9112 §9.6).
//!
//! A client that is answered while it still sends, such as by a 402 to a large upload, loses the answer when the system meets
//! bytes that will not be read: it resets the connection, and what was not read yet is gone. So the socket says that no more
//! comes, reads and forgets what is still sent, within bounds, and only then closes.
//!
//! A refusal that hyper has made by itself, of a head that it could not read, is written with a body that says why.

use bytes::Bytes;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::activity::Activity;
use super::refusal;

/// A client's connection.
pub(super) struct Socket {
    stream: TokioIo<TcpStream>,
    /// What has been read of it already.
    first: Bytes,
    activity: Arc<Activity>,
    linger: Option<Linger>,
    /// What is written in place of an answer of hyper's own, and how much of it is.
    own: Option<(Vec<u8>, usize)>,
    /// Whether a head was refused, of which more may come.
    is_refused: bool,
}

/// A socket that is closed as soon as the client has stopped to send.
struct Linger {
    end: Pin<Box<Sleep>>,
    left: usize,
    buffer: Box<[u8]>,
}

impl Socket {
    /// Takes a connection, and the first bytes that came over it.
    pub(super) fn new(stream: TcpStream, first: Bytes, activity: Arc<Activity>) -> Self {
        Self { stream: TokioIo::new(stream), first, activity, linger: None, own: None, is_refused: false }
    }
}

impl Socket {
    /// Writes what stands in place of hyper's answer.
    fn poll_own(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, written)) = &mut self.own {
            let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) else {
                self.own = None;
                break;
            };
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *written = written.saturating_add(count),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Linger {
    fn new() -> Self {
        Self { end: Box::pin(sleep(LINGER)), left: LINGER_BYTES, buffer: vec![0; BUFFER].into_boxed_slice() }
    }

    /// Reads and forgets until the client closes, time is up, or it has sent too much.
    fn poll(&mut self, mut stream: Pin<&mut TcpStream>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.end.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut self.buffer);
            let read = ready!(stream.as_mut().poll_read(context, &mut buffer));
            let count = buffer.filled().len();
            self.left = self.left.saturating_sub(count);
            if read.is_err() || count == 0 || self.left == 0 {
                return Poll::Ready(());
            }
        }
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let count = self.first.len().min(buffer.remaining());
            let first = self.first.split_to(count);
            if self.first.is_empty() {
                self.first = Bytes::new(); // lets go of the memory
            }
            buffer.put_slice(&first);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_own(context))?;
        // While an answer is written, these may be bytes of its body, whatever they look like.
        match Some(bytes).filter(|_| self.activity.is_between()).and_then(refusal::explained) {
            Some(own) => {
                self.own = Some((own, 0));
                self.is_refused = true;
                Poll::Ready(Ok(bytes.len()))
            }
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_own(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.activity.flushed(); // hyper flushes when it has nothing left to write
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_own(context))?;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if !this.activity.is_unread() && !this.is_refused {
                return Poll::Ready(Ok(()));
            }
        }
        let linger = this.linger.get_or_insert_with(Linger::new);
        linger.poll(Pin::new(this.stream.inner_mut()), context).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut whole = pieces.iter().filter(|piece| !piece.is_empty());
        if let (Some(piece), None) = (whole.next(), whole.next()) {
            return self.poll_write(context, piece);
        }
        ready!(self.poll_own(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}

/// How long, and for how many bytes, a client may go on to send after its answer.
pub(super) const LINGER: Duration = Duration::from_secs(10);
pub(super) const LINGER_BYTES: usize = 64 * 1024 * 1024;

const BUFFER: usize = 16 * 1024;
