//! What the operator of a node does with it: look at its money, move it, open and close channels.
//!
//! A node whose money this process can move is an [`Operator`]. A backend that only asks a node elsewhere has none.
//!
//! 1. Every failure says whether money may have moved: [`OperateError::is_unknown`].
//! 2. The reserve for closing channels is never spent.

use crate::cause::Cause;
use crate::erased::{BoxFuture, PayerWallet};
use crate::network::{Network, NodeId};
use core::fmt;
use core::time::Duration;
use l402_core::{Msat, UnixSeconds};

/// A node whose money this process can move. Object-safe: programs hold an `Arc<dyn Operator>`.
pub trait Operator: fmt::Debug + Send + Sync {
    /// Returns who the node is and how it fares.
    fn info(&self) -> NodeInfo;

    /// Tells whether the node runs. One that does not tells nothing new.
    fn is_running(&self) -> bool;

    /// Returns the node as a wallet that pays invoices.
    fn wallet(&self) -> PayerWallet;

    /// Returns all channels; none of a node that has not started.
    fn channels(&self) -> Vec<NodeChannel>;

    /// Returns one channel, by its name.
    ///
    /// # Errors
    /// [`OperateError`] where the text names no channel of this node.
    fn channel(&self, name: &str) -> Result<NodeChannel, OperateError>;

    /// Reads an on-chain address of the node's network.
    ///
    /// # Errors
    /// [`OperateError`] where the text is none.
    fn onchain_address(&self, text: &str) -> Result<OnchainAddress, OperateError>;

    /// Reads the address of a peer, as [`NewChannel::address`] takes it.
    ///
    /// # Errors
    /// [`OperateError`] where the text is none.
    fn peer_address(&self, text: &str) -> Result<(), OperateError>;

    /// Asks the chain source for news.
    fn sync(&self) -> BoxFuture<'_, Result<(), OperateError>>;

    /// Returns the balances as of the last look at the chain.
    fn balances(&self) -> BoxFuture<'_, Result<NodeBalances, OperateError>>;

    /// Returns a fresh address of the on-chain wallet.
    fn new_address(&self) -> BoxFuture<'_, Result<String, OperateError>>;

    /// Returns the on-chain payments that this node has made.
    fn onchain_sent(&self) -> BoxFuture<'_, Result<Vec<OnchainSent>, OperateError>>;

    /// Sends on-chain money: so many satoshis, or all but the reserve. Returns the transaction's id.
    ///
    /// The fee rate is in satoshis per virtual byte; by default the chain source's estimate.
    fn send_onchain<'a>(
        &'a self,
        address: &'a str,
        amount_sat: Option<u64>,
        fee_rate: Option<u64>,
    ) -> BoxFuture<'a, Result<String, OperateError>>;

    /// Opens a channel, and returns its name.
    fn open_channel<'a>(&'a self, request: &'a NewChannel) -> BoxFuture<'a, Result<String, OperateError>>;

    /// Waits for the channels of a node that has just started, for at most that long: they become usable as their peers answer.
    fn wait_for_peers(&self, at_most: Duration) -> BoxFuture<'_, ()>;

    /// Waits until a channel can be used, for at most that long.
    fn wait_until_usable<'a>(&'a self, name: &'a str, at_most: Duration) -> BoxFuture<'a, Result<(), OperateError>>;

    /// Closes a channel together with the peer.
    fn close_channel<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), OperateError>>;

    /// Closes a channel without the peer: the money is locked for days.
    fn force_close_channel<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), OperateError>>;

    /// Stops the node. Its state is on the disk then.
    fn stop(&self) -> BoxFuture<'_, Result<(), OperateError>>;
}

/// Who a node is, and how it fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its public key.
    pub node_id: NodeId,
    /// Its network.
    pub network: Network,
    /// How it fares, in a few words.
    pub health: &'static str,
    /// Where other nodes connect.
    pub listens: Vec<String>,
    /// What its channels can receive.
    pub receivable_msat: Msat,
    /// When it last heard from its chain source.
    pub last_synced: Option<UnixSeconds>,
}

/// A channel of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeChannel {
    /// Its name, as its node writes it.
    pub name: String,
    /// The other node.
    pub peer: NodeId,
    /// Its size, in satoshis.
    pub capacity_sat: u64,
    /// What can be sent.
    pub outbound_msat: Msat,
    /// What can be received.
    pub inbound_msat: Msat,
    /// The transaction that funds it, once there is one.
    pub funding_txid: Option<String>,
    /// How often that transaction is confirmed.
    pub confirmations: u32,
    /// Whether it has been confirmed often enough.
    pub ready: bool,
    /// Whether its peer is there, too.
    pub usable: bool,
    /// Whether the network knows it.
    pub announced: bool,
}

/// Money, in satoshis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeBalances {
    /// On-chain, confirmed or not.
    pub onchain_sat: u64,
    /// Of that, what can be spent now.
    pub spendable_onchain_sat: u64,
    /// Of that, what is kept to pay for closing channels.
    pub reserve_sat: u64,
    /// Ours in channels.
    pub lightning_sat: u64,
}

/// An on-chain address of a node's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnchainAddress {
    /// The address, as its network writes it.
    pub text: String,
    /// The least that nodes of the network pass on to it, in satoshis.
    pub least_sat: u64,
}

/// An on-chain payment that a node has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnchainSent {
    /// The transaction.
    pub txid: String,
    /// What it moved away, in satoshis, without the fee.
    pub amount_sat: u64,
    /// When this was last news.
    pub updated_at: UnixSeconds,
}

/// A channel to open. It costs on-chain money: the capacity, the fee of a transaction, and the reserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChannel {
    /// The other node.
    pub peer: NodeId,
    /// Where it is reached: [`Operator::peer_address`].
    pub address: String,
    /// Its size, in satoshis.
    pub capacity_sat: u64,
    /// What the peer is given at once.
    pub push_msat: Msat,
    /// Whether the network learns of it.
    pub announced: bool,
}

/// Why a node did not do what its operator told it. It reads as its cause does.
#[derive(Debug)]
pub struct OperateError {
    cause: Cause,
    is_unknown: bool,
}

impl OperateError {
    /// The node refused: no money moved.
    pub fn refused(cause: impl Into<Cause>) -> Self {
        Self { cause: cause.into(), is_unknown: false }
    }

    /// The node broke, or gave no sign in time: money may have moved.
    pub fn unknown(cause: impl Into<Cause>) -> Self {
        Self { cause: cause.into(), is_unknown: true }
    }

    /// Tells whether money may have moved.
    pub const fn is_unknown(&self) -> bool {
        self.is_unknown
    }
}

impl fmt::Display for OperateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl core::error::Error for OperateError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.cause.source()
    }
}
