//! What is wrong with routes that are no policy.

use super::pattern::PatternError;
use core::fmt;
use l402_core::{NameError, Unit};

/// Why routes are no policy: the route, the other one where two do not go together, and the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    route: Box<str>,
    other: Option<Box<str>>,
    fault: RouteFault,
}

impl PolicyError {
    /// Returns the pattern of the route.
    pub const fn route(&self) -> &str {
        &self.route
    }

    /// Returns what is wrong.
    pub const fn fault(&self) -> RouteFault {
        self.fault
    }

    pub(super) fn of(route: &str, fault: RouteFault) -> Self {
        Self { route: route.into(), other: None, fault }
    }

    pub(super) fn between(route: &str, other: Option<&str>, fault: RouteFault) -> Self {
        Self { route: route.into(), other: other.map(Into::into), fault }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { route, other, fault } = self;
        match other {
            Some(other) => write!(f, "routes {other} and {route}: {fault}"),
            None => write!(f, "route {route}: {fault}"),
        }
    }
}

impl core::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            RouteFault::Pattern(fault) => Some(fault),
            RouteFault::Service(fault) | RouteFault::Capability(fault) | RouteFault::Plan(fault) => Some(fault),
            _ => None,
        }
    }
}

/// What is wrong with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteFault {
    /// The path is no pattern.
    Pattern(PatternError),
    /// The service has no proper name.
    Service(NameError),
    /// The capability has no proper name.
    Capability(NameError),
    /// The plan has no proper name.
    Plan(NameError),
    /// A sale for nothing; what costs nothing is stated as free.
    ZeroPrice,
    /// A metered route has no meter, or another has one.
    NoMeter,
    /// A metered route keeps no answers.
    KeptMeter,
    /// The price buys less of a balance than one request needs.
    SmallBalance,
    /// The price buys a larger balance than a ledger counts ([`Unit::most`](l402_core::Unit::most)).
    LargeBalance,
    /// Tokens would never be valid.
    ZeroValidity,
    /// An invoice could never be paid.
    ZeroExpiry,
    /// The list of methods is empty.
    NoMethod,
    /// A method that is never served, such as TRACE: an upstream would send back what the gateway added for it.
    UnservedMethod,
    /// Only the paths of a prefix without parameters, such as `/npm/*`, can go on as they came.
    RawPath,
    /// Beneath a prefix whose paths go on as they came, another route has a price of its own.
    RawOverlap,
    /// No invoice can hold a description of more than 639 bytes.
    LongDescription,
    /// Two routes take the same method of the same path.
    Duplicate,
    /// Two routes take the same method of paths that differ in case alone, which the upstream may ignore.
    SameButForCase,
    /// Two routes sell the same service, tier and capability on different terms.
    DifferentTerms,
    /// The token of the cheaper route opens the dearer one too, because its tier is higher.
    Undercut,
}

impl fmt::Display for RouteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(fault) => fault.fmt(f),
            Self::Service(fault) => write!(f, "service: {fault}"),
            Self::Capability(fault) => write!(f, "capability: {fault}"),
            Self::Plan(fault) => write!(f, "plan: {fault}"),
            Self::ZeroPrice => f.write_str("the price is zero; state the route as free instead"),
            Self::NoMeter => f.write_str("a metered route needs a meter, and no other may have one"),
            Self::KeptMeter => f.write_str("a metered route keeps no answers; remove `keep_answer` or `meter`"),
            Self::SmallBalance => f.write_str("the price buys less than one request needs; raise it, or lower `up_to`"),
            Self::LargeBalance => write!(f, "the price buys a balance above {} msat, the most that a ledger counts", Unit::Msat.most()),
            Self::ZeroValidity => f.write_str("the validity is below a second"),
            Self::ZeroExpiry => f.write_str("an invoice ends within a second"),
            Self::RawPath => f.write_str("raw_path needs a prefix without parameters, such as '/npm/*'"),
            Self::RawOverlap => f.write_str(
                "the first is below the second, which has `raw_path`: its price could be bypassed",
            ),
            Self::NoMethod => f.write_str("the list of methods is empty"),
            Self::UnservedMethod => f.write_str("TRACE and similar methods are never forwarded; remove the method"),
            Self::LongDescription => f.write_str("the description is longer than 639 bytes"),
            Self::Duplicate => f.write_str("both take the same method of the same path"),
            Self::SameButForCase => {
                f.write_str("both take the same method of paths that differ in case alone, which the upstream may ignore")
            }
            Self::DifferentTerms => f.write_str(
                "both sell the same service, tier and capability, so price, uses, plan, validity and invoice_expiry must be equal; give each a capability",
            ),
            Self::Undercut => f.write_str(
                "a token for the cheaper route also opens the more expensive one; give each a capability",
            ),
        }
    }
}
