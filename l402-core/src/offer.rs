//! What a route sells.

use crate::msat::Msat;
use crate::name::Name;
use core::fmt;
use core::num::NonZeroU32;
use core::str::FromStr;
use core::time::Duration;

/// One thing for sale: what a token must open, and on what terms it is sold.
///
/// Two routes that sell different things differ in service, tier or capability; a token bought for the one does not open
/// the other.
///
/// ```
/// use core::time::Duration;
/// use l402_core::{Msat, Name, Offer, Uses};
///
/// // 100 calls for 500 sat, within a day.
/// let offer = Offer::new(Name::new("weather")?, Msat::from_sat(500))
///     .capability(Name::new("forecast")?)
///     .uses(Uses::times(100).ok_or("no use")?)
///     .valid_for(Duration::from_hours(24));
/// assert_eq!(offer.uses.to_string(), "100");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer {
    /// The service that a token's `services` caveat must name.
    pub service: Name,
    /// The least tier that the token must have for the service.
    pub tier: u32,
    /// The capability that the token must carry. [`None`] asks for the whole service: a token that is restricted to some
    /// capabilities does not open it.
    pub capability: Option<Name>,
    /// The price.
    pub price_msat: Msat,
    /// How long a token is valid after it was minted, in whole seconds.
    pub valid_for: Duration,
    /// How often a token can be used.
    pub uses: Uses,
    /// The name of the terms, which stands in the token beside the price; [`Offer::PLAN`] where there is none.
    pub plan: Option<Name>,
}

impl Offer {
    /// How long a token is valid unless the offer says otherwise.
    pub const VALID_FOR: Duration = Duration::from_secs(3600);

    /// The plan of an offer that names none.
    pub const PLAN: &str = "default";

    /// Sells a service: all of it, at tier 0, for [`Offer::VALID_FOR`], as often as a buyer likes.
    pub fn new(service: Name, price_msat: Msat) -> Self {
        let (tier, capability, valid_for, uses, plan) = (0, None, Self::VALID_FOR, Uses::Unlimited, None);
        Self { service, tier, capability, price_msat, valid_for, uses, plan }
    }

    /// Asks for a tier.
    #[must_use]
    pub const fn tier(mut self, tier: u32) -> Self {
        self.tier = tier;
        self
    }

    /// Asks for a capability, or with [`None`] for the whole service.
    #[must_use]
    pub fn capability(mut self, capability: impl Into<Option<Name>>) -> Self {
        self.capability = capability.into();
        self
    }

    /// Sets how long a token is valid, in whole seconds.
    #[must_use]
    pub const fn valid_for(mut self, valid_for: Duration) -> Self {
        self.valid_for = valid_for;
        self
    }

    /// Sets how often a token can be used.
    #[must_use]
    pub const fn uses(mut self, uses: Uses) -> Self {
        self.uses = uses;
        self
    }

    /// Names the terms.
    #[must_use]
    pub fn plan(mut self, plan: Name) -> Self {
        self.plan = Some(plan);
        self
    }
}

/// How often a token can be used until it ends.
///
/// ```
/// use l402_core::Uses;
///
/// assert_eq!("100".parse(), Ok(Uses::times(100).unwrap()));
/// assert_eq!("unlimited".parse(), Ok(Uses::Unlimited));
/// assert_eq!("0".parse::<Uses>().unwrap_err().to_string(), "uses is not `unlimited` or a number from 1 to 4294967295");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Uses {
    /// As often as its holder likes. Verification needs no ledger.
    #[default]
    Unlimited,
    /// So many times. A ledger counts them.
    Times(NonZeroU32),
    /// Until its balance, which is the price that was paid, is used up. A ledger keeps it.
    Metered,
}

impl Uses {
    /// One use.
    pub const ONCE: Self = Self::Times(NonZeroU32::MIN);

    /// So many uses; [`None`] for 0.
    pub const fn times(uses: u32) -> Option<Self> {
        match NonZeroU32::new(uses) {
            Some(uses) => Some(Self::Times(uses)),
            None => None,
        }
    }

    /// Returns the number of uses, where there is one.
    pub const fn limit(self) -> Option<NonZeroU32> {
        match self {
            Self::Times(uses) => Some(uses),
            Self::Unlimited | Self::Metered => None,
        }
    }

    /// Tells whether a ledger counts.
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Times(_) | Self::Metered)
    }
}

impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str("unlimited"),
            Self::Times(uses) => uses.fmt(f),
            Self::Metered => f.write_str("metered"),
        }
    }
}

impl FromStr for Uses {
    type Err = UsesError;

    /// Reads `unlimited`, or a number in decimal digits and nothing else.
    fn from_str(text: &str) -> Result<Self, UsesError> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let number = crate::caveat::number(text.as_bytes()).and_then(|number| u32::try_from(number).ok());
        number.and_then(Self::times).ok_or(UsesError)
    }
}

/// A text is no number of uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsesError;

impl fmt::Display for UsesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("uses is not `unlimited` or a number from 1 to 4294967295")
    }
}

impl core::error::Error for UsesError {}
