//! Why a breaker is as it is, and why somebody is asked, in words.

use crate::amount::Amount;
use crate::policy::PayeeChange;
use core::fmt;
use l402_core::Msat;
use l402_core::purchase::breaker::Cause;

/// Why a payment needs its owner's confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyAsk {
    /// A breaker was tripped by this.
    Breaker(Option<Cause>),
    /// It is more than this.
    Above(Msat),
    /// It goes to another node than before.
    Payee(PayeeChange),
}

/// Why a breaker is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Because(
    /// What tripped it.
    pub Cause,
);

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::Failures(failures) => write!(f, "after {failures} failures one after another"),
            Cause::Refused { lost_msat } => {
                write!(f, "since it did not accept what was bought for {}", Amount::new(lost_msat))
            }
            Cause::Price { price_msat, usual_msat } => {
                let (price, usual) = (Amount::new(price_msat), Amount::new(usual_msat));
                write!(f, "since it asks {price} for what usually costs {usual}")
            }
            Cause::Spent(hour_msat) => write!(f, "since this hour would cost {}", Amount::new(hour_msat)),
            Cause::Losses { origins, lost_msat } => {
                let lost = Amount::new(lost_msat);
                write!(f, "since {origins} origins did not accept what was bought for {lost} within a day")
            }
            _ => f.write_str("as its owner has set it"),
        }
    }
}

impl fmt::Display for WhyAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaker(Some(cause)) => Because(*cause).fmt(f),
            Self::Breaker(None) => f.write_str("as every payment does"),
            Self::Above(most) => write!(f, "as every payment of more than {} does", Amount::new(*most)),
            Self::Payee(change) => change.fmt(f),
        }
    }
}

/// The name of a breaker.
pub(in crate::store) fn named(origin: &str) -> &str {
    if origin.is_empty() { "all origins" } else { origin }
}
