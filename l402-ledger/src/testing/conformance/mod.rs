//! One suite for every store: what [`LedgerStore`] promises, seen from outside.
//!
//! 1. A case takes payments and attempts of its own, so that a store that is full of others passes too.
//! 2. Cases move the store's clock, so they run one after another.
//! 3. They panic where a promise is broken, and say what was asked.
//!
//! ```
//! use l402_ledger::Ledger;
//! use l402_ledger::testing::{FakeStore, conformance::{self, Harness}};
//! use std::time::Duration;
//!
//! struct Fake(FakeStore); // a real store's harness starts a server, and ends it when dropped
//!
//! impl Harness for Fake {
//!     fn store(&self) -> Ledger {
//!         Ledger::new(self.0.clone())
//!     }
//!
//!     async fn pass(&self, time: Duration) {
//!         self.0.pass(time);
//!     }
//!
//!     async fn turn_back(&self, time: Duration) {
//!         self.0.turn_back(time);
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(
//! conformance::all(&Fake(FakeStore::new()))
//! # );
//! # Ok::<(), std::io::Error>(())
//! ```

mod branches;
mod differential;
mod doubts;
mod draws;
mod ends;
mod leases;
mod rates;
mod replay;
mod revocations;
mod same_request;
mod settlements;
mod tries;
mod winners;

#[cfg(all(test, feature = "embedded"))]
pub(crate) use differential::event;
pub use differential::like_the_account;

use super::reserve;
use crate::{Ledger, LedgerStore, PaymentUses};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{
    AttemptId, Counted, Event, Fingerprint, IdempotencyKey, Refused, Reply, Reserve, Safety, Tally,
};

/// A store under test, and its clock.
pub trait Harness: Sync {
    /// Returns the store. Where several programs may share it, another one's connection each time.
    fn store(&self) -> Ledger;

    /// Moves the store's clock on.
    fn pass(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Moves the store's clock back, as an administrator does by mistake.
    fn turn_back(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// Runs every case, one after another.
///
/// # Panics
/// When a promise is broken.
pub async fn all(harness: &impl Harness) {
    winners::all(harness).await;
    branches::all(harness).await;
    replay::all(harness).await;
    leases::all(harness).await;
    doubts::all(harness).await;
    same_request::all(harness).await;
    tries::all(harness).await;
    draws::all(harness).await;
    ends::all(harness).await;
    revocations::all(harness).await;
    settlements::all(harness).await;
    rates::all(harness).await;
    like_the_account(harness, 48).await;
}

/// One payment of a case.
struct Case<'h, H> {
    harness: &'h H,
    payment: PaymentHash,
}

impl<'h, H: Harness> Case<'h, H> {
    /// Takes a payment that no other case uses.
    fn new(harness: &'h H) -> Self {
        Self { harness, payment: payment() }
    }

    async fn ask(&self, attempt: AttemptId, event: Event) -> Reply {
        let reply = self.harness.store().apply(&self.payment, attempt, event).await;
        reply.unwrap_or_else(|error| panic!("{event:?}: {error}"))
    }

    /// Asks for a use, for an attempt of its own.
    async fn reserve(&self, reserve: Reserve) -> (AttemptId, Reply) {
        let attempt = attempt();
        (attempt, self.ask(attempt, Event::Reserve(reserve)).await)
    }

    /// Asks for a use, and gets it.
    async fn granted(&self, reserve: Reserve) -> AttemptId {
        let (attempt, reply) = self.reserve(reserve).await;
        assert!(matches!(reply, Reply::Reserved { .. }), "{reserve:?}: {reply:?}");
        attempt
    }

    /// Asks for a use, and is told why there is none.
    async fn refused(&self, reserve: Reserve) -> Refused {
        match self.reserve(reserve).await.1 {
            Reply::Refused(refused) => refused,
            reply => panic!("{reserve:?}: {reply:?}"),
        }
    }

    async fn commit(&self, attempt: AttemptId) -> Reply {
        self.ask(attempt, Event::Commit { amount: 1 }).await
    }

    async fn release(&self, attempt: AttemptId, counted: Counted) -> Reply {
        self.ask(attempt, Event::Release(counted)).await
    }

    /// Brings one attempt into doubt.
    async fn doubtful(&self, reserve: Reserve) -> AttemptId {
        let attempt = self.granted(reserve).await;
        assert_eq!(self.ask(attempt, Event::Doubt).await, Reply::InDoubt);
        attempt
    }

    async fn uses(&self) -> Option<PaymentUses> {
        self.harness.store().uses(&self.payment).await.expect("an answer")
    }

    /// Returns one counter; an untouched one where there is none.
    async fn tally(&self, reserve: &Reserve) -> Tally {
        let counter = reserve.counters.iter().last().expect("a counter");
        let of = |uses: PaymentUses| uses.tallies.into_iter().find(|(key, _)| *key == counter.key);
        self.uses().await.and_then(of).map_or(Tally::new(counter.limit), |(_, tally)| tally)
    }

    /// Tells whether the store lists the attempt as doubtful.
    async fn is_listed(&self, attempt: AttemptId) -> bool {
        let listed = self.harness.store().doubtful(usize::MAX).await.expect("an answer");
        listed.iter().any(|doubtful| doubtful.payment == self.payment && doubtful.attempt == attempt)
    }
}

/// The same for a request that may have an effect.
fn unsafely(reserve: Reserve) -> Reserve {
    Reserve { safety: Safety::Unsafe, ..reserve }
}

/// A request for the page of that number.
fn page(number: u8, reserve: Reserve) -> Reserve {
    Reserve { fingerprint: Some(Fingerprint::from_bytes([number; 32])), ..reserve }
}

/// The same with a client's key.
fn keyed(number: u8, reserve: Reserve) -> Reserve {
    Reserve { key: Some(IdempotencyKey::from_bytes([number; 32])), ..reserve }
}

const RELEASED: Reply = Reply::Released { cost_a_use: false, remaining: 1 };
const SPENT: Reply = Reply::Committed { remaining: 0, is_spent: true };

/// A payment hash that no other case uses: spread, as hashes are.
fn payment() -> PaymentHash {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&unique());
    bytes[16..].copy_from_slice(&unique());
    PaymentHash::from_bytes(bytes)
}

/// An attempt that no other case makes.
fn attempt() -> AttemptId {
    AttemptId::from_bytes(unique())
}

/// Bytes that differ in one run, and from those of other runs on the same store.
fn unique() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0; 16];
    let spread = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_micros());
    bytes[..8].copy_from_slice(&spread.to_be_bytes());
    bytes[8..].copy_from_slice(
        &(u64::try_from(time).unwrap_or_default() ^ u64::from(std::process::id()) << 52).to_be_bytes(),
    );
    bytes
}
