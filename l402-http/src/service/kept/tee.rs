//! A body that is collected while the client gets it, and read to its end when the client has gone.
//!
//! 1. The client is never slowed down: what becomes too long is collected no more, and no frame waits.
//! 2. Without the client the rest is read in a bounded set of tasks, for a minute at most. What becomes too long is dropped.
//! 3. A body that breaks off, or that has trailers, is not kept.

use super::keep::Keep;
use crate::response::{ReadAlong, begun};
use bytes::Bytes;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use http_body::{Body, Frame, SizeHint};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// The body.
pub(in crate::service) struct Tee<B: Body<Data = Bytes> + Send + Unpin + 'static>(Option<Reading<B>>);

struct Reading<B> {
    first: Option<Frame<Bytes>>,
    body: B,
    /// There until the body has ended, or cannot be kept.
    keep: Option<Box<Keep>>,
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Tee<B> {
    /// Collects a body, whose first frame may have been taken out.
    pub(in crate::service) fn new(first: Option<Frame<Bytes>>, body: B, keep: Box<Keep>) -> Self {
        Self(Some(Reading { first, body, keep: Some(keep) }))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Reading<B> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => ready!(Pin::new(&mut self.body).poll_frame(context)),
        };
        let Some(mut keep) = self.keep.take() else { return Poll::Ready(frame) };
        let is_collected = match &frame {
            None => {
                keep.end();
                return Poll::Ready(None);
            }
            Some(Ok(frame)) => frame.data_ref().is_some_and(|data| keep.add(data).is_some()),
            Some(Err(_)) => false,
        };
        match is_collected {
            true if self.body.is_end_stream() => keep.end(),
            true => self.keep = Some(keep),
            false => {}
        }
        Poll::Ready(frame)
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> ReadAlong<B> for Tee<B> {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |reading| reading.poll(context))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|reading| reading.first.is_none() && reading.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(SizeHint::default, |reading| begun(reading.first.as_ref(), &reading.body))
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Drop for Tee<B> {
    fn drop(&mut self) {
        let Some(mut reading) = self.0.take() else { return };
        let Some(keep) = &reading.keep else { return };
        let alone = Arc::clone(&keep.shelf.alone);
        if std::thread::panicking() {
            return;
        }
        let (Ok(runtime), Ok(place)) = (Handle::try_current(), alone.try_acquire_owned()) else { return };
        runtime.spawn(async move {
            let whole = async {
                while reading.keep.is_some()
                    && poll_fn(|context| reading.poll(context)).await.is_some_and(|frame| frame.is_ok())
                {
                }
            };
            drop(timeout(READ_ON, whole).await);
            drop((reading, place));
        });
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> fmt::Debug for Tee<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tee").field(&self.0.as_ref().map(|reading| &reading.keep)).finish()
    }
}

/// For how long a body is read on.
const READ_ON: Duration = Duration::from_mins(1);
