//! Payments that gateways with one ledger know of each other.
//!
//! 1. Settlements go to the node's own record first, and from there to the ledger's store. The store's record has a MAC under a key
//!    that only gateways with the same key file have.
//! 2. A payment that this gateway's node does not know is looked for in the store, for two seconds. What was found once is kept in
//!    memory, where the next request finds it without I/O.
//! 3. A record that does not verify is damage: the answer is 503, never that the payment arrived, and never that it did not.
//! 4. A record ends when no token that the payment bought can be valid any more, and the [`SKEW`] is over.
//! 5. A ledger in a file is shared with nobody. Then all is as if this was not there.

// Threats L5, S1, S2.

mod board;
mod publish;
mod record;

use crate::seals::Seals;
use crate::settings::Settings;
use board::Board;
use core::fmt;
use core::pin::pin;
use core::time::Duration;
use l402_core::ledger::SKEW;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_ledger::{Ledger, LedgerStore as _};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, OpenInvoice, SettlementSource,
};
use std::sync::Arc;
use tokio::task::JoinHandle;

use crate::keys::KeyFileError;

/// A node, and what other gateways have told of theirs. Clones are the same; with the last one this gateway stops to tell.
#[derive(Clone)]
pub struct Shared<N> {
    node: N,
    common: Option<Arc<Common>>,
}

struct Common {
    board: Arc<Board>,
    task: JoinHandle<()>,
}

impl Drop for Common {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<N: InvoiceSource + SettlementSource + Clone + 'static> Shared<N> {
    /// Begins to tell and to listen, on the caller's runtime, if the ledger is one that gateways can share.
    pub(crate) fn start(node: N, ledger: &Ledger, settings: &Settings) -> Result<Self, KeyFileError> {
        let Some(store) = ledger.settlements() else { return Ok(Self { node, common: None }) };
        let seals = Seals::open(&settings.key_dir, Seals::SETTLEMENTS)?;
        let board = Arc::new(Board::new(ledger, store, seals, keep(settings)));
        let task = tokio::spawn(publish::publish(node.clone(), Arc::clone(&board)));
        Ok(Self { node, common: Some(Arc::new(Common { board, task })) })
    }
}

impl<N: InvoiceSource> InvoiceSource for Shared<N> {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        self.node.create_invoice(request).await
    }

    fn stores_invoices(&self) -> bool {
        self.node.stores_invoices()
    }

    async fn open_invoices(&self, since: UnixSeconds, most: usize) -> Result<Vec<OpenInvoice>, LookupError> {
        self.node.open_invoices(since, most).await
    }
}

impl<N: SettlementSource> SettlementSource for Shared<N> {
    /// Asks the node and the store at the same time. Whoever knows of the payment first is believed.
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        let Some(common) = &self.common else { return self.node.settled_msat(hash).await };
        let (mut own, mut others) = (pin!(self.node.settled_msat(hash)), pin!(common.board.wait(hash)));
        let (first, second) = tokio::select! {
            found = &mut own => match found {
                Ok(Some(_)) => return found,
                _ => (found, others.await),
            },
            found = &mut others => match found {
                Ok(Some(_)) => return found,
                _ => (found, own.await),
            },
        };
        match second {
            Ok(None) => first,
            known_or_fault => known_or_fault,
        }
    }

    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        let told = || self.common.as_ref()?.board.told_msat(hash);
        self.node.settled_in_memory(hash).or_else(told)
    }
}

impl<N: fmt::Debug> fmt::Debug for Shared<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("node", &self.node).finish_non_exhaustive()
    }
}

/// How long after a payment a token that it bought may be presented. Sales from before the validity became shorter keep the end
/// that was told then; a day is for those that were told of only afterwards.
fn keep(settings: &Settings) -> Duration {
    settings.longest_sale().max(A_DAY).saturating_add(SKEW)
}

const A_DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn l5_a_record_is_kept_for_as_long_as_any_token_that_its_payment_bought() {
        assert_eq!(keep(&settings()), A_DAY + SKEW);
        let mut services = settings().services.clone();
        let route = services.first_mut().and_then(|service| service.routes.first_mut()).expect("a route");
        route.offer.valid_for = Duration::from_hours(7 * 24);
        route.invoice_expiry = Duration::from_hours(24);
        let settings = Settings::new("data", services).expect("settings");
        assert_eq!(
            keep(&settings),
            Duration::from_hours(8 * 24) + SKEW,
            "it may be paid at once, or at the last moment"
        );
    }
}
