//! What is owed to the ledger when nobody waits any more: it is asked for in the background until there is a reply.

use super::desk::Desk;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, SKEW};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

/// Asks until there is a reply. Without a runtime, or where too much is owed, the end of the lease decides: that is safe, and slower.
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
            if Instant::now() >= ends {
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
