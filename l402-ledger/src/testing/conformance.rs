//! One suite for every store: what [`LedgerStore`] promises, seen from outside.
//!
//! Cases take payment hashes of their own and may run at the same time on one store. They panic where a promise is broken.

use super::reserve;
use crate::store::LedgerStore;
use core::sync::atomic::{AtomicU64, Ordering};
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Refused, Reply};

/// Runs every case, one after another.
///
/// # Panics
/// When a promise is broken.
pub async fn all(store: &impl LedgerStore) {
    s3_one_use_goes_to_one_attempt(store).await;
}

/// Of two attempts at one use, one is granted; once it has committed, the other is told that the token is spent.
///
/// # Panics
/// When a promise is broken.
pub async fn s3_one_use_goes_to_one_attempt(store: &impl LedgerStore) {
    let (payment, once) = (payment(), Event::Reserve(reserve(1)));
    let [first, second] = [attempt(), attempt()];
    let reserved = store.apply(&payment, first, once).await.expect("an answer");
    assert_eq!(reserved, Reply::Reserved { number: 0, remaining: 0 });
    assert_eq!(store.apply(&payment, second, once).await.expect("an answer"), Reply::Refused(Refused::Busy));
    let committed = store.apply(&payment, first, Event::Commit { amount: 1 }).await.expect("an answer");
    assert_eq!(committed, Reply::Committed { remaining: 0, is_spent: true });
    assert_eq!(store.apply(&payment, second, once).await.expect("an answer"), Reply::Refused(Refused::Spent));
}

/// A payment hash that no other case uses.
fn payment() -> PaymentHash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&next().to_be_bytes());
    bytes[8..16].copy_from_slice(&std::process::id().to_be_bytes().repeat(2));
    PaymentHash::from_bytes(bytes)
}

/// An attempt that no other case makes.
fn attempt() -> AttemptId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&next().to_be_bytes());
    bytes[8..].copy_from_slice(&std::process::id().to_be_bytes().repeat(2));
    AttemptId::from_bytes(bytes)
}

fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
