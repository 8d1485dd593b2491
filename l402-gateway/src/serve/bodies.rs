//! The two bodies of an exchange, as the connection of the client meets them: they note what the client does (P6).
//!
//! What a client still sends when it is not read any more, such as a large upload that was answered by a 402, is read and
//! forgotten over HTTP/2 as [`Socket`](super::socket::Socket) does it over HTTP/1.1. Without that the stream is reset at once.
//! RFC 9113 §8.1 allows it, but some clients take the answer that came before for lost.

use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use l402_http::service::BodyDigest;
use pin_project_lite::pin_project;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::activity::{Activity, Exchange};
use super::reread::Reread;
use super::socket::{LINGER, LINGER_BYTES};

/// What the client sends.
#[derive(Debug)]
pub(super) struct Upload {
    /// There until it is dropped.
    inner: Option<Source>,
    activity: Arc<Activity>,
    is_shared: bool,
}

#[derive(Debug)]
enum Source {
    Direct(Incoming),
    /// Some of it may have been read before.
    Reread(Reread),
}

impl Upload {
    /// `is_shared` says that the body comes over HTTP/2.
    pub(super) fn new(inner: Incoming, activity: Arc<Activity>, is_shared: bool) -> Self {
        activity.unread(!inner.is_end_stream());
        Self { inner: Some(Source::Direct(inner)), activity, is_shared }
    }

    /// Lets the body be hashed before it goes to the upstream, if that does not take longer than this.
    pub(super) fn hashable(mut self, within: Duration) -> (Self, Option<BodyDigest>) {
        let Some(Source::Direct(inner)) = self.inner.take() else { return (self, None) };
        let body = Reread::new(inner);
        let digest = body.digest(Arc::clone(&self.activity), within);
        self.inner = Some(Source::Reread(body));
        (self, Some(digest))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let frame = ready!(match inner {
            Source::Direct(inner) => Pin::new(inner).poll_frame(context),
            Source::Reread(body) => body.poll_frame(context),
        });
        if frame.is_none() || self.is_end_stream() {
            self.activity.unread(false);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| match inner {
            Source::Direct(inner) => inner.is_end_stream(),
            Source::Reread(body) => body.is_end_stream(),
        })
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            None => SizeHint::with_exact(0),
            Some(Source::Direct(inner)) => inner.size_hint(),
            Some(Source::Reread(body)) => body.size_hint(),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let rest = self.inner.take().and_then(|inner| match inner {
            Source::Direct(inner) => Some(inner),
            Source::Reread(body) => body.take_rest(),
        });
        let rest = rest.filter(|rest| self.is_shared && !rest.is_end_stream());
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(timeout(LINGER, forget(rest)));
        }
    }
}

/// Reads what still comes, until the client ends or resets the stream, or has sent too much.
async fn forget(mut rest: Incoming) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(frame)) = rest.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

pin_project! {
    /// What the client is sent, in pieces of which it must take one in each idle time.
    pub(super) struct Download<B> {
        #[pin]
        inner: B,
        rest: Bytes,
        exchange: Arc<Exchange>,
    }
}

impl<B> Download<B> {
    pub(super) const fn new(inner: B, exchange: Arc<Exchange>) -> Self {
        Self { inner, rest: Bytes::new(), exchange }
    }
}

impl<B: Body<Data = Bytes>> Body for Download<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        this.exchange.is_taken();
        let mut data = if this.rest.is_empty() {
            match ready!(this.inner.poll_frame(context)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => data,
                other => {
                    this.exchange.is_given();
                    let other = other.map(|frame| frame.map(|other| other.map_or_else(|other| other, Frame::data)));
                    return Poll::Ready(other);
                }
            }
        } else {
            core::mem::take(this.rest)
        };
        if data.len() > PIECE {
            *this.rest = data.split_off(PIECE);
        }
        this.exchange.is_given();
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

/// The most bytes of a piece.
const PIECE: usize = 16 * 1024;
