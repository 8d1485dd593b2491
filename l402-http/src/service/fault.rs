//! Why there is no invoice or no answer about one; for subscribers, never for clients.

use core::error::Error;
use core::fmt;
use l402_core::TokenMintError;
use l402_lightning::{InvoiceSourceError, LookupError, Mismatch};

#[derive(Debug)]
pub(super) enum Fault {
    TooSlow,
    Node(InvoiceSourceError),
    Lie(Mismatch),
    Random(getrandom::Error),
    Mint(TokenMintError),
    Lookup(LookupError),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSlow => "the node did not answer in time",
            Self::Node(_) => "the node made no invoice",
            Self::Lie(_) => "the node's invoice is not what was asked for",
            Self::Random(_) => "the system has no random bytes",
            Self::Mint(_) => "the token cannot be minted",
            Self::Lookup(_) => "the node cannot be asked",
        })
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TooSlow => None,
            Self::Node(cause) => Some(cause),
            Self::Lie(cause) => Some(cause),
            Self::Random(cause) => Some(cause),
            Self::Mint(cause) => Some(cause),
            Self::Lookup(cause) => Some(cause),
        }
    }
}
