//! The two bodies that pass through: the client's on its way up, the upstream's on its way down.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::config::Edits;
use super::fields;
use super::pool::{Pool, Sender};
use super::progress::Progress;

pin_project! {
    /// The client's body, as it is sent to the upstream; it notes its progress, and keeps back trailers that must not pass.
    #[derive(Debug)]
    pub struct RequestBody<B> {
        #[pin]
        inner: Option<B>,
        edits: Arc<Edits>,
        progress: Option<Arc<Progress>>,
    }
}

impl<B> RequestBody<B> {
    pub(super) fn new(inner: B, edits: Arc<Edits>, progress: Option<Arc<Progress>>) -> Self {
        Self { inner: Some(inner), edits, progress }
    }

    /// Makes the body of a request that has none.
    pub(super) fn empty(edits: Arc<Edits>) -> Self {
        Self { inner: None, edits, progress: None }
    }
}

impl<B: Body> Body for RequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        let frame = inner.poll_frame(cx);
        if let Some(progress) = this.progress {
            match frame {
                Poll::Ready(_) => progress.moved(),
                Poll::Pending => progress.waits_for_client(),
            }
        }
        frame.map_ok(|frame| without_claims(frame, this.edits))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Cleans trailers: many servers join them with the fields of the head.
fn without_claims<D>(frame: Frame<D>, edits: &Edits) -> Frame<D> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            fields::clean_trailers(&mut trailers, edits);
            Frame::trailers(trailers)
        }
        Err(data) => data,
    }
}

/// The body of a response of [`Upstream`](super::Upstream): streamed from the upstream, or a short text of the proxy's own.
///
/// Dropping it before its end closes the connection to the upstream, which cancels what is under way there.
#[derive(Debug)]
pub struct ProxyBody<B> {
    content: Content<B>,
}

#[derive(Debug)]
enum Content<B> {
    Streamed(Streamed<B>),
    Whole(Option<Bytes>),
}

impl<B> ProxyBody<B> {
    pub(super) fn streamed(
        incoming: Incoming,
        lease: Lease<B>,
        progress: Option<Arc<Progress>>,
        idle: Duration,
    ) -> Self {
        let stall = Stall { idle, timer: None, armed: false, progress };
        Self { content: Content::Streamed(Streamed { incoming, lease: Some(lease), ended: false, stall }) }
    }

    pub(super) fn whole(text: Bytes) -> Self {
        let text = Some(text).filter(|text| !text.is_empty());
        Self { content: Content::Whole(text) }
    }
}

impl<B> Body for ProxyBody<B> {
    type Data = Bytes;
    type Error = ProxyBodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ProxyBodyError>>> {
        match &mut self.get_mut().content {
            Content::Streamed(streamed) => streamed.poll_frame(cx),
            Content::Whole(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Streamed(streamed) => streamed.incoming.is_end_stream(),
            Content::Whole(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Streamed(streamed) => streamed.incoming.size_hint(),
            Content::Whole(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
        }
    }
}

/// A connection that goes back to its pool when the response on it has been read to its end.
pub(super) struct Lease<B> {
    pub(super) sender: Sender<RequestBody<B>>,
    pub(super) pool: Arc<Pool<RequestBody<B>>>,
}

impl<B> fmt::Debug for Lease<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Streamed<B> {
    incoming: Incoming,
    lease: Option<Lease<B>>,
    ended: bool,
    stall: Stall,
}

impl<B> Streamed<B> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ProxyBodyError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            ready!(self.stall.poll(cx));
            return Poll::Ready(Some(Err(ProxyBodyError::Idle)));
        };
        self.stall.disarm();
        if frame.is_none() {
            self.ended = true;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(ProxyBodyError::Upstream)))
    }
}

impl<B> Drop for Streamed<B> {
    fn drop(&mut self) {
        // A body of known length is dropped without being asked for the frame after its last.
        if (self.ended || self.incoming.is_end_stream())
            && let Some(lease) = self.lease.take()
        {
            lease.pool.put(lease.sender);
        }
    }
}

/// Notices that nothing has moved for a while, in either direction.
#[derive(Debug)]
struct Stall {
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
    progress: Option<Arc<Progress>>,
}

impl Stall {
    fn disarm(&mut self) {
        self.armed = false;
    }

    /// Completes when neither body has moved for the idle time; arms itself when it was not.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.idle)));
        if !self.armed {
            timer.as_mut().reset(Instant::now() + self.idle);
            self.armed = true;
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            let moved = self.progress.as_ref().map(|progress| Instant::from_std(progress.last()));
            match moved.map(|moved| moved + self.idle) {
                Some(later) if later > Instant::now() => timer.as_mut().reset(later),
                _ => return Poll::Ready(()),
            }
        }
    }
}

/// Why the body of a response broke off after its head had been passed on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyBodyError {
    /// The upstream's connection failed or closed in the middle.
    Upstream(hyper::Error),
    /// Nothing moved for longer than [`Timeouts::idle`](super::Timeouts::idle).
    Idle,
}

impl fmt::Display for ProxyBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upstream(_) => "the upstream broke off",
            Self::Idle => "the upstream stood idle for too long",
        })
    }
}

impl core::error::Error for ProxyBodyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Upstream(error) => Some(error),
            Self::Idle => None,
        }
    }
}
