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

use crate::cli::WalletKind;
use core::fmt;
use l402_agent::amount::Amount;
use l402_lightning::Network;
use l402_program::config::load;
use serde::{Deserialize, Deserializer, de};

pub use l402_program::config::{ConfigError, Source};

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
#[serde(deny_unknown_fields, expecting = "{ env = 'NAME' }, which names an environment variable")]
#[non_exhaustive]
pub struct FromEnvironment {
    /// The variable's name.
    pub env: String,
}

impl Config {
    /// Reads a source.
    ///
    /// # Errors
    /// [`ConfigError`], which names the file, the line and the key, and repeats no value that may be a password.
    pub fn load(source: Source<'_>) -> Result<Self, ConfigError> {
        load(source, |file, _| Ok(file))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::load(Source::Text(text))
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
    let name = String::deserialize(deserializer)?;
    name.parse().map(Some).map_err(|_| de::Error::unknown_variant(&name, &NETWORKS))
}

const NETWORKS: [&str; 4] = ["bitcoin", "testnet", "signet", "regtest"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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

    fn told(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_names_its_line_its_key_and_the_nearest_one() {
        for (text, expected) in [
            ("max_prize = '1 sat'", "line 1: max_prize: unknown key `max_prize`; did you mean `max_price`?"),
            ("[ldk]\nchian = 1", "line 2: ldk.chian: unknown key `chian`; did you mean `chain`?"),
            ("[lnd]\n\nsockets = 'a:1'", "line 3: lnd.sockets: unknown key `sockets`; did you mean `socket`?"),
            ("\nmax_price = '1'", "line 2: max_price: the unit must be `sat` or `msat`, as in `100 sat`"),
            ("wallet = 'ldkk'", "line 1: wallet: unknown value `ldkk`; did you mean `ldk`?"),
            ("wallet = 'purse'", "line 1: wallet: unknown value; valid are sandbox, ldk, lnd"),
            ("[ldk]\nnetwork = 'signt'", "line 2: ldk.network: unknown value `signt`; did you mean `signet`?"),
            (
                "[ldk]\nnetwork = 'mainnet'",
                "line 2: ldk.network: unknown value; valid are bitcoin, testnet, signet, regtest",
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
        assert!(told("[ldk]\nchain = { neutrino = 'a' }").contains("valid are esplora, electrum, bitcoind"));
    }

    #[test]
    fn what_is_wrong_names_the_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"\nwalet = 'ldk'").unwrap();
        let fault = Config::load(Source::File(file.path())).unwrap_err().to_string();
        let expected = format!("{}:2: walet: unknown key `walet`; did you mean `wallet`?", file.path().display());
        assert_eq!(fault, expected);
    }

    #[test]
    fn no_value_is_repeated() {
        for (text, part) in [
            (
                "[ldk]\nchain = { bitcoind = { host = 'h', port = 1, user = 'u', password = 'CANARY' } }",
                "ldk.chain.bitcoind.password: invalid type: string, expected { env = 'NAME' }",
            ),
            ("[ldk.chain.bitcoind]\nhost = 'h'\nport = 1\nuser = 'u'\npassword = \"CANARY\"", "line 5"),
            ("[ldk.chain.bitcoind]\npassword = CANARY", "line 2"),
            ("password = 'CANARY", "line 1"),
            ("password = \"\"\"\nCANARY = 1", "line"),
            ("[ldk.chain]\nesplora = ['https://u:CANARY@h']", "ldk.chain.esplora"),
            ("[lnd]\nmacaroon = ['CANARY']", "lnd.macaroon"),
            ("wallet = 'CANARY'", "wallet"),
            ("max_price = 'CANARY'", "max_price"),
            ("[ldk]\nnetwork = 'CANARY'", "ldk.network"),
        ] {
            let fault = Config::parse(text).unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains("CANARY"), "{text}: {fault} {fault:?}");
            assert!(fault.to_string().contains(part), "{text}: {fault}");
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
        assert!(Config::load(Source::OptionalFile(missing)).is_ok());
        assert!(matches!(Config::load(Source::File(missing)), Err(ConfigError::Unreadable { .. })));
    }
}
