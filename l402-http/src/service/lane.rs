//! Turns for unpaid work (P10): a flood of unpaid requests must not hold up those that were paid for.
//!
//! 1. Between two challenges everything else that is ready has its turn: an invoice may cost as much as a hundred paid
//!    requests, and on a runtime of one thread those that make one after the other would hold up all others.
//! 2. Only so many wait; who comes then is told to come again, which costs next to nothing.
//! 3. A node that is asked over the network is asked for many invoices at once: a turn ends as soon as there is something to
//!    wait for.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// The turns of one paywall, whose clones share them.
#[derive(Debug)]
pub(super) struct Lane {
    places: Semaphore,
    turn: Semaphore,
}

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Lane {
    /// Lets so many wait, or be under way.
    pub(super) const fn new(places: usize) -> Self {
        Self { places: Semaphore::const_new(places), turn: Semaphore::const_new(1) }
    }

    /// Does the work when its turn has come.
    pub(super) async fn take<F: Future>(&self, work: F) -> Result<F::Output, Full> {
        let _place = self.places.try_acquire().map_err(|_| Full)?;
        let turn = self.turn.acquire().await.map_err(|_| Full)?; // it is never closed
        let mut work = pin!(work);
        let begun = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        // The next in line is let in only after all others have had their turn.
        yield_now().await;
        drop(turn);
        match begun {
            Poll::Ready(done) => Ok(done),
            Poll::Pending => Ok(work.await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn p10_others_go_between_two_challenges() {
        let (lane, made) = (Arc::new(Lane::new(1000)), Arc::new(AtomicUsize::new(0)));
        let unpaid: Vec<_> = (0..200)
            .map(|_| {
                let (lane, made) = (Arc::clone(&lane), Arc::clone(&made));
                tokio::spawn(async move { lane.take(async { made.fetch_add(1, Ordering::Relaxed) }).await })
            })
            .collect();
        let at = Arc::clone(&made);
        let paid = tokio::spawn(async move { at.load(Ordering::Relaxed) });
        let before = paid.await.unwrap();
        assert!(before <= 2, "{before} challenges went before what came after them all");
        for done in unpaid {
            assert!(done.await.unwrap().is_ok());
        }
        assert_eq!(made.load(Ordering::Relaxed), 200, "all had their turn in the end");
    }

    #[tokio::test]
    async fn p10_only_so_many_wait() {
        let (lane, node) = (Arc::new(Lane::new(3)), Arc::new(Notify::new()));
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let (lane, node) = (Arc::clone(&lane), Arc::clone(&node));
                tokio::spawn(async move { lane.take(node.notified()).await })
            })
            .collect();
        // All three ask the node at once: none keeps its turn while it waits for an answer.
        while lane.places.available_permits() > 0 || lane.turn.available_permits() == 0 {
            yield_now().await;
        }
        assert_eq!(lane.take(async {}).await, Err(Full));
        for _ in 0..3 {
            node.notify_one();
            yield_now().await;
        }
        for done in waiting {
            assert_eq!(done.await.unwrap(), Ok(()));
        }
        assert_eq!(lane.take(async {}).await, Ok(()));
    }
}
