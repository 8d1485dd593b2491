//! What a client needs of a Lightning node: to pay an invoice, and to learn what became of it.
//!
//! Money moves at most once per payment hash. Every failure says which of three things is true:
//!
//! 1. nothing was sent, and another attempt is harmless;
//! 2. something was sent and failed for good: [`PayError::Failed`];
//! 3. it may still succeed: [`PayError::Unknown`]. It is resolved by [`PaymentSource::payment`] or by paying the *same* invoice
//!    again, never by paying another one.

// Threat A4.

use crate::cause::LookupError;
use crate::invoice::Invoice;
use crate::network::Network;
use crate::pay_error::PayError;
use core::fmt;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, Preimage};
use std::sync::Arc;

/// Pays invoices.
pub trait PaymentSource: Send + Sync {
    /// Returns the network that payments move on.
    fn network(&self) -> Network;

    /// Tells which limits of a [`PayLimit`] it keeps. Beyond the others it may go: who pays with it sets something aside for that.
    fn enforces(&self) -> EnforcedLimits {
        EnforcedLimits::ALL
    }

    /// Pays an invoice and waits for the preimage, for at most `limit.timeout`.
    ///
    /// Paying an invoice a second time moves no money: a payment under way is waited for, a finished one is reported again.
    /// Dropping the future does not stop a payment that has begun.
    ///
    /// A caller checks that the preimage proves the payment hash before it relies on it.
    ///
    /// # Errors
    /// [`PayError`]; [`PayError::is_unknown`] separates what may still succeed from what moved no money.
    // Threat A3.
    fn pay(&self, invoice: &Invoice, limit: PayLimit) -> impl Future<Output = Result<Paid, PayError>> + Send;

    /// Returns what became of a payment that this node sent.
    ///
    /// # Errors
    /// [`LookupError`] when the answer could not be had.
    fn payment(&self, hash: &PaymentHash) -> impl Future<Output = Result<PaymentStatus, LookupError>> + Send;
}

impl<S: PaymentSource> PaymentSource for Arc<S> {
    fn network(&self) -> Network {
        (**self).network()
    }

    fn enforces(&self) -> EnforcedLimits {
        (**self).enforces()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        (**self).pay(invoice, limit).await
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        (**self).payment(hash).await
    }
}

/// How far a payment may go.
// Threat A8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayLimit {
    /// The most that routing may cost.
    pub max_fee_msat: Msat,
    /// For how many blocks the money may be locked on its way, in total.
    pub max_cltv_expiry_delta: u32,
    /// How long to wait for the outcome. The payment may go on after that: [`PayError::Unknown`].
    pub timeout: Duration,
}

impl PayLimit {
    /// A limit on the fee, with the usual ones for the rest: 1008 blocks (a week) and a minute.
    pub const fn fee(max_fee_msat: Msat) -> Self {
        Self { max_fee_msat, max_cltv_expiry_delta: 1008, timeout: Duration::from_mins(1) }
    }
}

/// Which limits a wallet keeps by itself. What it does not keep, it was told at most.
// Threat A8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnforcedLimits {
    /// [`PayLimit::max_fee_msat`].
    pub fee: bool,
    /// [`PayLimit::max_cltv_expiry_delta`].
    pub cltv: bool,
}

impl EnforcedLimits {
    /// Both.
    pub const ALL: Self = Self { fee: true, cltv: true };
    /// Neither.
    pub const NONE: Self = Self { fee: false, cltv: false };
}

/// A payment that succeeded.
#[derive(Debug, Clone)]
pub struct Paid {
    /// The proof.
    pub preimage: Preimage,
    /// What the payee received.
    pub amount_msat: Msat,
    /// What routing cost.
    pub fee_msat: Msat,
}

/// What became of a payment.
#[derive(Debug, Clone)]
pub enum PaymentStatus {
    /// This node knows nothing of it. A node elsewhere may yet read the request of a process that has died, until the invoice has
    /// expired: until then, no other invoice may be paid in its place, but the same one may.
    NotFound,
    /// It is under way, and may succeed or fail.
    Pending,
    /// It succeeded.
    Succeeded(Paid),
    /// It failed, for good.
    Failed,
}

/// The time for a payment is over and its outcome has not come: the cause of a [`PayError::Unknown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut {
    /// How long it was waited for.
    pub after: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no outcome after {} ms", self.after.as_millis())
    }
}

impl core::error::Error for TimedOut {}
