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
    /// An LND that runs elsewhere.
    #[serde(default)]
    pub lnd: LndSection,
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

/// `[lnd]`: an LND that runs elsewhere. The variables `LND_SOCKET`, `LND_CERT` and `LND_MACAROON` go before it, and
/// `LND_CONNECT` in place of all three. `Debug` shows the address alone: the others may be values instead of paths.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LndSection {
    /// `bitcoin`, `testnet`, `signet` or `regtest`; `bitcoin` unless set.
    #[serde(default, deserialize_with = "network")]
    pub network: Option<Network>,
    /// Host and port of its gRPC interface.
    pub socket: Option<String>,
    /// The path of its certificate, or the certificate itself.
    pub cert: Option<String>,
    /// The path of a macaroon with `info:read offchain:read offchain:write`, or the macaroon itself.
    pub macaroon: Option<String>,
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
    /// [`ConfigError`], which names the line and the key, and repeats no value: that may be a password.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|fault| ConfigError::wrong(text, &fault))
    }
}

impl fmt::Debug for LndSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LndSection")
            .field("network", &self.network)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
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
    Wrong {
        /// The line, from 1.
        line: usize,
        /// The key, where it is known.
        key: Option<String>,
    },
}

impl ConfigError {
    /// What the parser says is left out, since it quotes the file.
    fn wrong(text: &str, fault: &toml::de::Error) -> Self {
        let start = fault.span().map_or(0, |span| span.start);
        let (before, after) = text.split_at_checked(start).unwrap_or(("", text));
        // Only of what is TOML it is certain that a key is one, and not a piece of a value.
        let is_toml = toml::from_str::<toml::Table>(text).is_ok();
        let key = is_toml.then(|| key_at(before, after)).flatten();
        Self::Wrong { line: before.matches('\n').count() + 1, key: key.map(str::to_owned) }
    }
}

/// Returns the key that the text after a place begins with, or whose value it begins with.
fn key_at<'a>(before: &'a str, after: &'a str) -> Option<&'a str> {
    let not_bare = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-');
    let key = match before.trim_end().strip_suffix('=') {
        Some(before) => before.trim_end().rsplit(not_bare).next(),
        None => after.split_once('=').map(|(key, _)| key.trim_end()).filter(|key| !key.contains(not_bare)),
    };
    key.filter(|key| !key.is_empty())
}

/// Returns what a key takes.
fn expected(key: &str) -> &'static str {
    match key {
        "wallet" => "it must be `sandbox`, `ldk` or `lnd`",
        "max_price" | "max_fee" => "it must be an amount with its unit, such as \"100 sat\"",
        "network" => "it must be one of bitcoin, testnet, signet and regtest",
        "chain" => "it must name one of esplora, electrum and bitcoind",
        "password" => "it must be { env = \"NAME\" }, which names an environment variable",
        _ => "it is no setting here, or its value is of the wrong kind",
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(_) => f.write_str("cannot read the configuration"),
            Self::Wrong { line, key: Some(key) } => {
                write!(f, "line {line} of the configuration is wrong: `{key}`: {}", expected(key))
            }
            Self::Wrong { line, key: None } => {
                write!(f, "line {line} of the configuration is wrong: it is no TOML, or no setting here")
            }
        }
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Read(cause) => Some(cause),
            Self::Wrong { .. } => None,
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
            ("max_prize = '1 sat'", "line 1 of the configuration is wrong: `max_prize`"),
            (
                "\nmax_price = '1'",
                "line 2 of the configuration is wrong: `max_price`: it must be an amount with its unit",
            ),
            ("wallet = 'purse'", "`wallet`: it must be `sandbox`"),
            ("[ldk]\nnetwork = 'mainnet'", "`network`: it must be one of bitcoin"),
            ("[ldk]\nchain = { neutrino = 'a' }", "line 2 of the configuration is wrong: `neutrino`"),
        ] {
            let fault = anyhow::Error::from(Config::parse(text).unwrap_err());
            assert!(format!("{fault:#}").contains(part), "{fault:#}");
        }
    }

    #[test]
    fn no_value_is_repeated() {
        for (text, part) in [
            ("[ldk]\nchain = { bitcoind = { host = 'h', port = 1, user = 'u', password = 'CANARY' } }", "`password`"),
            ("[ldk.chain.bitcoind]\nhost = 'h'\nport = 1\nuser = 'u'\npassword = \"CANARY\"", "line 5"),
            ("[ldk.chain.bitcoind]\npassword = CANARY", "line 2"),
            ("password = 'CANARY", "line 1"),
            ("password = \"\"\"\nCANARY = 1", "no TOML"),
            ("[ldk.chain]\nesplora = ['https://u:CANARY@h']", "`esplora`"),
            ("[lnd]\nmacaroon = ['CANARY']", "`macaroon`"),
            ("wallet = 'CANARY'", "`wallet`"),
            ("max_price = 'CANARY'", "`max_price`"),
        ] {
            let fault = anyhow::Error::from(Config::parse(text).unwrap_err());
            assert!(!format!("{fault:#} {fault:?}").contains("CANARY"), "{text}: {fault:#}");
            assert!(fault.to_string().contains(part), "{text}: {fault:#}");
        }
    }

    #[test]
    fn debug_shows_no_macaroon() {
        let config = Config::parse("[lnd]\nsocket = 'lnd:1'\ncert = 'CANARY'\nmacaroon = 'CANARY'").unwrap();
        assert_eq!(config.lnd.macaroon.as_deref(), Some("CANARY"));
        assert!(!format!("{config:?}").contains("CANARY"));
    }

    #[test]
    fn a_file_that_was_not_asked_for_may_be_missing() {
        let missing = Path::new("/does/not/exist.toml");
        assert!(Config::read(missing, false).is_ok());
        assert!(matches!(Config::read(missing, true), Err(ConfigError::Read(_))));
    }
}
