//! What a route sells.

use crate::msat::Msat;
use crate::name::Name;

/// One thing for sale: what a token must open, and on what terms it is sold.
///
/// Two routes that sell different things differ in service, tier or capability; a token bought for the one does not open
/// the other.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// How long a token is valid after it was minted, in seconds.
    pub valid_for: u64,
}
