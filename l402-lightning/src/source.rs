//! What a server needs of a Lightning node: invoices, and whether they were settled.
//!
//! The traits are split by role, so that a server needs no more than the permission to make invoices. A program that chooses a
//! backend while it runs holds a [`PayeeNode`](crate::PayeeNode), which any node with both traits can become.

use crate::cause::{Cause, LookupError};
use crate::invoice::{Invoice, InvoiceError, Mismatch};
use crate::request::{InvalidRequest, InvoiceRequest};
use crate::settled::SettlementPage;
use core::fmt;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use std::sync::Arc;

/// Makes invoices that pay to us.
///
/// The node chooses the payment hash, never a client, and no two invoices share one. Its preimage stays
/// inside the node until somebody pays.
// Threats H3, L2, L4.
pub trait InvoiceSource: Send + Sync {
    /// Makes an invoice for exactly `request.amount_msat`.
    ///
    /// A caller that does not trust the node holds what comes back against [`Invoice::answers`] before anybody sees it.
    ///
    /// # Errors
    /// [`InvoiceSourceError`]; no invoice exists then, or none that anybody was shown.
    fn create_invoice(
        &self,
        request: InvoiceRequest<'_>,
    ) -> impl Future<Output = Result<Invoice, InvoiceSourceError>> + Send;

    /// Tells whether the node keeps every invoice that it makes, paid or not. Whoever asks such a node for invoices that nobody pays
    /// fills its disk: a server bounds how many are open at once.
    // Threat L1.
    fn stores_invoices(&self) -> bool {
        false
    }

    /// Returns the invoices that the node keeps and that can still be paid, among those made at `since` or later; at most `most`, the
    /// latest first. A server asks this once after its start. A node that stores none has none.
    ///
    /// # Errors
    /// [`LookupError`] when the node cannot be asked.
    fn open_invoices(
        &self,
        since: UnixSeconds,
        most: usize,
    ) -> impl Future<Output = Result<Vec<OpenInvoice>, LookupError>> + Send {
        let _ = (since, most);
        core::future::ready(Ok(Vec::new()))
    }
}

/// An invoice that can still be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInvoice {
    /// Its payment hash.
    pub payment_hash: PaymentHash,
    /// When it ends.
    pub expires_at: UnixSeconds,
}

/// Tells which of our invoices were settled.
// Threat L5.
pub trait SettlementSource: Send + Sync {
    /// Returns how much our node has recorded as received for a payment hash; `None` when it has recorded none.
    ///
    /// A payer may hold the preimage some milliseconds before the payee's node has recorded the payment: an implementation may
    /// wait for a record that is on its way, for a time that it states. It never waits for one that it already has.
    ///
    /// # Errors
    /// [`LookupError`] when the answer could not be had; it is then unknown whether the payment was settled.
    fn settled_msat(&self, hash: &PaymentHash) -> impl Future<Output = Result<Option<Msat>, LookupError>> + Send;

    /// Returns what was received for a payment hash, if that is known without I/O. `None` says nothing: ask
    /// [`SettlementSource::settled_msat`].
    ///
    /// A server asks this first, so that a token which it knows to be paid costs no future and no wait. What is returned here
    /// must be what [`SettlementSource::settled_msat`] would return.
    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        let _ = hash;
        None
    }

    /// Returns how many settlements the node has recorded so far: the position of the next one.
    fn settlements_recorded(&self) -> u64 {
        0
    }

    /// Returns some of the settlements that the node has recorded, from a position on: 0 is the first, and each page says where the
    /// next one begins. Waits while there is none. A node that does not tell waits for ever.
    ///
    /// Gateways that share a ledger tell each other what this says.
    ///
    /// # Errors
    /// [`LookupError`] when the record cannot be read.
    fn settlements_from(&self, position: u64) -> impl Future<Output = Result<SettlementPage, LookupError>> + Send {
        let _ = position;
        core::future::pending()
    }
}

/// Why no invoice could be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvoiceSourceError {
    /// The node is not running or cannot be reached. Another attempt may succeed.
    Unavailable(Cause),
    /// No channel can receive the amount. Another attempt succeeds only after the channels have changed.
    NoInboundLiquidity {
        /// The amount asked for.
        amount_msat: Msat,
    },
    /// The request cannot be written as an invoice. Another attempt fails too.
    InvalidRequest(InvalidRequest),
    /// The node answered with something that is no invoice.
    Malformed(InvoiceError),
    /// The node answered with another invoice than the one that was asked for. It must not be shown.
    // Threat L3.
    Mismatch(Mismatch),
}

impl fmt::Display for InvoiceSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(_) => f.write_str("the payee's node is not available"),
            Self::NoInboundLiquidity { amount_msat } => {
                write!(f, "no channel of the payee's node can receive {amount_msat}")
            }
            Self::InvalidRequest(_) => f.write_str("cannot express the request as an invoice"),
            Self::Malformed(_) => f.write_str("the node returned an invalid invoice"),
            Self::Mismatch(_) => f.write_str("the node returned another invoice than requested"),
        }
    }
}

impl core::error::Error for InvoiceSourceError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unavailable(cause) => Some(&**cause),
            Self::NoInboundLiquidity { .. } => None,
            Self::InvalidRequest(cause) => Some(cause),
            Self::Malformed(cause) => Some(cause),
            Self::Mismatch(cause) => Some(cause),
        }
    }
}

impl<S: InvoiceSource> InvoiceSource for Arc<S> {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        (**self).create_invoice(request).await
    }

    fn stores_invoices(&self) -> bool {
        (**self).stores_invoices()
    }

    async fn open_invoices(&self, since: UnixSeconds, most: usize) -> Result<Vec<OpenInvoice>, LookupError> {
        (**self).open_invoices(since, most).await
    }
}

impl<S: SettlementSource> SettlementSource for Arc<S> {
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        (**self).settled_msat(hash).await
    }

    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        (**self).settled_in_memory(hash)
    }

    fn settlements_recorded(&self) -> u64 {
        (**self).settlements_recorded()
    }

    async fn settlements_from(&self, position: u64) -> Result<SettlementPage, LookupError> {
        (**self).settlements_from(position).await
    }
}
