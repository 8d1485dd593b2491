//! What the file survives.

mod damage;
pub(super) mod disk;
mod disk_full;
mod power_loss;
mod script;
mod start;

use super::{Clock, Embedded, StoreTime};
use crate::LedgerStore;
use core::sync::atomic::{AtomicU64, Ordering};
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Reply};
use std::sync::Arc;

/// A clock that a test moves.
#[derive(Debug, Clone)]
struct Moved(Arc<AtomicU64>);

impl Moved {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_000)))
    }

    fn pass(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let time = Arc::clone(&self.0);
        Clock(Arc::new(move || StoreTime::from_millis(time.load(Ordering::SeqCst))))
    }
}

fn payment(number: u8) -> PaymentHash {
    PaymentHash::from_bytes([number; 32])
}

fn attempt(number: u8) -> AttemptId {
    AttemptId::from_bytes([number; 16])
}

async fn ask(store: &Embedded, payment: PaymentHash, attempt: AttemptId, event: Event) -> Reply {
    store.apply(&payment, attempt, event).await.expect("an answer")
}
