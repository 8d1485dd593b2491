//! Why a policy denies a request or a payment, in a sentence.

use super::until::Until;
use crate::amount::Amount;
use crate::text::printable;
use core::fmt;
use l402_core::Msat;
use l402_http::pay::Origin;

/// The owner's policy does not allow a request or a payment. Nothing was sent or paid because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Where it would have gone.
    pub origin: Origin,
    /// Why it may not.
    pub why: Denial,
}

/// Why a policy denies something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// The origin is denied.
    Listed,
    /// No entry is about the origin, and those are denied.
    Unlisted,
    /// No entry is about the origin, and its owner has not agreed.
    NotAgreed,
    /// The entry has ended.
    Expired(Until),
    /// The entry names other budgets.
    Budget,
    /// The entry names other methods.
    Method,
    /// The entry names other services.
    Service,
    /// The entry lists other nodes.
    Payee,
    /// Another node was paid before.
    OtherPayee,
    /// The call would cost more than the entry allows.
    Price {
        /// The most that it allows.
        limit_msat: Msat,
        /// What the call would cost.
        price_msat: Msat,
    },
    /// The origin is reached over plain `http`, and the policy does not name it.
    PlainHttp,
    /// There is no policy, and no budget below the first one was named.
    NoBudget,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(&self.origin.to_string()), self.why)
    }
}

impl core::error::Error for Denied {}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed => f.write_str("the policy denies this origin"),
            Self::Unlisted => f.write_str("the policy does not allow this origin; its owner can add it under [[allow]]"),
            Self::NotAgreed => f.write_str(
                "the policy does not list this origin, and its owner has not agreed to it; its owner can add it under [[allow]]",
            ),
            Self::Expired(until) => write!(f, "the policy allowed this origin until {until}"),
            Self::Budget => f.write_str("the policy allows this origin for other budgets only"),
            Self::Method => f.write_str("the policy allows this origin for other methods only"),
            Self::Service => f.write_str("the policy allows other services of this origin only"),
            Self::Payee => f.write_str("the invoice is of a node that the policy does not list for this origin"),
            Self::OtherPayee => f.write_str("the invoice is of another node than those that were paid at this origin before"),
            Self::Price { limit_msat, price_msat } => {
                let (price, limit) = (Amount::new(*price_msat), Amount::new(*limit_msat));
                write!(f, "the call costs {price}, and the policy allows {limit} at this origin")
            }
            Self::PlainHttp => f.write_str(
                "nothing is paid over plain http, where anybody on the way can take what was bought; its owner can name this origin \
                 under [[allow]]",
            ),
            Self::NoBudget => f.write_str(
                "nothing is paid without a policy or a budget of its own; make one with `l402 budget new`, and name it with --budget",
            ),
        }
    }
}
