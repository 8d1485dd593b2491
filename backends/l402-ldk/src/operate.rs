//! What an operator does with a node: money in, channels, state.

use super::channels::{self, ChannelId};
use super::config::PeerAddress;
use super::error::NodeError;
use super::node::LdkNode;
use core::net::SocketAddr;
use core::time::Duration;
use l402_core::{Msat, UnixSeconds};
use l402_lightning::NodeId;
use l402_lightning::operate::NodeChannel;
use ldk_node::{Node, NodeError as LdkError};
use std::net::ToSocketAddrs as _;
use std::time::Instant;
use tokio::time::sleep;

/// A channel to open. It costs on-chain money: the capacity, the fee of a transaction, and the reserve.
#[derive(Debug, Clone)]
pub struct ChannelRequest {
    /// The other node.
    pub peer: NodeId,
    /// Where it is reached.
    pub address: PeerAddress,
    /// How large, in satoshis: at most 16,777,215.
    pub capacity_sat: u64,
    /// What the peer is given at once, in millisatoshis.
    pub push_msat: Msat,
    /// Whether the network learns of it; needs an alias and a listening address on both sides.
    pub announced: bool,
}

/// Money, in satoshis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balances {
    /// On-chain, confirmed or not.
    pub onchain_sat: u64,
    /// Of that, what can be spent now.
    pub spendable_onchain_sat: u64,
    /// Of that, what is kept to pay for closing channels.
    pub anchor_reserve_sat: u64,
    /// Ours in channels.
    pub lightning_sat: u64,
}

