//! A connection to a server, or to a proxy that is asked in the server's place.
//!
//! A write that fails says only that the other side takes no more. What it had answered before that still waits to be read, such
//! as a 402 to a large upload (RFC 9112 §9.5): writing then stands still, and reading says how the exchange ends.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    /// Whether requests name the whole URL, for the proxy to go on with.
    is_proxied: bool,
    broken: Option<Broken>,
}

/// A write has failed.
#[derive(Debug)]
struct Broken {
    cause: Option<io::Error>,
    /// Reading ends by itself where a write has failed; this is for a side that has stopped to read.
    patience: Pin<Box<Sleep>>,
}

impl Wire {
    pub(super) const fn new(stream: Stream, is_proxied: bool) -> Self {
        Self { stream, is_proxied, broken: None }
    }

    /// Writes, unless a write has failed before.
    fn poll_with<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Stream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let broken = match &mut self.broken {
            Some(broken) => broken,
            None => match ready!(write(Pin::new(&mut self.stream), context)) {
                Err(cause) => self.broken.insert(Broken { cause: Some(cause), patience: Box::pin(sleep(PATIENCE)) }),
                written => return Poll::Ready(written),
            },
        };
        ready!(broken.patience.as_mut().poll(context));
        Poll::Ready(Err(broken.cause.take().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.is_proxied)
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with(cx, Write::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_some() {
            return Poll::Ready(Ok(())); // the other side is gone
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }
}

/// How long a failed write is kept quiet while no read is under way.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    #[tokio::test]
    async fn an_answer_outlives_a_failed_write() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let mut wire = TokioIo::new(Wire::new(MaybeHttpsStream::Http(TokioIo::new(stream)), false));
        wire.write_all(b"unread").await.unwrap();
        server.readable().await.unwrap();
        server.write_all(b"answer").await.unwrap();
        drop(server); // the system resets a connection on which something was not read
        let writing = async { while wire.write_all(&[0; 1024]).await.is_ok() {} };
        timeout(Duration::from_millis(300), writing).await.expect_err("a write that fails hides the answer");
        let mut answer = [0; 6];
        wire.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"answer");
        wire.shutdown().await.unwrap();
    }
}
