//! The place of one invoice, from before the node is asked for it.

use super::UnpaidInvoices;
use super::table::Key;
use crate::service::fault::Fault;
use l402_lightning::{Invoice, InvoiceSourceError};

/// A place. Dropped before the node was asked, it is free again; dropped afterwards, it counts until the invoice would end, because nobody
/// knows whether there is one.
#[derive(Debug)]
pub(in crate::service) struct Place {
    unpaid: UnpaidInvoices,
    key: Option<Key>,
    is_asked: bool,
}

impl Place {
    pub(super) const fn new(unpaid: UnpaidInvoices, key: Key) -> Self {
        Self { unpaid, key: Some(key), is_asked: false }
    }

    /// The node is asked from now on.
    pub(in crate::service) const fn ask(&mut self) {
        self.is_asked = true;
    }

    /// The node has answered, or has not.
    pub(in crate::service) fn came(mut self, answered: &Result<Invoice, Fault>) {
        let Some(key) = self.key.take() else { return };
        let mut table = self.unpaid.shared.lock();
        match answered {
            Ok(invoice) => table.made(key, invoice.payment_hash(), invoice.expires_at()),
            Err(Fault::Node(fault)) if is_certain(fault) => table.unmade(key),
            Err(_) => {} // it may have been made
        }
    }
}

/// Tells whether there is no invoice. A node that is away counts as one that made none, because it refuses most requests at once.
const fn is_certain(fault: &InvoiceSourceError) -> bool {
    matches!(
        fault,
        InvoiceSourceError::Unavailable(_)
            | InvoiceSourceError::NoInboundLiquidity { .. }
            | InvoiceSourceError::InvalidRequest(_)
    )
}

impl Drop for Place {
    fn drop(&mut self) {
        if let (Some(key), false) = (self.key, self.is_asked) {
            self.unpaid.shared.lock().unmade(key);
        }
    }
}
