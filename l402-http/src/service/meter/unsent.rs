//! What was passed on and is not sent yet.
//!
//! Whoever sends a body holds its pieces until they are written to the socket, and forgets those that are left when the body breaks
//! off: hyper does over HTTP/1.1, and h2 when it resets the stream. So the pieces are counted, and an error waits for the last. Nobody
//! says when the head is sent; where no piece follows it, the error waits for a moment, in which the server writes what it has.

use bytes::Bytes;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::{Sleep, sleep};

/// The pieces of a body that somebody still holds.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pieces: Arc<Pieces>,
    patience: Option<Patience>,
    has_passed: bool,
}

#[derive(Debug, Default)]
struct Pieces {
    count: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

/// How long to wait, while so many pieces are left.
#[derive(Debug)]
struct Patience {
    count: usize,
    end: Pin<Box<Sleep>>,
}

impl Unsent {
    /// Counts a piece until nobody holds it any more.
    pub(super) fn count(&mut self, bytes: Bytes) -> Bytes {
        self.has_passed = true;
        self.pieces.count.fetch_add(1, Ordering::AcqRel);
        Bytes::from_owner(Piece { bytes, pieces: Arc::clone(&self.pieces) })
    }

    /// Waits until nobody holds a piece any more, or nobody lets go of one for [`PATIENCE`]. The head alone gets [`MOMENT`].
    pub(super) fn sent(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.pieces.wake(Some(context.waker().clone()));
        let count = self.pieces.count.load(Ordering::Acquire);
        if count == 0 && self.has_passed {
            return Poll::Ready(());
        }
        let patience = match &mut self.patience {
            Some(patience) if patience.count == count => patience,
            patience => {
                let time = if self.has_passed { PATIENCE } else { MOMENT };
                patience.insert(Patience { count, end: Box::pin(sleep(time)) })
            }
        };
        patience.end.as_mut().poll(context)
    }
}

impl Pieces {
    /// Says who is to be woken from now on, and returns who was before.
    fn wake(&self, next: Option<Waker>) -> Option<Waker> {
        core::mem::replace(&mut *self.waker.lock().unwrap_or_else(PoisonError::into_inner), next)
    }
}

struct Piece {
    bytes: Bytes,
    pieces: Arc<Pieces>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.pieces.count.fetch_sub(1, Ordering::AcqRel);
        if let Some(waker) = self.pieces.wake(None) {
            waker.wake();
        }
    }
}

/// The most bytes of a piece.
pub(super) const PIECE: usize = 16 * 1024;

/// How long a client may take for one piece when no more come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a head is waited for that no piece follows.
const MOMENT: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use core::future::poll_fn;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn s6_an_error_waits_for_the_last_piece_while_pieces_go() {
        let (mut unsent, begun) = (Unsent::default(), Instant::now());
        let mut pieces: Vec<_> = (0..3).map(|_| unsent.count(Bytes::from_static(b"paid"))).collect();
        let rest = pieces[2].split_off(2);
        tokio::spawn(async move {
            for piece in pieces {
                sleep(PATIENCE / 2).await;
                drop(piece);
            }
            sleep(PATIENCE / 4).await;
            drop(rest);
        });
        poll_fn(|context| unsent.sent(context)).await;
        assert_eq!(begun.elapsed(), PATIENCE * 7 / 4);
    }

    #[tokio::test(start_paused = true)]
    async fn p6_nobody_is_waited_for_who_takes_nothing() {
        let (mut unsent, begun) = (Unsent::default(), Instant::now());
        let _held = unsent.count(Bytes::from_static(b"paid"));
        poll_fn(|context| unsent.sent(context)).await;
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn s6_a_head_that_no_piece_follows_has_a_moment_to_be_sent() {
        let (mut unsent, begun) = (Unsent::default(), Instant::now());
        poll_fn(|context| unsent.sent(context)).await;
        assert_eq!(begun.elapsed(), MOMENT);
        drop(unsent.count(Bytes::from_static(b"paid")));
        poll_fn(|context| unsent.sent(context)).await;
        assert_eq!(begun.elapsed(), MOMENT, "it was sent with the piece");
    }
}
