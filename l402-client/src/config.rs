//! The configuration file, `l402/client.toml` in the user's configuration folder. Every setting has a default, and a flag
//! on the command line wins.
//!
//! ```
//! # let text = r#"
//! wallet = "ldk"
//! max_price = "250 sat"
//! max_fee = "5 sat"
//!
//! [ldk]
//! network = "signet"
//! chain = { esplora = "https://esplora.example/api" }
//! # "#;
//! # assert!(l402_client::config::Config::parse(text).is_ok());
//! ```

use crate::amount::Amount;
use crate::cli::WalletKind;
use core::fmt;
use l402_lightning::Network;
use serde::{Deserialize, Deserializer, de};
use std::io;
use std::path::Path;

/// What the configuration file says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// What pays.
    pub wallet: Option<WalletKind>,
    /// The most to pay for one call, fees not counted.
    pub max_price: Option<Amount>,
    /// The most to pay for routing.
    pub max_fee: Option<Amount>,
    /// The embedded node.
    #[serde(default)]
    pub ldk: LdkSection,
}

/// `[ldk]`: the embedded node.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LdkSection {
    /// `bitcoin`, `testnet`, `signet` or `regtest`.
    #[serde(default, deserialize_with = "network")]
    pub network: Option<Network>,
    /// Where the node sees the chain.
    pub chain: Option<Chain>,
}

/// Where the embedded node sees the chain.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Chain {
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
#[non_exhaustive]
pub struct Bitcoind {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The password, which has no place in a file that is copied about.
    pub password: FromEnvironment,
}

/// `{ env = "NAME" }`: what an environment variable holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FromEnvironment {
    /// The variable's name.
    pub env: String,
}

impl Config {
    /// Reads a file. Where `required` is false, a file that is not there is an empty one.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path, required: bool) -> Result<Self, ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !required => return Ok(Self::default()),
            Err(cause) => return Err(ConfigError::Read(cause)),
        };
        Self::parse(&text)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ConfigError`], which names the line and the key.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|cause| ConfigError::Parse(Box::new(cause)))
    }
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

fn network<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Network>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(de::Error::custom)
}

/// Why a configuration cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    Read(io::Error),
    /// It is no TOML, or has a key or value that means nothing here.
    Parse(Box<toml::de::Error>),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read(_) => "cannot read the configuration",
            Self::Parse(_) => "the configuration is wrong",
        })
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Read(cause) => Some(cause),
            Self::Parse(cause) => Some(cause.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chain_source_can_be_named() {
        for chain in [
            r#"{ esplora = "https://a" }"#,
            r#"{ electrum = "ssl://a:50002" }"#,
            r#"{ bitcoind = { host = "127.0.0.1", port = 8332, user = "u", password = { env = "P" } } }"#,
        ] {
            let config = Config::parse(&format!("[ldk]\nchain = {chain}")).unwrap();
            assert!(config.ldk.chain.is_some());
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (text, part) in [
            ("max_prize = '1 sat'", "max_prize"),
            ("max_price = '1'", "unit"),
            ("wallet = 'purse'", "purse"),
            ("[ldk]\nnetwork = 'mainnet'", "not one of bitcoin"),
            ("[ldk]\nchain = { neutrino = 'a' }", "neutrino"),
        ] {
            let fault = anyhow::Error::from(Config::parse(text).unwrap_err());
            assert!(format!("{fault:#}").contains(part), "{fault:#}");
        }
    }

    #[test]
    fn a_file_that_was_not_asked_for_may_be_missing() {
        let missing = Path::new("/does/not/exist.toml");
        assert!(Config::read(missing, false).is_ok());
        assert!(matches!(Config::read(missing, true), Err(ConfigError::Read(_))));
    }
}
