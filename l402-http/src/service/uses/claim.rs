//! The right to speak for an attempt at the ledger.

use super::desk::{Away, Desk};
use super::owed::owe;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, LEASE, LEASE_MARGIN, RENEW, Reply};
use std::sync::Arc;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Who asks the ledger on behalf of one attempt.
#[derive(Debug, Clone)]
pub(in crate::service) struct Claim {
    pub(super) desk: Arc<Desk>,
    pub(super) payment: PaymentHash,
    pub(super) id: AttemptId,
    /// When its lease ends at the earliest, by this machine's monotonic clock.
    pub(super) lease_ends: Instant,
}

impl Claim {
    /// Asks the ledger.
    pub(in crate::service) async fn ask(&self, event: Event) -> Result<Reply, Away> {
        self.desk.apply(&self.payment, self.id, event).await
    }

    /// Asks until there is a reply; [`None`] where there is none for as long as a commit is asked for again.
    pub(in crate::service) async fn insist(self, event: Event) -> Option<Reply> {
        let (ends, mut pause) = (Instant::now() + self.desk.patience(), FIRST_PAUSE);
        loop {
            if let Ok(Ok(reply)) = timeout_at(ends, self.ask(event)).await {
                return Some(reply);
            }
            if Instant::now() + pause >= ends {
                return None;
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
    }

    /// Asks in the background.
    pub(in crate::service) fn owe(&self, event: Event) {
        owe(&self.desk, self.payment, self.id, event);
    }

    /// Renews the lease; completes where it ends soon and could not be renewed, or is lost. Who goes on with the claim afterwards
    /// goes on from the last renewal.
    pub(in crate::service) async fn keep(&mut self) {
        let mut next = self.lease_ends - LEASE + RENEW;
        loop {
            let ends = self.lease_ends - LEASE_MARGIN;
            sleep_until(next.min(ends)).await;
            let asked_at = Instant::now();
            if asked_at >= ends {
                return;
            }
            match timeout_at(ends, self.ask(Event::Renew)).await {
                Ok(Ok(Reply::Renewed)) => {
                    self.lease_ends = asked_at + LEASE;
                    next = asked_at + RENEW;
                }
                Ok(Err(_)) => next = Instant::now() + PAUSE,
                Ok(Ok(_)) | Err(_) => return,
            }
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Between two attempts to renew.
const PAUSE: Duration = Duration::from_secs(1);
