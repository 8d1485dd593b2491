//! Which Bitcoin chain a payment moves on.

use bitcoin::secp256k1::PublicKey;
use core::fmt;
use core::str::FromStr;
use lightning_invoice::Currency;

/// A Bitcoin network, as the prefix of a BOLT11 invoice names it (BOLT 11 §Human-Readable Part).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// Real money: `lnbc`.
    Bitcoin,
    /// The public test networks, `lntb`: testnet 3 and 4 share the prefix.
    Testnet,
    /// The signed test network: `lntbs`.
    Signet,
    /// A private chain: `lnbcrt`.
    Regtest,
}

impl Network {
    /// Returns the name that settings and messages use: `bitcoin`, `testnet`, `signet`, `regtest`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bitcoin => "bitcoin",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }

    /// `None` for simnet, which nothing else here could reach.
    pub(crate) fn of(currency: &Currency) -> Option<Self> {
        match currency {
            Currency::Bitcoin => Some(Self::Bitcoin),
            Currency::BitcoinTestnet => Some(Self::Testnet),
            Currency::Signet => Some(Self::Signet),
            Currency::Regtest => Some(Self::Regtest),
            Currency::Simnet => None,
        }
    }

    /// Returns the prefix of the invoices of this network.
    pub const fn currency(self) -> Currency {
        match self {
            Self::Bitcoin => Currency::Bitcoin,
            Self::Testnet => Currency::BitcoinTestnet,
            Self::Signet => Currency::Signet,
            Self::Regtest => Currency::Regtest,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Reads what [`Network::as_str`] returns.
    fn from_str(name: &str) -> Result<Self, NetworkError> {
        [Self::Bitcoin, Self::Testnet, Self::Signet, Self::Regtest]
            .into_iter()
            .find(|network| network.as_str() == name)
            .ok_or(NetworkError)
    }
}

/// A text names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkError;

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the network is not one of bitcoin, testnet, signet, regtest")
    }
}

impl core::error::Error for NetworkError {}

/// The public key of a Lightning node: 33 bytes, a compressed point of secp256k1 (BOLT 7 §The `node_announcement` Message).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(PublicKey);

impl NodeId {
    /// Reads a compressed point.
    ///
    /// # Errors
    /// [`NodeIdError`] when the bytes are no point of the curve.
    pub fn from_bytes(bytes: &[u8; 33]) -> Result<Self, NodeIdError> {
        PublicKey::from_slice(bytes).map(Self).map_err(|_| NodeIdError)
    }

    /// Returns the 33 bytes.
    pub fn to_bytes(self) -> [u8; 33] {
        self.0.serialize()
    }

    /// Returns the key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.0
    }
}

impl From<PublicKey> for NodeId {
    fn from(key: PublicKey) -> Self {
        Self(key)
    }
}

impl fmt::Display for NodeId {
    /// Writes 66 hexadecimal digits, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    /// Reads 66 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        if text.len() != 66 {
            return Err(NodeIdError); // the parser beneath takes uncompressed keys too
        }
        text.parse().map(Self).map_err(|_| NodeIdError)
    }
}

/// Bytes or a text are not the public key of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeIdError;

impl fmt::Display for NodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the node id is not a compressed public key of 66 hexadecimal digits")
    }
}

impl core::error::Error for NodeIdError {}
