//! A store whose type a program learns only while it runs.

use crate::error::{StoreError, StoreErrorKind};
use crate::future::BoxFuture;
use crate::rates::SharedRates;
use crate::revoke::{Revocation, Revocations};
use crate::settlements::SharedSettlements;
use crate::store::{DoubtfulUse, LedgerStore, PaymentUses};
use core::fmt;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Now, Reply};
use std::sync::Arc;

/// A store of any type. Clones are the same store.
#[derive(Clone)]
pub struct Ledger(Arc<dyn Store>);

impl Ledger {
    /// Erases the type of a store.
    pub fn new(store: impl LedgerStore + 'static) -> Self {
        Self(Arc::new(store))
    }

    /// No store: each call fails with [`StoreErrorKind::Absent`], so that nothing is sold or served by number.
    pub fn absent() -> Self {
        Self::new(Absent)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger")
    }
}

impl LedgerStore for Ledger {
    async fn apply(&self, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Result<Reply, StoreError> {
        self.0.apply(payment, attempt, event).await
    }

    async fn now(&self) -> Result<Now, StoreError> {
        self.0.now().await
    }

    async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        self.0.uses(payment).await
    }

    async fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        self.0.doubtful(most).await
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        self.0.revoke(revocation).await
    }

    async fn revocations(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        self.0.revocations(seen).await
    }

    async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        self.0.sweep(most).await
    }

    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>> {
        self.0.settlements()
    }

    fn rates(&self) -> Option<Arc<dyn SharedRates>> {
        self.0.rates()
    }
}

/// The object-safe form of [`LedgerStore`].
trait Store: Send + Sync {
    fn apply<'a>(
        &'a self,
        payment: &'a PaymentHash,
        attempt: AttemptId,
        event: Event,
    ) -> BoxFuture<'a, Result<Reply, StoreError>>;
    fn now(&self) -> BoxFuture<'_, Result<Now, StoreError>>;
    fn uses<'a>(&'a self, payment: &'a PaymentHash) -> BoxFuture<'a, Result<Option<PaymentUses>, StoreError>>;
    fn doubtful(&self, most: usize) -> BoxFuture<'_, Result<Vec<DoubtfulUse>, StoreError>>;
    fn revoke(&self, revocation: Revocation) -> BoxFuture<'_, Result<(), StoreError>>;
    fn revocations(&self, seen: Option<u64>) -> BoxFuture<'_, Result<Option<Revocations>, StoreError>>;
    fn sweep(&self, most: usize) -> BoxFuture<'_, Result<usize, StoreError>>;
    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>>;
    fn rates(&self) -> Option<Arc<dyn SharedRates>>;
}

impl<S: LedgerStore> Store for S {
    fn apply<'a>(
        &'a self,
        payment: &'a PaymentHash,
        attempt: AttemptId,
        event: Event,
    ) -> BoxFuture<'a, Result<Reply, StoreError>> {
        Box::pin(LedgerStore::apply(self, payment, attempt, event))
    }

    fn now(&self) -> BoxFuture<'_, Result<Now, StoreError>> {
        Box::pin(LedgerStore::now(self))
    }

    fn uses<'a>(&'a self, payment: &'a PaymentHash) -> BoxFuture<'a, Result<Option<PaymentUses>, StoreError>> {
        Box::pin(LedgerStore::uses(self, payment))
    }

    fn doubtful(&self, most: usize) -> BoxFuture<'_, Result<Vec<DoubtfulUse>, StoreError>> {
        Box::pin(LedgerStore::doubtful(self, most))
    }

    fn revoke(&self, revocation: Revocation) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(LedgerStore::revoke(self, revocation))
    }

    fn revocations(&self, seen: Option<u64>) -> BoxFuture<'_, Result<Option<Revocations>, StoreError>> {
        Box::pin(LedgerStore::revocations(self, seen))
    }

    fn sweep(&self, most: usize) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(LedgerStore::sweep(self, most))
    }

    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>> {
        LedgerStore::settlements(self)
    }

    fn rates(&self) -> Option<Arc<dyn SharedRates>> {
        LedgerStore::rates(self)
    }
}

/// No store.
struct Absent;

impl LedgerStore for Absent {
    async fn apply(&self, _: &PaymentHash, _: AttemptId, _: Event) -> Result<Reply, StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn now(&self) -> Result<Now, StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn uses(&self, _: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn doubtful(&self, _: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn revoke(&self, _: Revocation) -> Result<(), StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn revocations(&self, _: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn sweep(&self, _: usize) -> Result<usize, StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }
}
