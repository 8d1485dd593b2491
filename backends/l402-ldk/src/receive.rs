//! Being paid.

use super::node::LdkNode;
use core::time::Duration;
use l402_core::{Msat, PaymentHash};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, SettlementPage, SettlementSource,
};
use std::sync::Arc;

impl InvoiceSource for LdkNode {
    /// Neither writes nor waits: an invoice costs a signature, on the thread of the caller.
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        let node = self.selling().map_err(|fault| InvoiceSourceError::Unavailable(fault.into()))?;
        match self.mint().mint(&request, &self.news().inbound.snapshot()) {
            // A channel may have come since the last look.
            Err(InvoiceSourceError::NoInboundLiquidity { .. }) => {
                self.mint().mint(&request, &self.news().inbound.refresh(&node))
            }
            minted => minted,
        }
    }
}

impl SettlementSource for LdkNode {
    /// Waits for a record that is not there yet for at most two seconds.
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        self.settled_within(hash, SETTLEMENT_WAIT).await
    }

    /// Knows every settlement that is on the disk.
    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        self.news().settlements.lookup(hash)
    }

    fn settlements_recorded(&self) -> u64 {
        self.news().settlements.recorded()
    }

    async fn settlements_from(&self, position: u64) -> Result<SettlementPage, LookupError> {
        self.news().settlements.more_than(position).await;
        let news = Arc::clone(self.news());
        let read = self.spawn_blocking(move || news.settlements.page(position)).await;
        read.map_err(LookupError::new)?.map_err(LookupError::new)
    }
}

impl LdkNode {
    /// Returns what the usable channels, together, can receive, in millisatoshis; as of the last look, at most a second ago. Costs
    /// nothing.
    pub fn receivable_msat(&self) -> Msat {
        self.news().inbound.snapshot().capacity_msat()
    }

    /// Returns how many millisatoshis were received for a payment hash. Waits for `at_most` where none are recorded.
    ///
    /// # Errors
    /// [`LookupError`] while received payments cannot be written to the disk, or when none is recorded and the node does not
    /// run.
    pub async fn settled_within(&self, hash: &PaymentHash, at_most: Duration) -> Result<Option<Msat>, LookupError> {
        let at_most = if self.is_running() { at_most } else { Duration::ZERO };
        let found = self.news().settlements.within(hash, at_most).await.map_err(LookupError::new)?;
        if found.is_none() {
            self.running().map_err(LookupError::new)?;
        }
        Ok(found)
    }
}

/// The payer has the preimage some 20 ms before our record is on the disk; the rest is for a busy machine.
const SETTLEMENT_WAIT: Duration = Duration::from_secs(2);
