//! Why the node does not start, or does not do what it is told.

use super::records::RecordsError;
use core::fmt;
use l402_lightning::folder::FolderError;
use l402_lightning::secret_file::SecretFileError;
use ldk_node::{BuildError, NodeError as LdkError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a node did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum NodeStartError {
    /// The storage directory cannot be used.
    Storage(io::Error),
    /// Others can use the storage directory, or a part of it is missing.
    Folder(FolderError),
    /// Another process, or another node of this one, uses the storage directory. Two nodes on one would lose money.
    InUse(PathBuf),
    /// The seed file cannot be used.
    Seed(SecretFileError),
    /// The storage directory belongs to a node whose seed is not there.
    SeedMissing(PathBuf),
    /// The node's database cannot be opened.
    Database(rusqlite::Error),
    /// The record of settled payments cannot be used.
    Settlements(RecordsError),
    /// The record of payments that were sent cannot be used.
    Sent(RecordsError),
    /// Its threads cannot be started.
    Threads(io::Error),
    /// Its state cannot be read, it belongs to another network, or a setting is invalid.
    Build(BuildError),
    /// The chain source cannot be reached, or a listening address is taken.
    Start(LdkError),
}

impl fmt::Display for NodeStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(_) => f.write_str("cannot use the node's storage directory"),
            Self::Folder(_) => f.write_str("cannot use the node's storage directory as it is"),
            Self::InUse(path) => write!(f, "another node uses {}", path.display()),
            Self::Seed(_) => f.write_str("cannot use the node's seed"),
            Self::SeedMissing(path) => {
                write!(
                    f,
                    "the node's seed {} is missing, and its storage directory has been used: put the seed back; without it the \
                     node's money is out of reach (a new node begins in another storage directory)",
                    path.display()
                )
            }
            Self::Database(_) => f.write_str("the node's database cannot be opened"),
            Self::Settlements(_) => f.write_str("the record of settled payments cannot be used"),
            Self::Sent(_) => f.write_str("the record of payments that were sent cannot be used"),
            Self::Threads(_) => f.write_str("the node's threads cannot be started"),
            Self::Build(_) => f.write_str("cannot set up the node from its settings and its storage"),
            Self::Start(_) => f.write_str("cannot start the node; its chain source may be down, or its address taken"),
        }
    }
}

impl core::error::Error for NodeStartError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Storage(cause) | Self::Threads(cause) => Some(cause),
            Self::InUse(_) | Self::SeedMissing(_) => None,
            Self::Folder(cause) => Some(cause),
            Self::Seed(cause) => Some(cause),
            Self::Database(cause) => Some(cause),
            Self::Settlements(cause) | Self::Sent(cause) => Some(cause),
            Self::Build(cause) => Some(cause),
            Self::Start(cause) => Some(cause),
        }
    }
}

impl NodeStartError {
    /// Tells whether the same start may work later: the chain source did not answer.
    pub(super) const fn may_pass(&self) -> bool {
        use LdkError::{
            ConnectionFailed, FeerateEstimationUpdateFailed, FeerateEstimationUpdateTimeout, TxSyncFailed,
            TxSyncTimeout,
        };
        matches!(
            self,
            Self::Start(
                ConnectionFailed
                    | FeerateEstimationUpdateFailed
                    | FeerateEstimationUpdateTimeout
                    | TxSyncFailed
                    | TxSyncTimeout
            )
        )
    }
}

impl From<FolderError> for NodeStartError {
    fn from(cause: FolderError) -> Self {
        Self::Folder(cause)
    }
}

/// Why a running node did not do what it was told.
#[derive(Debug)]
#[non_exhaustive]
pub enum NodeError {
    /// It has been stopped.
    NotRunning,
    /// It has not started yet.
    Starting,
    /// Its disk is nearly full.
    DiskLow,
    /// It is broken, for good.
    Failed(NodeFailure),
    /// The peer cannot be reached, or is not the one that was expected there.
    Unreachable,
    /// The on-chain wallet has not enough for it, with what is reserved for closing channels.
    InsufficientFunds,
    /// There is no such channel.
    NoSuchChannel,
    /// The channel was not in the state that was waited for when the time was over.
    TimedOut,
    /// The chain source did not answer.
    ChainSource(LdkError),
    /// Anything else that the node reports.
    Node(LdkError),
}

impl From<LdkError> for NodeError {
    fn from(fault: LdkError) -> Self {
        match fault {
            LdkError::NotRunning => Self::NotRunning,
            LdkError::ConnectionFailed => Self::Unreachable,
            LdkError::InsufficientFunds => Self::InsufficientFunds,
            LdkError::FeerateEstimationUpdateFailed
            | LdkError::FeerateEstimationUpdateTimeout
            | LdkError::TxSyncFailed
            | LdkError::TxSyncTimeout
            | LdkError::WalletOperationTimeout => Self::ChainSource(fault),
            other => Self::Node(other),
        }
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRunning => "the node is not running",
            Self::Starting => "the node has not started yet",
            Self::DiskLow => "the node's disk is nearly full",
            Self::Failed(_) => "the node has failed",
            Self::Unreachable => "cannot reach the peer",
            Self::InsufficientFunds => "not enough money in the on-chain wallet",
            Self::NoSuchChannel => "no such channel",
            Self::TimedOut => "the channel was not ready in time",
            Self::ChainSource(_) => "no response from the chain source",
            Self::Node(_) => "the node refused",
        })
    }
}

impl core::error::Error for NodeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::ChainSource(cause) | Self::Node(cause) => Some(cause),
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

/// What broke a node.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NodeFailure {
    /// One of its threads panicked. What it said goes to the log.
    Panicked(Arc<str>),
    /// What it must remember cannot be written.
    Disk(Arc<io::Error>),
    /// It cannot start, and trying again would not help.
    Start(Arc<NodeStartError>),
}

impl fmt::Display for NodeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(said) => write!(f, "the node panicked: {said}"),
            Self::Disk(_) => f.write_str("the node's disk cannot be written"),
            Self::Start(_) => f.write_str("the node cannot start"),
        }
    }
}

impl core::error::Error for NodeFailure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Panicked(_) => None,
            Self::Disk(cause) => Some(&**cause),
            Self::Start(cause) => Some(&**cause),
        }
    }
}
