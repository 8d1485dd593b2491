//! The two bodies that pass through: the client's on its way up, the upstream's on its way down.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::BoxError;
use super::edits::Edits;
use super::expect::{Held, Hold, Unwanted};
use super::fields;
use super::pool::Pool;
use super::progress::Progress;
use super::sender::Sender;
use super::sweep::Watched;

/// The client's body, as it is sent to the upstream; it notes its progress, and keeps back trailers that must not pass.
#[derive(Debug)]
pub struct RequestBody<B> {
    inner: Option<Pin<Box<B>>>,
    edits: Arc<Edits>,
    upload: Uploading,
    held: Option<Held>,
}

impl<B: Body> RequestBody<B> {
    pub(super) fn new(inner: B, edits: Arc<Edits>, progress: Option<Arc<Progress>>) -> Self {
        // In a box, since hyper wants a body that can be moved; most requests have none.
        let inner = if inner.is_end_stream() { None } else { Some(Box::pin(inner)) };
        Self { inner, edits, upload: Uploading(progress), held: None }
    }

    /// Makes the body of a request that has none.
    pub(super) fn empty(edits: Arc<Edits>) -> Self {
        Self { inner: None, edits, upload: Uploading(None), held: None }
    }

    /// Sends nothing of it before the upstream asks for it.
    pub(super) fn held(mut self, hold: Option<Hold>) -> Self {
        self.held = hold.map(Held::new);
        self
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for RequestBody<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.get_mut();
        if let Some(held) = &mut this.held {
            if let Err(unwanted) = ready!(held.poll(cx)) {
                return Poll::Ready(Some(Err(Box::new(unwanted))));
            }
            this.held = None;
        }
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        let frame = inner.as_mut().poll_frame(cx);
        if let Some(progress) = &this.upload.0 {
            match &frame {
                Poll::Ready(Some(Ok(frame))) => {
                    progress.took(frame.data_ref().map_or(0, Buf::remaining));
                    if inner.is_end_stream() {
                        progress.ended(); // such a body is not asked for more
                    }
                }
                Poll::Ready(_) => progress.ended(),
                Poll::Pending if progress.waits_for_client(cx.waker()) => {
                    return Poll::Ready(Some(Err(Box::new(Stalled))));
                }
                Poll::Pending => {}
            }
        }
        let clean = |trailers: &mut HeaderMap| fields::clean_trailers(trailers, &this.edits);
        frame.map(|frame| Some(frame?.map(|frame| with_trailers(frame, clean)).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// An upload that ends when its body is dropped, if not before.
#[derive(Debug)]
struct Uploading(Option<Arc<Progress>>);

impl Drop for Uploading {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.ended();
        }
    }
}

/// The client has stopped sending a body whose answer is over.
#[derive(Debug)]
struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client stopped sending")
    }
}

impl core::error::Error for Stalled {}

/// Cleans trailers: many programs join them with the fields of the head.
fn with_trailers<D>(frame: Frame<D>, clean: impl FnOnce(&mut HeaderMap)) -> Frame<D> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            clean(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(data) => data,
    }
}

/// The body of a response of [`Upstream`](super::Upstream): streamed from the upstream, or a short text of the proxy's own.
///
/// Dropping it before its end closes the connection to the upstream, which cancels what is under way there. So does a client
/// that takes nothing of it for [`Timeouts::idle`](super::Timeouts::idle), whether or not the body is polled.
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
    /// Streams what comes in over a leased connection.
    pub(super) fn streamed(incoming: Incoming, lease: Lease<B>, deadlines: Deadlines, edits: Arc<Edits>) -> Self {
        let open = Open { incoming, lease, has_ended: false };
        let slot = Slot { open: Some(open), is_with_client: false, fault: None, waker: None };
        Self { content: Content::Streamed(Streamed(Arc::new(Link { slot: Mutex::new(slot), deadlines, edits }))) }
    }

    pub(super) fn whole(text: Bytes) -> Self {
        let text = Some(text).filter(|text| !text.is_empty());
        Self { content: Content::Whole(text) }
    }

    /// What is to be looked at, whether or not somebody polls.
    pub(super) fn watched(&self) -> Option<Weak<dyn Watched>>
    where
        B: Send + 'static,
        RequestBody<B>: Body<Data: Send> + Send,
    {
        match &self.content {
            Content::Streamed(Streamed(link)) => Some(Arc::<Link<B>>::downgrade(link) as _),
            Content::Whole(_) => None,
        }
    }
}

