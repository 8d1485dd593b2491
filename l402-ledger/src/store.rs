//! What every store does.

use crate::error::StoreError;
use crate::rates::SharedRates;
use crate::revoke::{Revocation, Revocations};
use crate::settlements::SharedSettlements;
use l402_core::ledger::{AttemptId, Event, Now, Reply, Tally};
use l402_core::{CounterKey, PaymentHash, UnixSeconds};
use std::sync::Arc;

/// A store of uses. `testing::conformance` is the suite that each one passes.
///
/// 1. [`apply`](Self::apply) is one atomic step: [`l402_core::ledger::step`], or the same in another language. What it has replied
///    to is durable, except the reservation of a request that only reads: after a crash of an embedded store its use is available.
/// 2. It is idempotent by the attempt id. After an error it may or may not have happened.
/// 3. Only the store's clock counts.
/// 4. A record is deleted [`SKEW`](l402_core::ledger::SKEW) after its token has ended, and then every token with that end or an
///    earlier one is refused.
/// 5. [`uses`](Self::uses) and [`doubtful`](Self::doubtful) say how things stand by now: a lease that has ended is no lease, even if
///    nobody has asked for that payment since.
/// 6. A [revocation](Self::revoke) that was replied to is durable, and in every list that is read afterwards, until its time is over.
pub trait LedgerStore: Send + Sync {
    /// Carries out what an attempt asks of a payment's record.
    ///
    /// # Errors
    /// [`StoreError`]; the event may or may not have happened.
    fn apply(
        &self,
        payment: &PaymentHash,
        attempt: AttemptId,
        event: Event,
    ) -> impl Future<Output = Result<Reply, StoreError>> + Send;

    /// Returns the store's clock and its horizon, which is never below that of an event that was carried out before.
    ///
    /// While the clock is right, the horizon is [`SKEW`](l402_core::ledger::SKEW) behind it, or more. After a clock that was ahead it is
    /// in the future. A token that is sold then with an end up to the horizon is refused from the start.
    ///
    /// # Errors
    /// [`StoreError`].
    fn now(&self) -> impl Future<Output = Result<Now, StoreError>> + Send;

    /// Returns what is known of a payment; [`None`] where nothing of it was ever taken, or its record was deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    fn uses(&self, payment: &PaymentHash) -> impl Future<Output = Result<Option<PaymentUses>, StoreError>> + Send;

    /// Returns uses in doubt, at most `most`, in an order of the store's own.
    ///
    /// # Errors
    /// [`StoreError`].
    fn doubtful(&self, most: usize) -> impl Future<Output = Result<Vec<DoubtfulUse>, StoreError>> + Send;

    /// Puts something on the deny-list. What is on it already stays until the later of both times.
    ///
    /// # Errors
    /// [`StoreError`]; it may or may not have happened.
    fn revoke(&self, revocation: Revocation) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Returns the deny-list; [`None`] where its version is still the one that was `seen`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn revocations(&self, seen: Option<u64>) -> impl Future<Output = Result<Option<Revocations>, StoreError>> + Send;

    /// Deletes records whose time is over, at most `most`, and returns how many it deleted. To be called every minute or so. Takes
    /// revocations off the list whose time is over, too, and does not count them.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sweep(&self, most: usize) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Returns where gateways that share this store tell each other which payments arrived; [`None`] where none can share it.
    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>> {
        None
    }

    /// Returns where gateways that share this store count together how often tokens are used; [`None`] where each counts for itself.
    fn rates(&self) -> Option<Arc<dyn SharedRates>> {
        None
    }
}

/// What is known of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentUses {
    /// When its tokens end.
    pub ends_at: UnixSeconds,
    /// Its counters.
    pub tallies: Vec<(CounterKey, Tally)>,
}

/// A use in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoubtfulUse {
    /// The payment.
    pub payment: PaymentHash,
    /// The attempt.
    pub attempt: AttemptId,
    /// The number of the use.
    pub number: u32,
    /// When its token ends.
    pub ends_at: UnixSeconds,
}
