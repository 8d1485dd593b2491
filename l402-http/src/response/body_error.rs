//! Why the body of a paid service's response broke off.

use core::error::Error;
use core::fmt;

/// Why a body of a paid service broke off.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError<E> {
    /// The inner service's did.
    Inner(E),
    /// What it is metered by has used up the balance.
    Balance,
    /// The ledger, which charges for what is metered, has not answered.
    Ledger,
}

impl<E: fmt::Display> fmt::Display for BodyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inner(error) => error.fmt(f),
            Self::Balance => f.write_str("the balance is used up"),
            Self::Ledger => f.write_str("the ledger has not answered"),
        }
    }
}

impl<E: Error> Error for BodyError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Inner(error) => error.source(),
            Self::Balance | Self::Ledger => None,
        }
    }
}
