//! What a client needs of a Lightning node: to pay an invoice, and to learn what became of it.
//!
//! Money moves at most once per payment hash (threat A4). Every failure says which of three things is true:
//!
//! 1. nothing was sent, and another attempt is harmless;
//! 2. something was sent and failed for good: [`PayError::Failed`];
//! 3. it may still succeed: [`PayError::Unknown`]. It is resolved by [`PaymentSource::payment`] or by paying the *same* invoice
//!    again, never by paying another one.

use crate::{Cause, Invoice, LookupError, Network};
use core::fmt;
use core::time::Duration;
use l402_core::{PaymentHash, Preimage};
use std::sync::Arc;

/// Pays invoices.
pub trait PaymentSource: Send + Sync {
    /// Returns the network that payments move on.
    fn network(&self) -> Network;

    /// Pays an invoice and waits for the preimage, for at most `limit.timeout`.
    ///
    /// Paying an invoice a second time moves no money: a payment under way is waited for, a finished one is reported again.
    /// Dropping the future does not stop a payment that has begun.
    ///
    /// A caller checks that the preimage proves the payment hash before it relies on it (threat A3).
    ///
    /// # Errors
    /// [`PayError`]; [`PayError::is_unknown`] separates what may still succeed from what moved no money.
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

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        (**self).pay(invoice, limit).await
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        (**self).payment(hash).await
    }
}

/// How far a payment may go (threat A8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayLimit {
    /// The most that routing may cost, in millisatoshis.
    pub max_fee_msat: u64,
    /// For how many blocks the money may be locked on its way, in total.
    pub max_cltv_expiry_delta: u32,
    /// How long to wait for the outcome. The payment may go on after that: [`PayError::Unknown`].
    pub timeout: Duration,
}

impl PayLimit {
    /// A limit on the fee, with the usual ones for the rest: 1008 blocks (a week) and a minute.
    pub const fn fee(max_fee_msat: u64) -> Self {
        Self { max_fee_msat, max_cltv_expiry_delta: 1008, timeout: Duration::from_mins(1) }
    }
}

/// A payment that succeeded.
#[derive(Debug, Clone)]
pub struct Paid {
    /// The proof.
    pub preimage: Preimage,
    /// What the payee received, in millisatoshis.
    pub amount_msat: u64,
    /// What routing cost, in millisatoshis.
    pub fee_msat: u64,
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

/// Why an invoice was not paid, or is not known to be paid.
#[derive(Debug)]
#[non_exhaustive]
pub enum PayError {
    /// The invoice has expired. Nothing was sent.
    Expired,
    /// The invoice is for another network. Nothing was sent.
    WrongNetwork {
        /// The network of this node.
        expected: Network,
        /// The network of the invoice.
        found: Network,
    },
    /// The invoice leaves the amount to the payer (threat A1). Nothing was sent.
    NoAmount,
    /// Our channels cannot send the amount. Nothing was sent.
    InsufficientBalance {
        /// The amount of the invoice, in millisatoshis.
        amount_msat: u64,
    },
    /// No route to the payee was found within the limits. No money moved.
    NoRoute,
    /// As many payments are in flight as this node allows, and none ended in time. Nothing was sent.
    Busy,
    /// The node is not running, cannot be reached, or refuses us. This call sent nothing; another process may have.
    Unavailable(Cause),
    /// The payment was sent and failed for good. No money moved.
    Failed(FailureReason),
    /// The payment may still succeed.
    Unknown(Cause),
}

impl PayError {
    /// Tells whether the payment may still succeed. Of every other error it is certain that no money moved.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

impl fmt::Display for PayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the invoice has expired"),
            Self::WrongNetwork { expected, found } => {
                write!(f, "the invoice is for {found}, the wallet is on {expected}")
            }
            Self::NoAmount => f.write_str("the invoice names no amount"),
            Self::InsufficientBalance { amount_msat } => write!(f, "the wallet cannot send {amount_msat} msat"),
            Self::NoRoute => f.write_str("no route to the payee within the limits"),
            Self::Busy => f.write_str("too many payments are in flight"),
            Self::Unavailable(_) => f.write_str("the wallet is not available, nothing was sent"),
            Self::Failed(reason) => write!(f, "the payment failed: {reason}"),
            Self::Unknown(_) => f.write_str("the state of the payment is unknown, it may still succeed"),
        }
    }
}

impl core::error::Error for PayError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unavailable(cause) | Self::Unknown(cause) => Some(&**cause),
            _ => None,
        }
    }
}

/// Why a payment that was sent failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// The payee refused it.
    Rejected,
    /// The nodes on the way could not forward it, on any route that was tried.
    RetriesExhausted,
    /// The invoice expired on the way.
    Expired,
    /// The node did not say.
    Unspecified,
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected => "the payee refused it",
            Self::RetriesExhausted => "no route could carry it",
            Self::Expired => "the invoice expired on the way",
            Self::Unspecified => "the node gave no reason",
        })
    }
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
