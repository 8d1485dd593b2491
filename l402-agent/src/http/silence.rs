//! How long a server may be silent: a request ends when nothing has moved for a time, however long all of it takes.
//!
//! 1. Something moves when a piece of the request's body is taken, and when the head of the response comes.
//! 2. A body is taken in pieces of at most [`PIECE`](super::payload::PIECE) bytes, so that a slow network is no silence.

use bytes::Bytes;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use http_body::{Body, Frame, SizeHint};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::{Instant, timeout_at};

/// When something moved for the last time. Clones share it.
#[derive(Debug, Clone)]
pub struct LastMove(Arc<Mutex<Instant>>);

impl LastMove {
    /// Begins now.
    pub fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Waits for `work`, until nothing has moved for `timeout`; [`None`] then.
    pub async fn bounds<T>(&self, timeout: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let seen = self.get();
            match timeout_at(seen + timeout, &mut work).await {
                Ok(result) => return Some(result),
                Err(_) if self.get() > seen => {}
                Err(_) => return None,
            }
        }
    }

    fn get(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// A body that notes each piece that is taken of it.
#[derive(Debug)]
pub struct Watched<B> {
    body: B,
    last_move: LastMove,
}

impl<B> Watched<B> {
    /// Watches a body.
    pub const fn new(body: B, last_move: LastMove) -> Self {
        Self { body, last_move }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.last_move.note();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};
    use tokio::time::sleep;

    const TICK: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn only_silence_ends_what_takes_long() {
        let last_move = LastMove::now();
        let moving = async {
            for _ in 0..10 {
                sleep(TICK).await;
                let piece = Watched::new(Full::new(Bytes::from_static(b"x")), last_move.clone());
                piece.collect().await.unwrap();
            }
        };
        assert!(last_move.bounds(TICK * 4, moving).await.is_some());
        assert!(last_move.bounds(TICK * 4, sleep(TICK * 8)).await.is_none());
        assert!(LastMove::now().bounds(TICK * 4, core::future::pending::<()>()).await.is_none());
    }
}
