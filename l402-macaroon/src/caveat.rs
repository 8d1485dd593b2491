//! One caveat, as it stands in a macaroon of either format.

use core::fmt;

/// One caveat.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawCaveat<'a> {
    /// The condition of a first-party caveat; an opaque identifier in a third-party one.
    pub id: &'a [u8],
    /// Where a third party is found; empty in a first-party caveat.
    pub location: &'a [u8],
    /// The encrypted key of a third-party caveat. Where it is present, the caveat needs a discharge.
    pub verification_id: Option<&'a [u8]>,
}

impl fmt::Debug for RawCaveat<'_> {
    /// Shows the length only: a caveat may carry a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.verification_id.is_some() { "third-party" } else { "first-party" };
        write!(f, "RawCaveat({kind}, {} bytes)", self.id.len())
    }
}