impl<B> Body for ProxyBody<B> {
    type Data = Bytes;
    type Error = ProxyBodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ProxyBodyError>>> {
        match &mut self.get_mut().content {
            Content::Streamed(Streamed(link)) => link.poll_frame(cx),
            Content::Whole(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Streamed(Streamed(link)) => {
                link.lock().open.as_ref().is_some_and(|open| open.incoming.is_end_stream())
            }
            Content::Whole(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Streamed(Streamed(link)) => {
                link.lock().open.as_ref().map_or_else(SizeHint::default, |open| open.incoming.size_hint())
            }
            Content::Whole(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
        }
    }
}

/// A connection that goes back to its pool when the response on it has been read to its end.
pub(super) struct Lease<B> {
    pub(super) sender: Sender<RequestBody<B>>,
    pub(super) pool: Arc<Pool<RequestBody<B>>>,
    /// Where the request was not completed, so that the connection is of no further use.
    pub(super) unwanted: Option<Unwanted>,
}

/// When the body of a response is given up.
#[derive(Debug)]
pub(super) struct Deadlines {
    pub(super) progress: Arc<Progress>,
    /// When neither body has moved for so long.
    pub(super) idle: Duration,
    /// At this time, however much it moves.
    pub(super) end: Option<Instant>,
}

/// The holder of a body, whose end ends the exchange.
#[derive(Debug)]
struct Streamed<B>(Arc<Link<B>>);

/// A response on its way, which its holder reads and the sweeper looks at.
struct Link<B> {
    slot: Mutex<Slot<B>>,
    deadlines: Deadlines,
    edits: Arc<Edits>,
}

struct Slot<B> {
    open: Option<Open<B>>,
    /// Whether a frame was taken from here, and no other has been asked for since.
    is_with_client: bool,
    fault: Option<ProxyBodyError>,
    waker: Option<Waker>,
}

struct Open<B> {
    incoming: Incoming,
    lease: Lease<B>,
    has_ended: bool,
}

impl<B> Link<B> {
    fn lock(&self) -> MutexGuard<'_, Slot<B>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ProxyBodyError>>> {
        let mut slot = self.lock();
        let Some(open) = &mut slot.open else { return Poll::Ready(slot.fault.take().map(Err)) };
        let Poll::Ready(frame) = Pin::new(&mut open.incoming).poll_frame(cx) else {
            slot.is_with_client = false;
            if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                slot.waker = Some(cx.waker().clone());
            }
            return Poll::Pending;
        };
        open.has_ended |= frame.is_none();
        slot.is_with_client = true;
        self.deadlines.progress.moved();
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => Ok(with_trailers(frame, |trailers| fields::clean_answer_trailers(trailers, &self.edits))),
            Err(error) => Err(ProxyBodyError::Upstream(error)),
        }))
    }

    /// Ends the exchange, and returns the connection to its pool if the response was read to its end.
    fn close(&self, fault: Option<ProxyBodyError>) {
        let (open, waker) = {
            let mut slot = self.lock();
            slot.fault = fault;
            (slot.open.take(), slot.waker.take().filter(|_| slot.fault.is_some()))
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        self.deadlines.progress.leave_alone();
        let Some(Open { incoming, lease, has_ended }) = open else { return };
        // A body of known length is dropped without being asked for the frame after its last.
        if (has_ended || incoming.is_end_stream()) && lease.unwanted.is_none() {
            lease.pool.put(lease.sender);
        } else {
            drop(incoming);
            lease.pool.leave(lease.sender);
        }
    }
}

impl<B> Watched for Link<B>
where
    B: Send,
    RequestBody<B>: Body<Data: Send> + Send,
{
    fn look(&self, now: Instant) -> bool {
        let Deadlines { progress, idle, end } = &self.deadlines;
        let fault = {
            let slot = self.lock();
            match &slot.open {
                None => return false,
                _ if end.is_some_and(|end| end <= now) => ProxyBodyError::Expired,
                _ if now.saturating_duration_since(progress.last()) < *idle => return true,
                _ if slot.is_with_client => ProxyBodyError::Unread,
                Some(_) => ProxyBodyError::Idle,
            }
        };
        tracing::debug!(%fault, "a response was broken off");
        self.close(Some(fault));
        false
    }
}

impl<B> fmt::Debug for Link<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("deadlines", &self.deadlines).finish_non_exhaustive()
    }
}

impl<B> Drop for Streamed<B> {
    fn drop(&mut self) {
        self.0.close(None);
    }
}

/// Why the body of a response broke off after its head had been passed on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyBodyError {
    /// The upstream's connection failed or closed in the middle.
    Upstream(hyper::Error),
    /// The upstream sent nothing for longer than [`Timeouts::idle`](super::Timeouts::idle), and the client neither.
    Idle,
    /// The client took nothing for longer than [`Timeouts::idle`](super::Timeouts::idle).
    Unread,
    /// The token has ended, and the time that an answer may go on afterwards
    /// ([`Timeouts::after_grant`](super::Timeouts::after_grant)).
    Expired,
}

impl fmt::Display for ProxyBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upstream(_) => "the upstream closed the connection",
            Self::Idle => "nothing moved for longer than `timeouts.idle` allows",
            Self::Unread => "the client took nothing for longer than `timeouts.idle` allows",
            Self::Expired => "the token has ended",
        })
    }
}

impl core::error::Error for ProxyBodyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Upstream(error) => Some(error),
            Self::Idle | Self::Unread | Self::Expired => None,
        }
    }
}
