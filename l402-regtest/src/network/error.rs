//! What can go wrong with a network.

use core::fmt;
use std::io;

use l402_ldk as ldk;

use crate::chain::{FundError, MineError};
use crate::lnd::{LndError, NotBuilt};
use crate::wait::Overdue;

/// Why a network does not start, or not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetworkError {
    /// Two nodes have this name.
    SameName(String),
    /// No node has this name.
    NoSuchNode(String),
    /// There is no LND on this machine.
    NotBuilt(NotBuilt),
    /// There was no folder, port, thread or randomness to be had.
    Io(io::Error),
    /// A block could not be mined.
    Mine(MineError),
    /// The faucet could not pay the nodes.
    Fund(FundError),
    /// The LND of this name failed.
    Lnd(String, LndError),
    /// The LDK node of this name did not start.
    LdkStart(String, ldk::NodeStartError),
    /// The LDK node of this name failed.
    Ldk(String, ldk::NodeError),
    /// A state was not reached in time; it says what is missing.
    TimedOut(Overdue),
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameName(name) => write!(f, "two nodes are called {name}"),
            Self::NoSuchNode(name) => write!(f, "no node is called {name}"),
            Self::NotBuilt(cause) => cause.fmt(f),
            Self::Io(_) => f.write_str("cannot create a directory, port, thread or random number for the network"),
            Self::Mine(_) => f.write_str("cannot extend the network's chain"),
            Self::Fund(_) => f.write_str("network's nodes cannot be funded"),
            Self::Lnd(name, cause) => write!(f, "{name}: {cause}"),
            Self::LdkStart(name, _) => write!(f, "{name}: LDK node does not start"),
            Self::Ldk(name, _) => write!(f, "{name}: LDK node does not do what it should"),
            Self::TimedOut(overdue) => write!(f, "network is not as far as it should be {overdue}"),
        }
    }
}

impl core::error::Error for NetworkError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(cause) => Some(cause),
            Self::Mine(cause) => Some(cause),
            Self::Fund(cause) => Some(cause),
            Self::Lnd(_, cause) => cause.source(),
            Self::LdkStart(_, cause) => Some(cause),
            Self::Ldk(_, cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<NotBuilt> for NetworkError {
    fn from(cause: NotBuilt) -> Self {
        Self::NotBuilt(cause)
    }
}

impl From<io::Error> for NetworkError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<MineError> for NetworkError {
    fn from(cause: MineError) -> Self {
        Self::Mine(cause)
    }
}

impl From<FundError> for NetworkError {
    fn from(cause: FundError) -> Self {
        Self::Fund(cause)
    }
}

impl From<Overdue> for NetworkError {
    fn from(cause: Overdue) -> Self {
        Self::TimedOut(cause)
    }
}
