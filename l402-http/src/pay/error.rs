//! Why a request has no response to hand to the caller, and what that means for the money.

// Threats: A1, A9.

use super::{BadChallenge, OriginError, Receipt};
use core::fmt;
use http::StatusCode;
use l402_core::{Declined, PaymentHash};
use l402_lightning::{Cause, Network};

/// A request failed, before, while or after it was paid for. `E` is the error of the HTTP client.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestError<E> {
    /// The HTTP client failed. Where a payment had been made, the token is stored and the next attempt uses it.
    Transport(E),
    /// The request has no origin to buy from. Nothing was sent.
    Origin(OriginError),
    /// The body of the request broke off. Nothing was paid.
    Body(Cause),
    /// Payment is demanded, but the body is too long to be sent again. Nothing was paid.
    BodyTooLong {
        /// How many bytes can be kept.
        limit: usize,
    },
    /// Payment is demanded in a way that cannot be met. Nothing was paid.
    BadChallenge(BadChallenge),
    /// The invoice is above the limit, or must not be paid for another reason. Nothing was paid.
    Declined(Declined),
    /// The invoice is for another network than the wallet's. Nothing was paid.
    WrongNetwork {
        /// The network of the wallet.
        expected: Network,
        /// The network of the invoice.
        found: Network,
    },
    /// The wallet did not pay. No money moved.
    PaymentFailed(l402_lightning::PayError),
    /// The payment may have succeeded, or may still. The next request of this method to this path asks the wallet what became
    /// of it, and pays nothing until that is known.
    PaymentUnknown {
        /// What to ask the wallet for.
        payment_hash: PaymentHash,
        /// Why it is not known.
        cause: Cause,
    },
    /// The payment succeeded, but the store did not take the proof. The next request asks the wallet for it again.
    NotStored {
        /// What to ask the wallet for.
        payment_hash: PaymentHash,
        /// What the store said.
        cause: Cause,
    },
    /// It was paid, and the server demands payment again. The token is kept.
    StillRefused {
        /// The status of the answer.
        status: StatusCode,
        /// What was paid.
        receipt: Receipt,
    },
    /// An earlier purchase from this origin was paid for and not accepted, so that nothing more is bought from it.
    /// Nothing was paid now; [`AfterRefusal::BuyAgain`](super::AfterRefusal::BuyAgain) buys all the same.
    NotAccepted(Receipt),
    /// The request repeats one that may have been performed ([`Repeated`](super::Repeated)), and the server demands payment: the token
    /// may have been used by the first one. Nothing was paid now.
    MayHaveServed {
        /// The status of the answer.
        status: StatusCode,
        /// The payment of the token that was presented.
        payment_hash: Option<PaymentHash>,
    },
    /// Somebody else was buying the same thing, and had not ended in time. Nothing was paid.
    Busy,
    /// The stored tokens cannot be read or written. Nothing was paid.
    Store(Cause),
}

impl<E> fmt::Display for RequestError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(_) => f.write_str("the request failed"),
            Self::Origin(_) => f.write_str("the request cannot be paid for"),
            Self::Body(_) => f.write_str("the request body ended early"),
            Self::BodyTooLong { limit } => {
                write!(f, "the server asks for a payment, but a body of more than {limit} bytes cannot be repeated")
            }
            Self::BadChallenge(_) => f.write_str("cannot use the server's payment challenge"),
            Self::Declined(_) => f.write_str("not paid"),
            Self::WrongNetwork { expected, found } => {
                write!(f, "not paid: the invoice is for {found}, the wallet is on {expected}")
            }
            Self::PaymentFailed(_) => f.write_str("not paid, no money moved"),
            Self::PaymentUnknown { payment_hash, .. } => {
                write!(f, "unknown whether payment {payment_hash} succeeded")
            }
            Self::NotStored { payment_hash, .. } => {
                write!(f, "the payment {payment_hash} succeeded, but its token could not be stored")
            }
            Self::StillRefused { status, receipt } => {
                let Receipt { payment_hash, amount_msat, fee_msat, .. } = receipt;
                write!(
                    f,
                    "the server answers {status} although {amount_msat}, and a fee of {fee_msat}, were paid (payment \
                     {payment_hash})"
                )
            }
            Self::NotAccepted(Receipt { payment_hash, amount_msat, fee_msat, .. }) => write!(
                f,
                "not paid: the server has not accepted what {amount_msat}, and a fee of {fee_msat}, bought from it before \
                 (payment {payment_hash})"
            ),
            Self::MayHaveServed { status, .. } => write!(
                f,
                "not paid: the server answers {status}, and an earlier attempt of this request may have used the token"
            ),
            Self::Busy => f.write_str("not paid: another call is buying the same token, and did not finish in time"),
            Self::Store(_) => f.write_str("cannot read or write the token store"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for RequestError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Transport(cause) => Some(cause),
            Self::Origin(cause) => Some(cause),
            Self::BadChallenge(cause) => Some(cause),
            Self::Declined(cause) => Some(cause),
            Self::PaymentFailed(cause) => Some(cause),
            Self::PaymentUnknown { cause, .. } => Some(unwrapped(cause)),
            Self::Body(cause) | Self::NotStored { cause, .. } | Self::Store(cause) => Some(&**cause),
            _ => None,
        }
    }
}

/// Leaves out an error that says no more than that the outcome is unknown.
fn unwrapped(cause: &Cause) -> &(dyn core::error::Error + 'static) {
    match cause.downcast_ref() {
        Some(l402_lightning::PayError::Unknown(cause)) => &**cause,
        _ => &**cause,
    }
}
