//! One purchase at a time for each purpose, so that requests at the same time do not buy the same thing.
//!
//! In this process a mutex sees to it, between processes the store ([`Turns::enter`](super::Turns::enter)). Waiting has a deadline.

use super::{Origin, Turn};
use http::{Method, Uri};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::OwnedMutexGuard;

/// What a token is bought for: requests of one method to one path of one origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Purpose {
    pub(super) origin: Origin,
    pub(super) method: Method,
    pub(super) path: String,
}

impl Purpose {
    pub(super) fn new(origin: Origin, method: &Method, uri: &Uri) -> Self {
        Self { origin, method: method.clone(), path: uri.path().to_owned() }
    }
}

/// The purchases that are under way.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Purpose, Weak<tokio::sync::Mutex<()>>>>);

/// Holds the right to buy for one purpose until it is dropped.
#[derive(Debug)]
pub(super) struct Flight {
    /// Given back first: the next request of this process that waits asks the store.
    _turn: Turn,
    _guard: OwnedMutexGuard<()>,
}

impl Flight {
    /// Joins the turn in the store with that in this process.
    pub(super) const fn new(turn: Turn, guard: OwnedMutexGuard<()>) -> Self {
        Self { _turn: turn, _guard: guard }
    }
}

impl Flights {
    /// Waits until no other request buys for this purpose.
    pub(super) async fn enter(&self, purpose: &Purpose) -> OwnedMutexGuard<()> {
        self.slot(purpose).lock_owned().await
    }

    /// Tells whether somebody buys for this purpose.
    pub(super) fn is_busy(&self, purpose: &Purpose) -> bool {
        let flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = flights.get(purpose).and_then(Weak::upgrade);
        slot.is_some_and(|slot| slot.try_lock().is_err())
    }

    fn slot(&self, purpose: &Purpose) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = flights.get(purpose).and_then(Weak::upgrade) {
            return slot;
        }
        flights.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::default();
        flights.insert(purpose.clone(), Arc::downgrade(&slot));
        slot
    }
}
