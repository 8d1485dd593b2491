//! What is counted together with other gateways.

use super::limiter::Wait;
use super::{Refused, TokenRate};
use crate::service::uses::{Breaker, News};
use core::time::Duration;
use l402_core::PaymentHash;
use l402_ledger::{Bucket, SharedRates, Taken};
use std::sync::Arc;
use tokio::time::timeout;

/// The store that others count in, too.
pub(super) struct Shared {
    rates: Arc<dyn SharedRates>,
    breaker: Breaker,
}

impl Shared {
    pub(super) fn new(rates: Arc<dyn SharedRates>) -> Self {
        Self { rates, breaker: Breaker::default() }
    }
}

/// Whether a request that this process lets pass is within the rates that others count for, too.
pub(in crate::service) struct Question {
    shared: Arc<Shared>,
    payment: PaymentHash,
    rates: Vec<Arc<TokenRate>>,
}

impl Question {
    pub(super) const fn new(shared: Arc<Shared>, payment: PaymentHash, rates: Vec<Arc<TokenRate>>) -> Self {
        Self { shared, payment, rates }
    }

    /// Asks the store. Where it does not answer, the request is within the rates.
    pub(in crate::service) async fn answer(&self) -> Result<(), Refused> {
        let Some(turn) = self.shared.breaker.turn() else { return Ok(()) };
        let buckets: Vec<Bucket> = self.rates.iter().map(|rate| rate.bucket.clone()).collect();
        let taken = timeout(PATIENCE, self.shared.rates.take(&self.payment, &buckets)).await;
        let Ok(Ok(taken)) = taken else {
            if turn.failed() == News::Down {
                tracing::warn!("the ledger does not say how often tokens are used; this gateway counts alone");
            }
            return Ok(());
        };
        if turn.answered() == News::Up {
            tracing::info!("the ledger says again how often tokens are used");
        }
        match taken {
            Taken::No { bucket, wait } => match self.rates.get(bucket) {
                Some(rate) => Err(Refused::by(rate.limit, Wait { rate: rate.rate, time: wait })),
                None => Ok(()),
            },
            Taken::Yes => Ok(()),
        }
    }
}

/// How long a request waits for what the others count.
const PATIENCE: Duration = Duration::from_millis(500);
