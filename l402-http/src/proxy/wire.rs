//! The bytes of one connection to the upstream: whether any have come, and what a failed write means.
//!
//! 1. A write that fails says only that the upstream takes no more. What it had answered before that still waits to be read,
//!    such as a 413 to a body that is too large (RFC 9112 §9.5): writing then stands still until reading has ended, and only
//!    then fails.
//! 2. Every byte of an answer is counted, so that a connection that closed before the first one is known for what it is: one
//!    that stood idle too long (RFC 9110 §9.2.2).

use core::pin::Pin;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};

pin_project! {
    /// A connection, above TLS where there is any.
    pub(super) struct Wire<S> {
        #[pin]
        stream: S,
        heard: Heard,
        broken: Option<Broken>,
        // Held until the connection is closed, also as a tunnel (P6).
        room: Option<OwnedSemaphorePermit>,
    }
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, room: Option<OwnedSemaphorePermit>) -> Self {
        Self { stream, heard: Heard::default(), broken: None, room }
    }

    /// Returns what counts the bytes that come.
    pub(super) fn heard(&self) -> Heard {
        self.heard.clone()
    }
}

/// How many bytes have come over a connection, and whether more can come.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Ear>);

#[derive(Debug, Default)]
struct Ear {
    bytes: AtomicU64,
    has_ended: AtomicBool,
}

impl Heard {
    /// Returns the number of bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns whether the upstream has closed its side, or the connection is broken.
    pub(super) fn has_ended(&self) -> bool {
        self.0.has_ended.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.0.has_ended.store(true, Ordering::Relaxed);
    }
}

/// A write has failed.
struct Broken {
    cause: Option<io::Error>,
    /// Reading ends by itself where a write has failed; this is for a side that has stopped to read.
    patience: Pin<Box<Sleep>>,
}

impl Broken {
    fn new(cause: io::Error) -> Self {
        Self { cause: Some(cause), patience: Box::pin(sleep(PATIENCE)) }
    }

    /// Completes with the cause when nothing more can be read.
    fn poll<T>(&mut self, read_ended: bool, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if !read_ended {
            ready!(self.patience.as_mut().poll(context));
        }
        Poll::Ready(Err(self.cause.take().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }
}

impl<S: AsyncRead> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buffer.filled().len();
        let room = buffer.remaining();
        let read = ready!(this.stream.poll_read(context, buffer));
        let bytes = buffer.filled().len().saturating_sub(before);
        this.heard.add(bytes);
        if read.is_err() || (bytes == 0 && room > 0) {
            this.heard.end();
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite> Wire<S> {
    /// Writes, unless a write has failed before.
    fn poll_with<T>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.project();
        let broken = match this.broken {
            Some(broken) => broken,
            None => match ready!(write(this.stream, context)) {
                Err(cause) => this.broken.insert(Broken::new(cause)),
                written => return Poll::Ready(written),
            },
        };
        broken.poll(this.heard.has_ended(), context)
    }
}

impl<S: AsyncWrite> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream, context| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        if this.broken.is_some() {
            return Poll::Ready(Ok(())); // the other side is gone
        }
        this.stream.poll_shutdown(context)
    }
}

/// How long a failed write is kept quiet while no read is under way.
const PATIENCE: Duration = Duration::from_secs(30);
