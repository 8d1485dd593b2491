//! Waiting for what the node will report about a payment hash.

use core::time::Duration;
use l402_core::PaymentHash;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::timeout;

/// Who waits for which hash. Nothing is kept for a hash that is not waited for.
pub(super) struct Waiters<T>(Mutex<HashMap<PaymentHash, watch::Sender<Option<T>>>>);

impl<T: Clone> Waiters<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Begins to wait. What was announced before is not seen: look it up *after* this.
    pub(super) fn join(&self, hash: PaymentHash) -> Waiter<'_, T> {
        let receiver = self.lock().entry(hash).or_insert_with(|| watch::Sender::new(None)).subscribe();
        Waiter { waiters: self, hash, receiver }
    }

    /// Tells everybody who waits for a hash.
    pub(super) fn announce(&self, hash: &PaymentHash, news: T) {
        if let Some(sender) = self.lock().remove(hash) {
            sender.send_replace(Some(news));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PaymentHash, watch::Sender<Option<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits.
pub(super) struct Waiter<'a, T: Clone> {
    waiters: &'a Waiters<T>,
    hash: PaymentHash,
    receiver: watch::Receiver<Option<T>>,
}

impl<T: Clone> Waiter<'_, T> {
    /// Returns the news; `None` when the time is over.
    pub(super) async fn wait(mut self, at_most: Duration) -> Option<T> {
        let news = timeout(at_most, self.receiver.wait_for(Option::is_some)).await;
        news.ok()?.ok()?.clone()
    }
}

impl<T: Clone> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        let mut waiting = self.waiters.lock();
        // Others may wait with us, or anew since the announcement.
        let last =
            |sender: &watch::Sender<_>| sender.receiver_count() == 1 && sender.subscribe().same_channel(&self.receiver);
        if waiting.get(&self.hash).is_some_and(last) {
            waiting.remove(&self.hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);

    #[tokio::test]
    async fn all_waiters_are_woken() {
        let waiters = Waiters::new();
        let (first, second) = (waiters.join(HASH), waiters.join(HASH));
        waiters.announce(&HASH, 21);
        assert_eq!(first.wait(Duration::ZERO).await, Some(21));
        assert_eq!(second.wait(Duration::ZERO).await, Some(21));
    }

    #[tokio::test]
    async fn nothing_stays_behind() {
        let waiters = Waiters::<u8>::new();
        let (first, second) = (waiters.join(HASH), waiters.join(HASH));
        assert_eq!(first.wait(Duration::from_millis(1)).await, None);
        assert_eq!(waiters.lock().len(), 1, "the second still waits");
        drop(second);
        waiters.announce(&HASH, 1);
        assert!(waiters.lock().is_empty());
    }

    #[tokio::test]
    async fn one_who_was_told_does_not_take_the_place_of_one_who_waits() {
        let waiters = Waiters::new();
        let told = waiters.join(HASH);
        waiters.announce(&HASH, 1);
        let waiting = waiters.join(HASH);
        drop(told);
        waiters.announce(&HASH, 2);
        assert_eq!(waiting.wait(Duration::ZERO).await, Some(2));
    }
}
