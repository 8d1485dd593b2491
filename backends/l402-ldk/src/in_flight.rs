//! How many payments are on their way, and which.

use l402_core::PaymentHash;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts payments until their outcome is known, however long a caller waits for it: a channel carries only so many at once.
pub(super) struct InFlight {
    places: Arc<Semaphore>,
    taken: Mutex<HashMap<PaymentHash, OwnedSemaphorePermit>>,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(MAX_IN_FLIGHT)), taken: Mutex::default() }
    }

    /// Waits for a place; `None` when there will never be one again.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.ok()
    }

    /// Keeps a place for a payment, before it is sent: its outcome may come at once.
    pub(super) fn begin(&self, hash: PaymentHash, place: OwnedSemaphorePermit) {
        self.lock().entry(hash).or_insert(place);
    }

    /// Frees the place.
    pub(super) fn end(&self, hash: &PaymentHash) {
        self.lock().remove(hash);
    }

    pub(super) fn contains(&self, hash: &PaymentHash) -> bool {
        self.lock().contains_key(hash)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PaymentHash, OwnedSemaphorePermit>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More on one channel fail: 24 passed, 32 did not.
const MAX_IN_FLIGHT: usize = 24;
