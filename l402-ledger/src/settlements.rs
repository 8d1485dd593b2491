//! Payments that arrived at one gateway's node, for the gateways that share a store.
//!
//! 1. A store keeps a record as it is, and believes nothing of it: whoever reads it verifies it.
//! 2. [`put`](SharedSettlements::put) is idempotent. Of two ends the later one counts.
//! 3. A record is gone at its end, by the store's clock.
//!
//! Threats L5, S2.

use crate::error::StoreError;
use crate::future::BoxFuture;
use l402_core::{PaymentHash, UnixSeconds};

/// Where gateways tell each other which payments arrived. A store has one if several gateways can share it:
/// [`LedgerStore::settlements`](crate::LedgerStore::settlements).
///
/// ```
/// use l402_core::{PaymentHash, UnixSeconds};
/// use l402_ledger::{LedgerStore, testing::FakeStore};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let shared = FakeStore::new().settlements().expect("clones share it");
/// let (payment, end) = (PaymentHash::from_bytes([1; 32]), UnixSeconds::new(4_102_444_800));
/// shared.put(&payment, b"a record with a MAC", end).await?;
/// assert_eq!(shared.get(&payment).await?.as_deref(), Some(&b"a record with a MAC"[..]));
/// # Ok::<(), l402_ledger::StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SharedSettlements: Send + Sync {
    /// Keeps the record of a payment until its end, or that of an earlier record, whichever is later. It replaces the earlier one.
    /// A record whose end has passed is not kept.
    ///
    /// # Errors
    /// [`StoreError`]; it may have been kept.
    fn put<'a>(
        &'a self,
        payment: &'a PaymentHash,
        record: &'a [u8],
        ends_at: UnixSeconds,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns the record of a payment; [`None`] where there is none, or no more.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get<'a>(&'a self, payment: &'a PaymentHash) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>>;
}
