//! The embedded wallet.

use schemars::JsonSchema;
use serde::Serialize;

/// `l402 wallet info`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownWallet {
    /// The node's public key.
    pub node_id: String,
    /// `bitcoin`, `testnet`, `signet` or `regtest`.
    pub network: String,
    /// Everything on-chain, unconfirmed too.
    pub onchain_msat: u64,
    /// What can be spent on-chain.
    pub spendable_onchain_msat: u64,
    /// Everything in channels.
    pub in_channels_msat: u64,
    /// What the channels can send now.
    pub sendable_msat: u64,
}

/// `l402 wallet channels`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChannelList {
    /// The channels.
    pub channels: Vec<ShownChannel>,
}

/// A channel.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownChannel {
    /// Its name, as `close` takes it.
    pub channel: String,
    /// The peer's public key.
    pub peer: String,
    /// What both sides hold together.
    pub capacity_msat: u64,
    /// What can be sent.
    pub sendable_msat: u64,
    /// Whether it can be used.
    pub state: ChannelState,
    /// How many blocks confirm it.
    pub confirmations: u32,
}

/// Whether a channel can be used.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// Payments can go through it.
    Usable,
    /// Its peer is offline.
    PeerOffline,
    /// It is not confirmed yet.
    Unconfirmed,
}
