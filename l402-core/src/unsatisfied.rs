//! Why an authentic token does not permit a request: reasons that machines read, and what people are told (L402 §Caveats).

use core::fmt;

/// Why an authentic token does not permit a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unsatisfied {
    /// The token ended: a `<service>_valid_until` caveat is not later than the time.
    Expired,
    /// The token is for other services: a `services` caveat does not name the offer's.
    Service,
    /// The token's tier for the service is too low.
    Tier,
    /// A capabilities caveat lacks the offer's capability, or names one where the offer is the whole service.
    Capability,
    /// The token has no `services` caveat.
    NoServices,
    /// The token has no capabilities caveat, and the route asks for a capability.
    NoCapabilities,
    /// A later caveat allows more than an earlier one of its condition.
    Widened,
    /// A caveat is not `condition=value`, or its value does not read as its condition demands.
    Undecodable,
    /// A condition is not known.
    Unknown,
    /// A condition of the service's own does not hold; its [`crate::CaveatRule`] says so.
    Unmet,
    /// The token says how often it can be used, or for how much, and is presented where nothing counts that.
    Counted,
    /// The token says how often it can be used, or for how much, but not until when.
    Endless,
    /// The tokens of the request have more counters than [`crate::Counters::MAX`].
    TooManyCounters,
    /// A third-party caveat needs a discharge, which L402 has no place for.
    ThirdParty,
    /// A `preimage` caveat holds another preimage than the one that paid.
    Preimage,
}

impl Unsatisfied {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Expired,
        Self::Service,
        Self::Tier,
        Self::Capability,
        Self::NoServices,
        Self::NoCapabilities,
        Self::Widened,
        Self::Undecodable,
        Self::Unknown,
        Self::Unmet,
        Self::Counted,
        Self::Endless,
        Self::TooManyCounters,
        Self::ThirdParty,
        Self::Preimage,
    ];

    /// Returns the machine-readable reason: lower-case words joined with hyphens, which never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Service => "other-service",
            Self::Tier => "tier-too-low",
            Self::Capability => "other-capability",
            Self::NoServices => "no-services",
            Self::NoCapabilities => "no-capabilities",
            Self::Widened => "widened",
            Self::Undecodable => "undecodable-caveat",
            Self::Unknown => "unknown-caveat",
            Self::Unmet => "condition-not-met",
            Self::Counted => "no-ledger",
            Self::Endless => "no-end",
            Self::TooManyCounters => "too-many-counters",
            Self::ThirdParty => "third-party-caveat",
            Self::Preimage => "other-preimage",
        }
    }
}

impl fmt::Display for Unsatisfied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the token has expired",
            Self::Service => "the token is for another service",
            Self::Tier => "the token's tier is too low",
            Self::Capability => "the token is for another route of the service",
            Self::NoServices => "the token names no service",
            Self::NoCapabilities => "the token has no capability, but this route needs one",
            Self::Widened => "a later caveat allows more than an earlier one",
            Self::Undecodable => "a caveat cannot be read",
            Self::Unknown => "a caveat has an unknown condition",
            Self::Unmet => "a condition that this service sets does not hold",
            Self::Counted => "the token has a number of uses or a balance, and nothing counts it here",
            Self::Endless => "the token has a number of uses or a balance, but no end",
            Self::TooManyCounters => "the tokens have more than 4 numbers of uses or balances",
            Self::ThirdParty => "a third-party caveat cannot be discharged here",
            Self::Preimage => "a caveat names another preimage than that of the payment",
        })
    }
}

impl core::error::Error for Unsatisfied {}
