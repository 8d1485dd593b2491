//! The two bodies of an exchange, as the connection of the client meets them: they note what the client does (P6).

use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use std::sync::Arc;

use super::activity::{Activity, Exchange};

/// What the client sends.
#[derive(Debug)]
pub(super) struct Upload {
    inner: Incoming,
    activity: Arc<Activity>,
}

impl Upload {
    pub(super) fn new(inner: Incoming, activity: Arc<Activity>) -> Self {
        activity.unread(!inner.is_end_stream());
        Self { inner, activity }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if frame.is_none() || self.inner.is_end_stream() {
            self.activity.unread(false);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
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
