//! Why a sandbox does not start.

use core::fmt;
use std::io;

use l402_ldk::{self as ldk, NodeError};
use l402_lightning::folder::FolderError;
use l402_lightning::{InvoiceSourceError, PayError};

use crate::chain::{FundError, MineError, OpenError};

/// Why a sandbox did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// There was no folder, port, thread or randomness to be had.
    Io(io::Error),
    /// Something that was in the folder is missing.
    Folder(FolderError),
    /// The newest block was mined when this machine's clock was ahead.
    ClockWasAhead {
        /// By how much, seen from now, in seconds.
        ahead_s: u64,
    },
    /// The chain of the folder cannot be used.
    Chain(OpenError),
    /// A block could not be written.
    Mine(MineError),
    /// The faucet could not pay the nodes.
    Fund(FundError),
    /// A node did not start.
    Node(ldk::StartError),
    /// The nodes could not be connected or funded, or a channel did not open.
    Channels(NodeError),
    /// The transactions that open the channels did not come in time.
    TimedOut,
    /// The payee made no invoice for the first payment.
    Invoice(InvoiceSourceError),
    /// The first payment did not pass.
    Payment(PayError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClockWasAhead { ahead_s } => {
                return write!(
                    f,
                    "the sandbox's newest block is {} minutes ahead of this machine's clock, which was ahead once: every invoice \
                     would be expired; begin anew with `l402-server reset-sandbox`",
                    ahead_s / 60
                );
            }
            Self::Folder(_) => "sandbox's folder is not as it was",
            Self::Io(_) => "sandbox has no folder, port, thread or randomness",
            Self::Chain(_) => "sandbox's chain cannot be opened",
            Self::Mine(_) => "sandbox's chain cannot be extended",
            Self::Fund(_) => "sandbox's nodes cannot be funded",
            Self::Node(_) => "a node of the sandbox does not start",
            Self::Channels(_) => "channels of the sandbox do not open",
            Self::TimedOut => "channels of the sandbox are not funded in time",
            Self::Invoice(_) => "the payee of the sandbox creates no invoices",
            Self::Payment(_) => "payments do not pass through the sandbox",
        })
    }
}

impl core::error::Error for StartError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(cause) => Some(cause),
            Self::Chain(cause) => Some(cause),
            Self::Mine(cause) => Some(cause),
            Self::Fund(cause) => Some(cause),
            Self::Node(cause) => Some(cause),
            Self::Channels(cause) => Some(cause),
            Self::Invoice(cause) => Some(cause),
            Self::Payment(cause) => Some(cause),
            Self::Folder(cause) => Some(cause),
            Self::TimedOut | Self::ClockWasAhead { .. } => None,
        }
    }
}

impl From<io::Error> for StartError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<FolderError> for StartError {
    fn from(cause: FolderError) -> Self {
        Self::Folder(cause)
    }
}

impl From<OpenError> for StartError {
    fn from(cause: OpenError) -> Self {
        Self::Chain(cause)
    }
}

impl From<MineError> for StartError {
    fn from(cause: MineError) -> Self {
        Self::Mine(cause)
    }
}

impl From<FundError> for StartError {
    fn from(cause: FundError) -> Self {
        Self::Fund(cause)
    }
}
