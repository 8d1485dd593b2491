//! What is owed to the ledger when nobody waits any more: it is asked for in the background until there is a reply.

use super::desk::Desk;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, SKEW};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// Asks until there is a reply. A ledger that takes nothing more until it is opened again is not asked: it resolves then what it finds. Without a runtime, or where too much is owed, the end of the lease decides: that is safe, and slower.
pub(super) fn owe(desk: &Arc<Desk>, payment: PaymentHash, attempt: AttemptId, event: Event) {
    let (Ok(runtime), Ok(place)) = (Handle::try_current(), Arc::clone(&desk.owed).try_acquire_owned()) else {
        tracing::warn!(%payment, %attempt, "a use waits for the end of its lease");
        return;
    };
    let desk = Arc::clone(desk);
    runtime.spawn(async move {
        let _place = place;
        let (ends, mut pause) = (Instant::now() + SKEW, FIRST_PAUSE);
        while desk.apply(&payment, attempt, event).await.is_err() {
            if desk.is_closed() || Instant::now() >= ends {
                tracing::warn!(%payment, %attempt, "the ledger was not told what became of a use");
                return;
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    });
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use l402_core::ledger::{Now, Reply};
    use l402_ledger::{
        DoubtfulUse, Ledger, LedgerStore, PaymentUses, Revocation, Revocations, StoreError, StoreErrorKind,
    };
    use tokio::time::timeout;

    /// A ledger that could not write.
    struct Closed;

    const FAILED: StoreErrorKind = StoreErrorKind::Failed;

    impl LedgerStore for Closed {
        async fn apply(&self, _: &PaymentHash, _: AttemptId, _: Event) -> Result<Reply, StoreError> {
            Err(StoreError::new(FAILED))
        }

        async fn now(&self) -> Result<Now, StoreError> {
            Err(StoreError::new(FAILED))
        }

        async fn uses(&self, _: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
            Err(StoreError::new(FAILED))
        }

        async fn doubtful(&self, _: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
            Err(StoreError::new(FAILED))
        }

        async fn revoke(&self, _: Revocation) -> Result<(), StoreError> {
            Err(StoreError::new(FAILED))
        }

        async fn revocations(&self, _: Option<u64>) -> Result<Option<Revocations>, StoreError> {
            Err(StoreError::new(FAILED))
        }

        async fn sweep(&self, _: usize) -> Result<usize, StoreError> {
            Err(StoreError::new(FAILED))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_for_a_ledger_that_takes_nothing_more() {
        let desk = Arc::new(Desk::new(Ledger::new(Closed), Duration::from_secs(1)));
        owe(&desk, PaymentHash::from_bytes([1; 32]), AttemptId::from_bytes([1; 16]), Event::Doubt);
        assert!(timeout(Duration::from_secs(2), desk.at_rest()).await.is_ok());
    }
}
