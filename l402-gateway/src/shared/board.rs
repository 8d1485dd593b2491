//! The store, as gateways read it and write to it.

use super::record;
use crate::seals::Seals;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_ledger::{Ledger, LedgerStore as _, SharedSettlements};
use l402_lightning::{LookupError, SettledMemory, Settlement};
use l402_program::Causes;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// What gateways tell each other of payments, and what this one has been told.
pub(super) struct Board {
    store: Arc<dyn SharedSettlements>,
    ledger: Ledger,
    seals: Seals,
    told: SettledMemory,
    /// How long after a payment a token that it bought may end.
    keep: Duration,
}

impl Board {
    pub(super) fn new(ledger: &Ledger, store: Arc<dyn SharedSettlements>, seals: Seals, keep: Duration) -> Self {
        Self { store, ledger: ledger.clone(), seals, told: SettledMemory::new(MOST), keep }
    }

    /// Returns what this gateway has been told already.
    pub(super) fn told_msat(&self, hash: &PaymentHash) -> Option<Msat> {
        self.told.received_msat(hash)
    }

    /// Looks for a payment, again and again for a while: the gateway that has received it may be about to tell.
    pub(super) async fn wait(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        let (until, mut pause) = (Instant::now() + PATIENCE, FIRST_PAUSE);
        loop {
            if let Some(received) = self.look(hash).await? {
                return Ok(Some(received));
            }
            if Instant::now() + pause > until {
                return Ok(None);
            }
            sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    async fn look(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        let Some(found) = self.store.get(hash).await.map_err(LookupError::new)? else { return Ok(None) };
        match record::read(*hash, &found, &self.seals) {
            Ok(settlement) => {
                self.told.note(settlement);
                Ok(Some(settlement.received_msat))
            }
            Err(damage) => {
                tracing::error!(payment_hash = %hash, cause = %Causes(&damage), "a payment in the ledger cannot be believed");
                Err(LookupError::new(damage))
            }
        }
    }

    /// Tells the others of a payment, however long that takes. Returns whether the store was away.
    pub(super) async fn tell(&self, settlement: &Settlement) -> bool {
        let ends_at = self.ends_at(settlement);
        let (mut was_away, mut pause) = (false, FIRST_PAUSE);
        loop {
            let record = record::write(settlement, &self.seals);
            let Err(fault) = self.store.put(&settlement.payment_hash, &record, ends_at).await else { return was_away };
            if !was_away {
                tracing::warn!(cause = %Causes(&fault), "cannot tell other gateways of a payment; trying again");
            }
            was_away = true;
            sleep(pause).await;
            pause = (2 * pause).min(LONGEST_RETRY);
        }
    }

    /// Tells whether a token that the payment bought may still be valid.
    pub(super) fn matters(&self, settlement: &Settlement, now: UnixSeconds) -> bool {
        self.ends_at(settlement) > now
    }

    /// Waits until the store answers. Returns whether it was away.
    pub(super) async fn answers(&self) -> bool {
        let (mut was_away, mut pause) = (false, FIRST_PAUSE);
        while self.ledger.now().await.is_err() {
            was_away = true;
            sleep(pause).await;
            pause = (2 * pause).min(LONGEST_RETRY);
        }
        was_away
    }

    fn ends_at(&self, settlement: &Settlement) -> UnixSeconds {
        settlement.settled_at.saturating_add(self.keep.as_secs())
    }
}

/// Some 13 MB.
const MOST: usize = 1 << 16;

/// How long a payment that is missing is looked for.
const PATIENCE: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
