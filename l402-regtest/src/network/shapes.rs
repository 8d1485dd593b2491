//! Networks that tests often want.

use super::builder::{DEFAULT_CHANNEL_SAT, NetworkBuilder};
use super::{Network, NodeKind};

/// The names along a line.
const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// The nodes in the middle of a matrix, and what they are.
const HUBS: [(&str, NodeKind); 2] = [("hub-1", NodeKind::Lnd), ("hub-2", NodeKind::Ldk)];

/// The one who pays in [`Network::matrix`], and its kind.
pub const PAYERS: [(&str, NodeKind); 2] = [("payer-lnd", NodeKind::Lnd), ("payer-ldk", NodeKind::Ldk)];

/// The one who is paid in [`Network::matrix`], and its kind.
pub const PAYEES: [(&str, NodeKind); 2] = [("payee-lnd", NodeKind::Lnd), ("payee-ldk", NodeKind::Ldk)];

impl Network {
    /// Returns nodes of these `kinds` in a line: `alice — bob — carol — dave — erin`, as far as there are kinds.
    pub fn line(kinds: &[NodeKind]) -> NetworkBuilder {
        let nodes = || NAMES.iter().zip(kinds);
        let network = nodes().fold(Self::builder(), |network, (name, kind)| network.node(name, *kind));
        nodes()
            .zip(nodes().skip(1))
            .fold(network, |network, ((from, _), (to, _))| network.channel(from, to, DEFAULT_CHANNEL_SAT))
    }

    /// Returns `alice` and `bob` with a channel between them.
    pub fn direct(from: NodeKind, to: NodeKind) -> NetworkBuilder {
        Self::line(&[from, to])
    }

    /// Returns `alice` and `carol`, and an LND between them.
    pub fn one_hop(from: NodeKind, to: NodeKind) -> NetworkBuilder {
        Self::line(&[from, NodeKind::Lnd, to])
    }

    /// Returns `alice` and `dave`, and between them an LND and an LDK node.
    pub fn two_hops(from: NodeKind, to: NodeKind) -> NetworkBuilder {
        Self::line(&[from, NodeKind::Lnd, NodeKind::Ldk, to])
    }

    /// Returns both kinds of payer ([`PAYERS`]) and of payee ([`PAYEES`]), so that each payer reaches each payee over exactly
    /// `hops` nodes: 0 (a channel from each to each), 1 (`hub-1`, an LND), or 2 (and `hub-2`, an LDK node); more are taken for 2.
    ///
    /// Starting one network takes less time than starting one for each pair.
    pub fn matrix(hops: usize) -> NetworkBuilder {
        let hubs = &HUBS[..hops.min(HUBS.len())];
        let nodes = PAYEES.iter().chain(hubs).chain(&PAYERS);
        let network = nodes.fold(Self::builder(), |network, (name, kind)| network.node(name, *kind));
        let pairs = |from: &'static [(&str, NodeKind)], to: &'static [(&str, NodeKind)]| {
            from.iter().flat_map(move |(from, _)| to.iter().map(move |(to, _)| (*from, *to)))
        };
        let (first, last) = (&hubs[..hubs.len().min(1)], &hubs[hubs.len().saturating_sub(1)..]);
        let outer: Vec<_> = if hubs.is_empty() {
            pairs(&PAYERS, &PAYEES).collect()
        } else {
            let between = hubs.iter().zip(&hubs[1..]).map(|((from, _), (to, _))| (*from, *to));
            pairs(&PAYERS, first).chain(between).chain(pairs(last, &PAYEES)).collect()
        };
        outer.into_iter().fold(network, |network, (from, to)| network.channel(from, to, DEFAULT_CHANNEL_SAT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(network: &NetworkBuilder) -> Vec<(&str, &str)> {
        network.channels.iter().map(|channel| (channel.from.as_str(), channel.to.as_str())).collect()
    }

    #[test]
    fn a_line_has_a_channel_between_neighbours() {
        let network = Network::two_hops(NodeKind::Ldk, NodeKind::Lnd);
        assert_eq!(channels(&network), [("alice", "bob"), ("bob", "carol"), ("carol", "dave")]);
        let kinds: Vec<_> = network.nodes.iter().map(|node| node.kind).collect();
        assert_eq!(kinds, [NodeKind::Ldk, NodeKind::Lnd, NodeKind::Ldk, NodeKind::Lnd]);
    }

    #[test]
    fn a_matrix_joins_each_payer_to_each_payee() {
        let direct = Network::matrix(0);
        assert_eq!(direct.nodes.len(), 4);
        let both = ["payee-lnd", "payee-ldk"];
        let expected: Vec<_> = ["payer-lnd", "payer-ldk"].iter().flat_map(|from| both.map(|to| (*from, to))).collect();
        assert_eq!(channels(&direct), expected);

        let one = Network::matrix(1);
        let in_and_out =
            [("payer-lnd", "hub-1"), ("payer-ldk", "hub-1"), ("hub-1", "payee-lnd"), ("hub-1", "payee-ldk")];
        assert_eq!((one.nodes.len(), channels(&one)), (5, in_and_out.to_vec()));

        let two = Network::matrix(2);
        assert_eq!(two.nodes.len(), 6);
        assert_eq!(channels(&two)[2..4], [("hub-1", "hub-2"), ("hub-2", "payee-lnd")]);
    }
}
