//! For tests only: a store in memory that forgets, and the suite that every store passes.

pub mod conformance;
mod fake;

pub use fake::FakeStore;

use l402_core::ledger::{DoubtRule, Idempotence, Reserve, Safety};
use l402_core::{Counter, CounterKey, Counters, UnixSeconds};

/// Asks for one use of a sale of so many, for a request that only reads, with a token that ends in 2100.
///
/// # Panics
/// Never: there is room for one counter.
pub fn reserve(limit: u64) -> Reserve {
    let mut counters = Counters::default();
    counters.add(Counter { key: CounterKey::SALE, limit }).expect("there is room for one");
    Reserve {
        counters,
        amount: 1,
        ends_at: UnixSeconds::new(4_102_444_800),
        safety: Safety::Safe,
        idempotence: Idempotence::Once,
        fingerprint: None,
        key: None,
        doubt: DoubtRule::Hold,
    }
}
