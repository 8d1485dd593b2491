//! An embedded Lightning node ([ldk-node](ldk_node)), with its keys and channels in a directory of this machine.
//!
//! 1. Invoices are minted beside the node, statelessly: an unpaid one leaves nothing behind.
//! 2. A received payment is on the disk before the node forgets having reported it.
//! 3. A payment is on the disk before it is sent: one that may be on its way is never reported as unknown.
//! 4. At most 24 payments are on their way at once; a time-out never frees one that may still succeed.
//! 5. One process at a time has the directory. What it must contain stands in a [manifest](l402_lightning::folder): what was there and is
//!    missing stops the start.
//! 6. A node that panics, or whose disk cannot be written, is over: it makes no invoices, and [`LdkNode::failed`] tells.
//!
//! The node is for Unix.

#[cfg(feature = "backend")]
mod backend;
mod channels;
mod config;
mod disk;
mod error;
mod events;
mod health;
mod in_flight;
mod log;
mod mint;
mod node;
mod operate;
mod operator;
mod pay;
mod receive;
mod records;
mod sent;
mod settled;
mod shell;
mod spend;
mod start;
mod storage;
mod waiters;

#[cfg(feature = "backend")]
pub use backend::LdkPayer;
#[cfg(feature = "payee")]
pub use backend::{LdkPayee, open_payee};
pub use channels::{ChannelId, ChannelIdError};
pub use config::{ChainSource, LdkConfig, LogLevel, PeerAddress, PeerAddressError};
pub use error::{NodeError, NodeFailure, NodeStartError};
pub use health::NodeHealth;
pub use node::LdkNode;
pub use operate::{Balances, ChannelRequest};
pub use records::RecordsError;
pub use spend::{AddressError, OnchainAmount, OnchainPayment};

pub use l402_lightning::folder::FolderError;
pub use l402_lightning::secret_file::SecretFileError;

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
