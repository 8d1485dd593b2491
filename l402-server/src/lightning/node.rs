//! One type for whatever makes the invoices.

use l402_core::{Msat, PaymentHash};
use l402_lightning::{Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, SettlementSource};

/// A node that can be paid. Clones are the same.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Node {
    /// In this process.
    #[cfg(any(feature = "ldk", feature = "sandbox"))]
    Ldk(l402_ldk::LdkNode),
    /// Elsewhere.
    #[cfg(feature = "lnd")]
    Lnd(l402_lnd::LndPayee),
}

impl InvoiceSource for Node {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        match self {
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Ldk(node) => node.create_invoice(request).await,
            #[cfg(feature = "lnd")]
            Self::Lnd(node) => node.create_invoice(request).await,
        }
    }
}

impl SettlementSource for Node {
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        match self {
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Ldk(node) => node.settled_msat(hash).await,
            #[cfg(feature = "lnd")]
            Self::Lnd(node) => node.settled_msat(hash).await,
        }
    }

    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        match self {
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Ldk(node) => node.settled_in_memory(hash),
            #[cfg(feature = "lnd")]
            Self::Lnd(node) => node.settled_in_memory(hash),
        }
    }
}
