//! What the channels look like, and what of it the mint needs.

use core::fmt;
use core::str::FromStr;
use l402_core::Msat;
use l402_lightning::operate::NodeChannel;
use ldk_node::lightning::routing::router::{RouteHint, RouteHintHop};
use ldk_node::lightning_types::routing::RoutingFees;
use ldk_node::{ChannelDetails, Node, UserChannelId};
use std::sync::{Arc, PoisonError, RwLock};

/// A channel, as the node that has it names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelId(u128);

impl ChannelId {
    pub(super) const fn to_ldk(self) -> UserChannelId {
        UserChannelId(self.0)
    }
}

impl From<UserChannelId> for ChannelId {
    fn from(id: UserChannelId) -> Self {
        Self(id.0)
    }
}

impl FromStr for ChannelId {
    type Err = ChannelIdError;

    /// Reads 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, ChannelIdError> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits {
            return Err(ChannelIdError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| ChannelIdError)
    }
}

/// A text is not the name of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelIdError;

impl fmt::Display for ChannelIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a channel's name is 32 hexadecimal digits")
    }
}

impl core::error::Error for ChannelIdError {}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelId({self})")
    }
}

/// The state of a channel. What it can send is what one payment can: the limit of its next HTLC.
pub(super) fn state(channel: &ChannelDetails) -> NodeChannel {
    NodeChannel {
        name: ChannelId::from(channel.user_channel_id).to_string(),
        peer: channel.counterparty_node_id.into(),
        capacity_sat: channel.channel_value_sats,
        outbound_msat: Msat::new(channel.next_outbound_htlc_limit_msat),
        inbound_msat: Msat::new(channel.inbound_capacity_msat),
        funding_txid: channel.funding_txo.map(|outpoint| outpoint.txid.to_string()),
        confirmations: channel.confirmations.unwrap_or(0),
        ready: channel.is_channel_ready,
        usable: channel.is_usable,
        announced: channel.is_announced,
    }
}

/// What an invoice says of our channels, gathered beforehand: asking the node for every invoice would make a challenge dear.
pub(super) struct Inbound(RwLock<Arc<Snapshot>>);

impl Inbound {
    pub(super) fn new() -> Self {
        Self(RwLock::default())
    }

    /// Asks the node.
    pub(super) fn refresh(&self, node: &Node) -> Arc<Snapshot> {
        let snapshot = Arc::new(Snapshot::of(&node.list_channels()));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = snapshot.clone();
        snapshot
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The usable channels at one moment.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    capacity_msat: Msat,
    announced_msat: Msat,
    /// Of the channels that the network does not know, those with the most to receive.
    hints: Vec<RouteHint>,
}

impl Snapshot {
    /// What they can receive together.
    pub(super) const fn capacity_msat(&self) -> Msat {
        self.capacity_msat
    }

    /// Whether our channels, together, can receive an amount.
    pub(super) fn can_receive(&self, amount_msat: Msat) -> bool {
        amount_msat <= self.capacity_msat
    }

    /// The hints that a payer of an amount needs; none where announced channels suffice, lest the others become known.
    pub(super) fn hints(&self, amount_msat: Msat) -> &[RouteHint] {
        if self.announced_msat > Msat::ZERO && amount_msat <= self.announced_msat { &[] } else { &self.hints }
    }

    #[cfg(test)]
    pub(super) const fn of_capacity(capacity_msat: Msat) -> Self {
        Self { capacity_msat, announced_msat: Msat::ZERO, hints: Vec::new() }
    }

    fn of(channels: &[ChannelDetails]) -> Self {
        let usable = || channels.iter().filter(|channel| channel.is_usable);
        let sum =
            |total: Msat, channel: &ChannelDetails| total.saturating_add(Msat::new(channel.inbound_capacity_msat));
        let mut private: Vec<_> = usable().filter(|channel| !channel.is_announced).collect();
        private.sort_by_key(|channel| core::cmp::Reverse(channel.inbound_capacity_msat));
        Self {
            capacity_msat: usable().fold(Msat::ZERO, sum),
            announced_msat: usable().filter(|channel| channel.is_announced).fold(Msat::ZERO, sum),
            hints: private.into_iter().filter_map(hint).take(MAX_HINTS).collect(),
        }
    }
}

/// `None` until the peer has told what it charges for the way through it.
fn hint(channel: &ChannelDetails) -> Option<RouteHint> {
    Some(RouteHint(vec![RouteHintHop {
        src_node_id: channel.counterparty_node_id,
        short_channel_id: channel.inbound_scid_alias.or(channel.short_channel_id)?,
        fees: RoutingFees {
            base_msat: channel.counterparty_forwarding_info_fee_base_msat?,
            proportional_millionths: channel.counterparty_forwarding_info_fee_proportional_millionths?,
        },
        cltv_expiry_delta: channel.counterparty_forwarding_info_cltv_expiry_delta?,
        htlc_minimum_msat: None, // an invoice has no place for these two
        htlc_maximum_msat: None,
    }]))
}

/// Each lengthens every invoice by 82 characters.
const MAX_HINTS: usize = 3;
