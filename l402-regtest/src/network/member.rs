//! A node of the network, of whichever kind: what the set-up asks of both.

use core::net::SocketAddr;
use core::time::Duration;

use bitcoin::ScriptBuf;
use l402_ldk::ChannelRequest;
use l402_lightning::NodeId;

use super::error::NetworkError;
use super::ldk::LdkMember;
use crate::chain::Chain;
use crate::lnd::{LndError, LndNode};
use crate::wait;

/// How long a transaction may take into the mempool.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Clone)]
pub(super) enum Kind {
    Lnd(LndNode),
    Ldk(LdkMember),
}

/// How far the channels of a node with one peer are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Payments can pass through them.
    pub(super) active: usize,
    /// Of these, both sides' terms are known, so that invoices can name them.
    pub(super) nameable: usize,
}

impl Member {
    pub(super) fn id(&self) -> Result<NodeId, NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => node.node_id().map_err(|cause| self.lnd(cause)),
            Kind::Ldk(member) => Ok(member.node().node_id()),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        match &self.kind {
            Kind::Lnd(node) => node.peer_address(),
            Kind::Ldk(member) => member.address(),
        }
    }

    /// Whether the node can answer.
    pub(super) fn is_awake(&self) -> bool {
        match &self.kind {
            Kind::Lnd(node) => node.is_awake(),
            Kind::Ldk(member) => member.node().is_running(),
        }
    }

    pub(super) async fn start(&self) -> Result<(), NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => node.start().await.map_err(|cause| self.lnd(cause)),
            Kind::Ldk(member) => {
                member.start_again().await.map_err(|cause| NetworkError::LdkStart(self.name.clone(), cause))
            }
        }
    }

    pub(super) async fn stop(&self) -> Result<(), NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => node.stop().await.map_err(|cause| self.lnd(cause)),
            Kind::Ldk(member) => member.node().stop().await.map_err(|cause| self.ldk(cause)),
        }
    }

    /// Learns of new blocks; an LND does so by itself.
    pub(super) async fn sync(&self) {
        if let Kind::Ldk(member) = &self.kind {
            // A node that misses this, or is stopped, asks for new blocks by itself later.
            let _ = member.node().sync_wallets().await;
        }
    }

    pub(super) async fn script(&self) -> Result<ScriptBuf, NetworkError> {
        let address = match &self.kind {
            Kind::Lnd(node) => node.new_address().await.map_err(|cause| self.lnd(cause))?,
            Kind::Ldk(member) => member.node().new_address().await.map_err(|cause| self.ldk(cause))?,
        };
        Ok(address.script_pubkey())
    }

    pub(super) async fn spendable_sat(&self) -> Result<u64, NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => node.confirmed_sat().await.map_err(|cause| self.lnd(cause)),
            Kind::Ldk(member) => {
                let balances = member.node().balances().await.map_err(|cause| self.ldk(cause))?;
                Ok(balances.spendable_onchain_sat)
            }
        }
    }

    /// Connects to a peer, if it is not connected. The inner error: why that did not work, this time.
    pub(super) async fn connect(&self, peer: &Self) -> Result<Result<(), String>, NetworkError> {
        let (id, address) = (peer.id()?, peer.address());
        Ok(match &self.kind {
            Kind::Lnd(node) => node.connect(id, address).await.map_err(|cause| cause.to_string()),
            Kind::Ldk(member) => member.node().connect(id, address.into()).await.map_err(|cause| cause.to_string()),
        })
    }

    /// Opens a channel; returns when its transaction is in the mempool of `chain`.
    pub(super) async fn open(&self, request: ChannelRequest, chain: &Chain) -> Result<(), NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => {
                let attempt = || async {
                    match node.open_channel(&request).await {
                        // It learns of blocks a moment after they are mined.
                        Err(LndError::Refused(reason)) if reason.contains("sync") => Ok(Err(reason)),
                        other => other.map(Ok),
                    }
                };
                wait::until(PATIENCE, attempt).await.map_err(|cause: LndError| self.lnd(cause))
            }
            Kind::Ldk(member) => {
                let node = member.node();
                let id = node.open_channel(request).await.map_err(|cause| self.ldk(cause))?;
                let funded = || async {
                    let transaction = node.channel(id).and_then(|channel| channel.funding_txid?.parse().ok());
                    let waits = transaction.is_some_and(|txid| chain.lock().mempool().entry(&txid).is_some());
                    Ok::<_, NetworkError>(if waits { Ok(()) } else { Err(format!("{}: no funding", self.name)) })
                };
                wait::until(PATIENCE, funded).await?;
                // The wallet learns from the mempool alone that a coin is spent.
                node.sync_wallets().await.map_err(|cause| self.ldk(cause))
            }
        }
    }

    pub(super) async fn progress(&self, peer: NodeId) -> Result<Progress, NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => lnd_progress(node, peer).await.map_err(|cause| self.lnd(cause)),
            Kind::Ldk(member) => {
                let node = member.node();
                let active = node.channels().iter().filter(|channel| channel.peer == peer && channel.usable).count();
                Ok(Progress { active, nameable: node.nameable_channels(peer) })
            }
        }
    }

    /// Has its channels announced anew, with another time lock than before: nodes pass on only what differs from what they know.
    pub(super) async fn announce_again(&self, time_lock: u16) -> Result<(), NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => node.set_time_lock(time_lock).await.map_err(|cause| self.lnd(cause)),
            Kind::Ldk(member) => member.node().set_time_lock(time_lock).await.map_err(|cause| self.ldk(cause)),
        }
    }

    /// How many announced channels the node knows with the terms of both directions.
    pub(super) async fn known_channels(&self) -> Result<usize, NetworkError> {
        match &self.kind {
            Kind::Lnd(node) => node.known_channels().await.map_err(|cause| self.lnd(cause)),
            Kind::Ldk(member) => Ok(member.node().known_channels()),
        }
    }

    fn lnd(&self, cause: LndError) -> NetworkError {
        NetworkError::Lnd(self.name.clone(), cause)
    }

    fn ldk(&self, cause: l402_ldk::NodeError) -> NetworkError {
        NetworkError::Ldk(self.name.clone(), cause)
    }
}

async fn lnd_progress(node: &LndNode, peer: NodeId) -> Result<Progress, LndError> {
    let peer = peer.to_string();
    let mut progress = Progress::default();
    for channel in node.channels().await? {
        if channel["remote_pubkey"] == peer.as_str() && channel["active"] == true {
            progress.active += 1;
            let id = channel["chan_id"].as_str().ok_or(LndError::NoField("chan_id"))?;
            progress.nameable += usize::from(node.knows_terms(id).await?);
        }
    }
    Ok(progress)
}
