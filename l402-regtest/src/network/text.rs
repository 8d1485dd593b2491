//! Topologies as people draw them.

use core::fmt;
use core::str::FromStr;

use super::NodeKind;
use super::builder::{DEFAULT_CHANNEL_SAT, NetworkBuilder};

const DASHES: [&str; 4] = ["—", "–", "-", "--"];

/// Reads a topology as people draw it: `alice(lnd) — bob(lnd) — carol(ldk), alice — carol`. Each dash (`—`, `-` or `--` between
/// spaces) is a channel of [`DEFAULT_CHANNEL_SAT`]; the first mention of a node says what it is.
impl FromStr for NetworkBuilder {
    type Err = TopologyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').try_fold(Self::default(), line)
    }
}

/// Reads nodes with a dash between each and the next.
fn line(mut network: NetworkBuilder, text: &str) -> Result<NetworkBuilder, TopologyError> {
    let words: Vec<_> = text.split_whitespace().collect();
    let dashes = words.iter().skip(1).step_by(2);
    if words.len() % 2 == 0 || !dashes.into_iter().all(|word| DASHES.contains(word)) {
        return Err(TopologyError::Dash);
    }
    let mut before = None;
    for word in words.into_iter().step_by(2) {
        let name;
        (network, name) = mention(network, word)?;
        if let Some(before) = before.replace(name) {
            network = network.channel(before, name, DEFAULT_CHANNEL_SAT);
        }
    }
    Ok(network)
}

/// Adds a node at its first mention. Returns its name.
fn mention(network: NetworkBuilder, word: &str) -> Result<(NetworkBuilder, &str), TopologyError> {
    let (name, kind) = match word.strip_suffix(')').and_then(|word| word.split_once('(')) {
        Some((name, kind)) => (name, Some(kind.parse()?)),
        None => (word, None),
    };
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(TopologyError::Name(word.to_owned()));
    }
    let known = network.nodes.iter().find(|node| node.name == name).map(|node| node.kind);
    match (known, kind) {
        (Some(known), Some(kind)) if known != kind => Err(TopologyError::Kind(word.to_owned())),
        (Some(_), _) => Ok((network, name)),
        (None, Some(kind)) => Ok((network.node(name, kind), name)),
        (None, None) => Err(TopologyError::Kind(word.to_owned())),
    }
}

/// A text does not draw a network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopologyError {
    /// This is no name: letters, digits, `-` and `_`.
    Name(String),
    /// It is not said, or said in two ways, what this node is: `(lnd)` or `(ldk)`.
    Kind(String),
    /// Between two nodes of a line there must be one dash with spaces around it, and nowhere else.
    Dash,
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(word) => write!(f, "{word} is no name of a node"),
            Self::Kind(word) => write!(f, "{word} is neither (lnd) nor (ldk), or both"),
            Self::Dash => f.write_str("nodes are joined by one dash with spaces around it, such as `a(lnd) - b(ldk)`"),
        }
    }
}

impl core::error::Error for TopologyError {}

impl FromStr for NodeKind {
    type Err = TopologyError;

    fn from_str(text: &str) -> Result<Self, TopologyError> {
        match text {
            "lnd" => Ok(Self::Lnd),
            "ldk" => Ok(Self::Ldk),
            other => Err(TopologyError::Kind(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_read() {
        let network: NetworkBuilder = "alice(lnd) — bob(lnd) -- carol(ldk), alice - carol, dave(ldk)".parse().unwrap();
        let nodes: Vec<_> = network.nodes.iter().map(|node| (node.name.as_str(), node.kind)).collect();
        let [lnd, ldk] = [NodeKind::Lnd, NodeKind::Ldk];
        assert_eq!(nodes, [("alice", lnd), ("bob", lnd), ("carol", ldk), ("dave", ldk)]);
        let channels: Vec<_> = network.channels.iter().map(ToString::to_string).collect();
        let half = "10000000 sat, 5000000 of them";
        let expected = [("alice", "bob"), ("bob", "carol"), ("alice", "carol")];
        assert_eq!(channels, expected.map(|(from, to)| format!("{from} — {to}: {half} {to}'s")));
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        let kind = |word: &str| TopologyError::Kind(word.to_owned());
        let cases = [
            ("", TopologyError::Dash),
            ("a(lnd) —", TopologyError::Dash),
            ("— a(lnd)", TopologyError::Dash),
            ("a(lnd) — — b(lnd)", TopologyError::Dash),
            ("a(lnd) b(lnd)", TopologyError::Dash),
            ("a", kind("a")),
            ("a(cln)", kind("cln")),
            ("a(lnd) — a(ldk)", kind("a(ldk)")),
            ("../a(lnd)", TopologyError::Name("../a(lnd)".to_owned())),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<NetworkBuilder>().unwrap_err(), expected, "{text}");
        }
    }
}
