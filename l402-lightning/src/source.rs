//! What a server needs of a Lightning node: invoices, and whether they were settled.
//!
//! The traits are split by role, so that a server needs no more than the permission to make invoices. They are not dyn-safe
//! on purpose: a program holds an `enum` of the backends that it supports.

use crate::{Invoice, InvoiceError, Mismatch};
use core::fmt;
use core::time::Duration;
use l402_core::PaymentHash;
use std::sync::Arc;

/// The cause of a failure of I/O.
pub type Cause = Box<dyn core::error::Error + Send + Sync>;

/// Makes invoices that pay to us.
///
/// The node chooses the payment hash, never a client (threat L2), and no two invoices share one (H3). Its preimage stays
/// inside the node until somebody pays (L4).
pub trait InvoiceSource: Send + Sync {
    /// Makes an invoice for exactly `request.amount_msat` millisatoshis.
    ///
    /// A caller that does not trust the node holds what comes back against [`Invoice::answers`] before anybody sees it.
    ///
    /// # Errors
    /// [`InvoiceSourceError`]; no invoice exists then, or none that anybody was shown.
    fn create_invoice(
        &self,
        request: InvoiceRequest<'_>,
    ) -> impl Future<Output = Result<Invoice, InvoiceSourceError>> + Send;
}

/// Tells which of our invoices were settled (threat L5).
pub trait SettlementSource: Send + Sync {
    /// Returns how many millisatoshis our node has recorded as received for a payment hash; `None` when it has recorded none.
    ///
    /// A payer may hold the preimage some milliseconds before the payee's node has recorded the payment: an implementation may
    /// wait for a record that is on its way, for a time that it states. It never waits for one that it already has.
    ///
    /// # Errors
    /// [`LookupError`] when the answer could not be had; it is then unknown whether the payment was settled.
    fn settled_msat(&self, hash: &PaymentHash) -> impl Future<Output = Result<Option<u64>, LookupError>> + Send;
}

/// What an invoice is asked to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceRequest<'a> {
    /// The amount in millisatoshis, at least one.
    pub amount_msat: u64,
    /// What the payer's wallet shows: at most 639 bytes of UTF-8 (BOLT 11 §Tagged Fields).
    pub description: &'a str,
    /// How long the invoice is valid; whole seconds, fractions are cut off.
    pub expiry: Duration,
}

impl InvoiceRequest<'_> {
    /// Refuses what BOLT 11 cannot express, or the node cannot. For the backends.
    ///
    /// # Errors
    /// [`InvalidRequest`] names what cannot be written as an invoice.
    pub fn validate(&self, max_msat: u64, max_expiry_s: u64) -> Result<(), InvalidRequest> {
        if !(1..=max_msat).contains(&self.amount_msat) {
            return Err(InvalidRequest::Amount);
        }
        if self.description.len() > 639 {
            return Err(InvalidRequest::Description);
        }
        if !(1..=max_expiry_s).contains(&self.expiry.as_secs()) {
            return Err(InvalidRequest::Expiry);
        }
        Ok(())
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
        /// The amount asked for, in millisatoshis.
        amount_msat: u64,
    },
    /// The request cannot be written as an invoice. Another attempt fails too.
    InvalidRequest(InvalidRequest),
    /// The node answered with something that is no invoice.
    Malformed(InvoiceError),
    /// The node answered with another invoice than the one that was asked for (threat L3). It must not be shown.
    Mismatch(Mismatch),
}

impl fmt::Display for InvoiceSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(_) => f.write_str("the payee's node is not available"),
            Self::NoInboundLiquidity { amount_msat } => {
                write!(f, "no channel of the payee's node can receive {amount_msat} msat")
            }
            Self::InvalidRequest(_) => f.write_str("no invoice can say what was asked for"),
            Self::Malformed(_) => f.write_str("the payee's node answered with something that is no invoice"),
            Self::Mismatch(_) => f.write_str("the payee's node answered with another invoice than asked for"),
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

/// What is wrong with an [`InvoiceRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The amount is zero, or more than all bitcoin.
    Amount,
    /// The description is longer than 639 bytes.
    Description,
    /// The expiry is below a second, or longer than the node can express.
    Expiry,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amount => "the amount is zero or more than all bitcoin",
            Self::Description => "the description is longer than 639 bytes",
            Self::Expiry => "the expiry is below a second or too long",
        })
    }
}

impl core::error::Error for InvalidRequest {}

/// A node could not be asked. What it would have answered is unknown.
#[derive(Debug)]
pub struct LookupError(Cause);

impl LookupError {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Cause>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the node could not be asked about a payment")
    }
}

impl core::error::Error for LookupError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&*self.0)
    }
}

impl<S: InvoiceSource> InvoiceSource for Arc<S> {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        (**self).create_invoice(request).await
    }
}

impl<S: SettlementSource> SettlementSource for Arc<S> {
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<u64>, LookupError> {
        (**self).settled_msat(hash).await
    }
}
