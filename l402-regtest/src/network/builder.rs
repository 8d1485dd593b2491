//! A network as it is declared.

use std::path::PathBuf;

use super::NodeKind;
use super::channel::Channel;
use crate::lnd::Binaries;

/// The size of a channel unless another is set.
pub const DEFAULT_CHANNEL_SAT: u64 = 10_000_000;

/// What a network is to be like; see [`Network::builder`](super::Network::builder).
#[derive(Clone, Debug, Default)]
pub struct NetworkBuilder {
    pub(super) nodes: Vec<NodePlan>,
    pub(super) channels: Vec<Channel>,
    pub(super) dir: Option<PathBuf>,
    pub(super) binaries: Option<Binaries>,
}

/// A node to start.
#[derive(Clone, Debug)]
pub(super) struct NodePlan {
    pub(super) name: String,
    pub(super) kind: NodeKind,
    pub(super) options: Vec<String>,
}

impl NetworkBuilder {
    /// Adds an LND process.
    #[must_use]
    pub fn lnd(self, name: &str) -> Self {
        self.lnd_with(name, &[])
    }

    /// Adds an LND process with further lines of `lnd.conf`, such as `bitcoin.timelockdelta=144`.
    #[must_use]
    pub fn lnd_with(mut self, name: &str, options: &[&str]) -> Self {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        self.nodes.push(NodePlan { name: name.to_owned(), kind: NodeKind::Lnd, options });
        self
    }

    /// Adds an LDK node in this process.
    #[must_use]
    pub fn ldk(self, name: &str) -> Self {
        self.node(name, NodeKind::Ldk)
    }

    /// Adds a node of either kind.
    #[must_use]
    pub fn node(mut self, name: &str, kind: NodeKind) -> Self {
        self.nodes.push(NodePlan { name: name.to_owned(), kind, options: Vec::new() });
        self
    }

    /// Adds an announced channel that `from` opens to `to`; each owns half of it.
    #[must_use]
    pub fn channel(self, from: &str, to: &str, capacity_sat: u64) -> Self {
        self.open(Channel::new(from, to, capacity_sat))
    }

    /// Adds a channel. There may be several between the same nodes.
    #[must_use]
    pub fn open(mut self, channel: Channel) -> Self {
        self.channels.push(channel);
        self
    }

    /// Gives every channel that is declared so far the size `capacity_sat`; each side owns half.
    #[must_use]
    pub fn channel_size(mut self, capacity_sat: u64) -> Self {
        for channel in &mut self.channels {
            (channel.capacity_sat, channel.push_sat) = (capacity_sat, capacity_sat / 2);
        }
        self
    }

    /// Keeps all files in the new folder `dir`, for good. By default the folder is temporary, and kept only after a failure.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Takes these programs instead of those that [`Binaries::find`] finds.
    #[must_use]
    pub fn binaries(mut self, binaries: Binaries) -> Self {
        self.binaries = Some(binaries);
        self
    }
}
