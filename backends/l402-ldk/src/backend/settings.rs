//! The table `[ldk]` of a program that pays.

use core::fmt;
use l402_lightning::{Network, backend};
use serde::Deserialize;

/// `[ldk]`: the embedded node.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LdkPayerSettings {
    /// `bitcoin`, `testnet`, `signet` or `regtest`.
    #[serde(default, deserialize_with = "backend::network")]
    pub(super) network: Option<Network>,
    /// Where the node sees the chain.
    pub(super) chain: Option<Chain>,
}

/// Where the embedded node sees the chain.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Chain {
    /// The URL of an Esplora server.
    Esplora(String),
    /// The URL of an Electrum server.
    Electrum(String),
    /// The JSON-RPC of a bitcoind.
    Bitcoind(Bitcoind),
}

/// `chain.bitcoind`: the JSON-RPC of a bitcoind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bitcoind {
    /// The host.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// The user.
    pub(super) user: String,
    /// The password, which has no place in a file that is copied about.
    pub(super) password: FromEnvironment,
}

/// `{ env = "NAME" }`: what an environment variable holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "{ env = 'NAME' }, which names an environment variable")]
pub(crate) struct FromEnvironment {
    /// The variable's name.
    pub(super) env: String,
}

impl fmt::Debug for Chain {
    /// Leaves out the URL, which may have a key in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Esplora(_) => "Esplora(..)",
            Self::Electrum(_) => "Electrum(..)",
            Self::Bitcoind(_) => "Bitcoind(..)",
        })
    }
}
