//! Why the node of a wallet does not start for its operator.

use crate::cause::Cause;
use core::fmt;

/// Why a node does not start for its operator: what has to change before it does. It reads as its cause does.
#[derive(Debug)]
#[non_exhaustive]
pub enum OperatorStartError {
    /// The settings: one is missing or wrong.
    Settings(Cause),
    /// Nothing here: what the node needs, such as its chain source, cannot be reached.
    Unreachable(Cause),
    /// Something on this machine, such as a file of the node.
    Local(Cause),
}

impl OperatorStartError {
    /// Returns the cause.
    pub fn into_cause(self) -> Cause {
        match self {
            Self::Settings(cause) | Self::Unreachable(cause) | Self::Local(cause) => cause,
        }
    }

    fn cause(&self) -> &Cause {
        match self {
            Self::Settings(cause) | Self::Unreachable(cause) | Self::Local(cause) => cause,
        }
    }
}

impl fmt::Display for OperatorStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().fmt(f)
    }
}

impl core::error::Error for OperatorStartError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.cause().source()
    }
}
