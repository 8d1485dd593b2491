//! Why an invoice was not paid.

use crate::cause::Cause;
use crate::network::Network;
use core::fmt;
use l402_core::Msat;

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
    /// The invoice leaves the amount to the payer. Nothing was sent.
    // Threat A1.
    NoAmount,
    /// Our channels cannot send the amount. Nothing was sent.
    InsufficientBalance {
        /// The amount of the invoice.
        amount_msat: Msat,
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
            Self::NoAmount => f.write_str("the invoice has no amount"),
            Self::InsufficientBalance { amount_msat } => write!(f, "the wallet cannot send {amount_msat}"),
            Self::NoRoute => f.write_str("no route to the payee within the limits"),
            Self::Busy => f.write_str("too many payments are in flight"),
            Self::Unavailable(_) => f.write_str("the wallet is not available, nothing was sent"),
            Self::Failed(reason) => write!(f, "the payment failed: {reason}"),
            Self::Unknown(_) => f.write_str("the outcome of the payment is unknown; it may still succeed"),
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
