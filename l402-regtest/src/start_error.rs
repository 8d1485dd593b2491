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
pub enum SandboxStartError {
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
    Node(ldk::NodeStartError),
    /// The nodes could not be connected or funded, or a channel did not open.
    Channels(NodeError),
    /// The transactions that open the channels did not come in time.
    TimedOut,
    /// The payee made no invoice for the first payment.
    Invoice(InvoiceSourceError),
    /// The first payment did not pass.
    Payment(PayError),
}

impl fmt::Display for SandboxStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClockWasAhead { ahead_s } => {
                return write!(
                    f,
                    "the sandbox's newest block is {} minutes ahead of this machine's clock, which was ahead once: every invoice \
                     would be expired; start again with `l402-server reset-sandbox`",
                    ahead_s / 60
                );
            }
            Self::Folder(_) => "the sandbox's directory has changed",
            Self::Io(_) => "cannot create a directory, port, thread or random number for the sandbox",
            Self::Chain(_) => "cannot open the sandbox's chain",
            Self::Mine(_) => "cannot extend the sandbox's chain",
            Self::Fund(_) => "cannot fund the sandbox's nodes",
            Self::Node(_) => "cannot start a node of the sandbox",
            Self::Channels(_) => "cannot open the sandbox's channels",
            Self::TimedOut => "the sandbox's channels were not funded in time",
            Self::Invoice(_) => "the sandbox's payee created no invoice",
            Self::Payment(_) => "the sandbox's first payment failed",
        })
    }
}

impl core::error::Error for SandboxStartError {
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

impl From<io::Error> for SandboxStartError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<FolderError> for SandboxStartError {
    fn from(cause: FolderError) -> Self {
        Self::Folder(cause)
    }
}

impl From<OpenError> for SandboxStartError {
    fn from(cause: OpenError) -> Self {
        Self::Chain(cause)
    }
}

impl From<MineError> for SandboxStartError {
    fn from(cause: MineError) -> Self {
        Self::Mine(cause)
    }
}

impl From<FundError> for SandboxStartError {
    fn from(cause: FundError) -> Self {
        Self::Fund(cause)
    }
}
