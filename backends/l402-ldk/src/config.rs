//! What an operator decides about the node.

use core::fmt;
use core::net::SocketAddr;
use core::str::FromStr;
use l402_lightning::{Network, NodeId};
use ldk_node::lightning::ln::msgs::SocketAddress;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The settings of an [`LdkNode`](super::LdkNode).
///
/// ```
/// use l402_lightning::Network;
/// use l402_ldk::{ChainSource, LdkConfig};
///
/// let chain = ChainSource::Esplora { url: "https://esplora.example/api".into() };
/// let mut config = LdkConfig::new(Network::Signet, chain, "node");
/// config.listen.push("0.0.0.0:9735".parse()?);
/// config.alias = Some("weather".into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LdkConfig {
    /// The chain. A storage directory belongs to one.
    pub network: Network,
    /// Where blocks come from and transactions go.
    pub chain: ChainSource,
    /// The directory of everything that the node remembers; made with mode 0700 where it is missing. Back it up only while the
    /// node is stopped: an old copy of the channels' state loses money.
    pub storage: PathBuf,
    /// The file with the 64 bytes that all keys come from, made with mode 0600 where it is missing. `seed` in the storage
    /// directory by default.
    pub seed_file: Option<PathBuf>,
    /// Where other nodes reach this one. Empty: it connects to others only.
    pub listen: Vec<SocketAddr>,
    /// What others are told instead of `listen`, such as a name or an onion address.
    pub announce: Vec<PeerAddress>,
    /// The public name: at most 32 bytes. Channels can be announced only with a name and an address; a name without an
    /// address is refused.
    pub alias: Option<String>,
    /// Peers whose channels need no [anchor reserve](Self::anchor_reserve_sat), because they are trusted to get a closing
    /// transaction confirmed.
    pub trusted_peers: Vec<NodeId>,
    /// What is kept on-chain for each channel, in satoshis, to pay for closing it (BOLT 3 §Anchors). 25,000 by default.
    pub anchor_reserve_sat: u64,
    /// How much room the disk must have for the node to sell, in bytes: 16 MiB by default. With less it makes no invoices, and
    /// what it has sold still settles.
    pub min_free_bytes: u64,
    /// What the log in the storage directory (`ldk.log`) holds.
    pub log: LogLevel,
}

impl LdkConfig {
    /// Returns the defaults: no listening address, no alias, warnings logged.
    pub fn new(network: Network, chain: ChainSource, storage: impl Into<PathBuf>) -> Self {
        Self {
            network,
            chain,
            storage: storage.into(),
            seed_file: None,
            listen: Vec::new(),
            announce: Vec::new(),
            alias: None,
            trusted_peers: Vec::new(),
            anchor_reserve_sat: 25_000,
            min_free_bytes: 16 << 20,
            log: LogLevel::Warn,
        }
    }
}

/// Where blocks come from and transactions go. `Debug` shows no password, and of a URL the scheme and host only: a path may be a key.
#[derive(Clone)]
#[non_exhaustive]
pub enum ChainSource {
    /// An Esplora server's HTTP interface.
    Esplora {
        /// Its base, such as `https://example.org/api`.
        url: String,
    },
    /// An Electrum server.
    Electrum {
        /// Its address, such as `ssl://example.org:50002`.
        url: String,
    },
    /// The RPC interface of bitcoind.
    BitcoindRpc {
        /// A host name or address.
        host: String,
        /// The port.
        port: u16,
        /// The user's name.
        user: String,
        /// The password.
        password: Zeroizing<String>,
    },
}

impl fmt::Debug for ChainSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Esplora { url } => write!(f, "Esplora({})", origin(url)),
            Self::Electrum { url } => write!(f, "Electrum({})", origin(url)),
            Self::BitcoindRpc { host, port, .. } => write!(f, "BitcoindRpc({host}:{port})"),
        }
    }
}

/// The scheme, host and port of a URL.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// From which level on the node logs. What it logs names payment hashes and peers, never a preimage or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogLevel {
    /// Failures only.
    Error,
    /// And what may become one.
    Warn,
    /// And several lines for each payment.
    Info,
    /// And what a developer needs.
    Debug,
}

/// Where a peer is reached: an IP address, a host name or an onion address, with a port.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerAddress(pub(super) SocketAddress);

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address.into())
    }
}

impl FromStr for PeerAddress {
    type Err = PeerAddressError;

    /// Reads `host:port`; IPv6 addresses in brackets.
    fn from_str(text: &str) -> Result<Self, PeerAddressError> {
        text.parse().map(Self).map_err(|_| PeerAddressError)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerAddress({self})")
    }
}

/// A text is not the address of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddressError;

impl fmt::Display for PeerAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer's address is not host:port")
    }
}

impl core::error::Error for PeerAddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key_of_a_url() {
        let esplora = |url: &str| format!("{:?}", ChainSource::Esplora { url: url.into() });
        assert_eq!(esplora("https://me:canary@a.example:8/canary?canary#canary"), "Esplora(https://a.example:8)");
        assert_eq!(esplora("https://a.example?canary"), "Esplora(https://a.example)");
        let electrum = ChainSource::Electrum { url: "ssl://canary@[::1]:50002".into() };
        assert_eq!(format!("{electrum:?}"), "Electrum(ssl://[::1]:50002)");
    }
}