impl LdkNode {
    /// Returns where the node listens.
    pub fn listening_addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.node().ok().and_then(|node| node.listening_addresses()).unwrap_or_default();
        addresses.iter().filter_map(|address| address.to_socket_addrs().ok()?.next()).collect()
    }

    /// Returns all channels; none of a node that has not started, or has failed.
    pub fn channels(&self) -> Vec<NodeChannel> {
        self.node().map_or_else(|_| Vec::new(), |node| node.list_channels().iter().map(channels::state).collect())
    }

    /// Returns how many usable channels with a peer an invoice can name: those for which the peer has told what it charges.
    pub fn nameable_channels(&self, peer: NodeId) -> usize {
        let Ok(node) = self.node() else { return 0 };
        let channels = node.list_channels().into_iter();
        let usable = channels.filter(|channel| channel.is_usable && channel.counterparty_node_id == *peer.public_key());
        usable.filter(|channel| channel.counterparty_forwarding_info_fee_base_msat.is_some()).count()
    }

    /// Returns how many announced channels of the network the node knows with the terms of both directions. Routes lead through
    /// these, and through channels of its own.
    pub fn known_channels(&self) -> usize {
        let Ok(node) = self.node() else { return 0 };
        let graph = node.network_graph();
        let known = graph.list_channels().into_iter().filter_map(|id| graph.channel(id));
        known.filter(|channel| channel.one_to_two.is_some() && channel.two_to_one.is_some()).count()
    }

    /// Sets for how many blocks longer than the next node this one asks for what it forwards, on all announced channels; 72 by
    /// default. They are announced anew with that, which also brings a network what it has lost of the first announcement.
    ///
    /// # Errors
    /// [`NodeError`]; fewer than 34 blocks are refused.
    pub async fn set_time_lock(&self, blocks: u16) -> Result<(), NodeError> {
        self.on_node(move |node| {
            for channel in node.list_channels().into_iter().filter(|channel| channel.is_announced) {
                let mut config = channel.config;
                config.cltv_expiry_delta = blocks;
                node.update_channel_config(&channel.user_channel_id, channel.counterparty_node_id, config)?;
            }
            Ok(())
        })
        .await
    }

    /// Returns one channel; `None` when there is none of that name, or it is closed.
    pub fn channel(&self, id: ChannelId) -> Option<NodeChannel> {
        let name = id.to_string();
        self.channels().into_iter().find(|channel| channel.name == name)
    }

    /// Returns the balances as of the last synchronisation.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn balances(&self) -> Result<Balances, NodeError> {
        let balances = self.on_node(|node| Ok(node.list_balances())).await?;
        Ok(Balances {
            onchain_sat: balances.total_onchain_balance_sats,
            spendable_onchain_sat: balances.spendable_onchain_balance_sats,
            anchor_reserve_sat: balances.total_anchor_channels_reserve_sats,
            lightning_sat: balances.total_lightning_balance_sats,
        })
    }

    /// Returns a fresh address of the on-chain wallet.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn new_address(&self) -> Result<bitcoin::Address, NodeError> {
        self.on_node(|node| node.onchain_payment().new_address()).await
    }

    /// Asks the chain source for news now instead of at the next turn.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn sync_wallets(&self) -> Result<(), NodeError> {
        self.on_node(Node::sync_wallets).await
    }

    /// Returns when the node last heard from its chain source; `None` when it never did. A node that hears
    /// nothing for hours cannot defend its channels.
    pub fn last_synced(&self) -> Option<UnixSeconds> {
        self.node().ok()?.status().latest_lightning_wallet_sync_timestamp.map(UnixSeconds::new)
    }

    /// Connects to a peer, and again whenever the connection is lost.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn connect(&self, peer: NodeId, address: PeerAddress) -> Result<(), NodeError> {
        self.on_node(move |node| node.connect(*peer.public_key(), address.0, true)).await
    }

    /// Begins to open a channel. It can be used after its transaction is confirmed: [`LdkNode::wait_for_channel`].
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn open_channel(&self, request: ChannelRequest) -> Result<ChannelId, NodeError> {
        let ChannelRequest { peer, address, capacity_sat, push_msat, announced } = request;
        let open = if announced { Node::open_announced_channel } else { Node::open_channel };
        self.on_node(move |node| open(node, *peer.public_key(), address.0, capacity_sat, Some(push_msat.get()), None))
            .await
            .map(ChannelId::from)
    }

    /// Begins to close a channel, together with the peer.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn close_channel(&self, id: ChannelId) -> Result<(), NodeError> {
        let peer = self.channel(id).ok_or(NodeError::NoSuchChannel)?.peer;
        self.on_node(move |node| node.close_channel(&id.to_ldk(), *peer.public_key())).await
    }

    /// Closes a channel without the peer. The money is locked for days, and the fee is higher.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn force_close_channel(&self, id: ChannelId) -> Result<(), NodeError> {
        let peer = self.channel(id).ok_or(NodeError::NoSuchChannel)?.peer;
        self.on_node(move |node| node.force_close_channel(&id.to_ldk(), *peer.public_key(), None)).await
    }

    /// Waits until a channel is as the caller wants it, such as `|channel| channel.usable`.
    ///
    /// # Errors
    /// [`NodeError::NoSuchChannel`] when it is closed meanwhile, [`NodeError::TimedOut`], [`NodeError::NotRunning`].
    pub async fn wait_for_channel(
        &self,
        id: ChannelId,
        at_most: Duration,
        until: impl Fn(&NodeChannel) -> bool + Send,
    ) -> Result<NodeChannel, NodeError> {
        let deadline = Instant::now() + at_most;
        loop {
            self.running()?;
            let channel = self.channel(id).ok_or(NodeError::NoSuchChannel)?;
            if until(&channel) {
                return Ok(channel);
            }
            if Instant::now() >= deadline {
                return Err(NodeError::TimedOut);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    pub(super) async fn on_node<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Node) -> Result<T, LdkError> + Send + 'static,
    ) -> Result<T, NodeError> {
        let node = self.running()?;
        let done = self.spawn_blocking(move || work(&node)).await;
        done.map_err(|_| NodeError::NotRunning)?.map_err(NodeError::from)
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(10);
