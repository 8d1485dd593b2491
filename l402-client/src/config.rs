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
//! # let is_left_out = l402_client::wallet::WalletKind::named("ldk").is_none();
//! # assert!(is_left_out || l402_client::config::Config::parse(text).is_ok());
//! ```

use crate::backends::LEFT_OUT;
use crate::wallet::WalletKind;
use core::fmt;
use l402_agent::amount::Amount;
use l402_lightning::backend::PayerSetup;
use l402_program::config::{ConfigProblem, load};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, de};
use std::sync::{Arc, LazyLock};

pub use l402_program::config::{ConfigError, Source};

/// What the configuration file says.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What pays.
    pub wallet: Option<WalletKind>,
    /// The most to pay for one call, fees not counted.
    pub max_price: Option<Amount>,
    /// The most to pay for routing.
    pub max_fee: Option<Amount>,
    /// The wallets that the file has a table for.
    pub(crate) tables: Vec<WalletKind>,
    /// The table of each wallet of this build.
    pub(crate) setups: Vec<(WalletKind, Arc<dyn PayerSetup>)>,
}

/// The keys at the top of the file. The tables of the wallets are read by these.
#[derive(Debug, Default)]
struct File {
    wallet: Option<WalletKind>,
    max_price: Option<Amount>,
    max_fee: Option<Amount>,
    tables: Vec<WalletKind>,
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = File;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<File, M::Error> {
        let mut file = File::default();
        while let Some(Key(key)) = map.next_key()? {
            match key {
                "wallet" => file.wallet = Some(map.next_value()?),
                "max_price" => file.max_price = Some(map.next_value()?),
                "max_fee" => file.max_fee = Some(map.next_value()?),
                table => {
                    map.next_value::<IgnoredAny>()?;
                    file.tables.extend(WalletKind::named(table));
                }
            }
        }
        Ok(file)
    }
}

/// A key that the file may have. Any other is an error with the place of the key.
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = KEYS.iter().chain(LEFT_OUT).find(|key| **key == name);
        known.map(|key| Self(key)).ok_or_else(|| de::Error::unknown_field(&name, &KEYS))
    }
}

static KEYS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let tables = WalletKind::all().filter(|kind| !kind.settings().is_empty());
    ["wallet", "max_price", "max_fee"].into_iter().chain(tables.map(WalletKind::name)).collect()
});

impl Config {
    /// Reads a source.
    ///
    /// # Errors
    /// [`ConfigError`], which names the file, the line and the key, and repeats no value that may be a password.
    pub fn load(source: Source<'_>) -> Result<Self, ConfigError> {
        load(source, |file: File, place| Self::resolve(&file, place.text).map_err(|problem| vec![problem]))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::load(Source::Text(text))
    }

    fn resolve(file: &File, text: &str) -> Result<Self, ConfigProblem> {
        let &File { wallet, max_price, max_fee, ref tables } = file;
        let setups = WalletKind::all().map(|kind| Ok((kind, kind.read(text)?)));
        let tables = tables.clone();
        Ok(Self { wallet, max_price, max_fee, tables, setups: setups.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[cfg(all(test, feature = "ldk"))]
    #[test]
    fn every_chain_source_can_be_named() {
        for chain in [
            r#"{ esplora = "https://a" }"#,
            r#"{ electrum = "ssl://a:50002" }"#,
            r#"{ bitcoind = { host = "127.0.0.1", port = 8332, user = "u", password = { env = "P" } } }"#,
        ] {
            let config = Config::parse(&format!("[ldk]\nchain = {chain}")).unwrap();
            let named = format!("{config:?}").to_lowercase();
            assert!(named.contains(chain.split_whitespace().nth(1).unwrap()), "{named}");
        }
    }

    #[cfg(all(test, feature = "ldk", feature = "lnd", feature = "nwc", feature = "sandbox"))]
    fn told(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[cfg(all(test, feature = "ldk", feature = "lnd", feature = "nwc", feature = "sandbox"))]
    #[test]
    fn what_is_wrong_names_its_line_its_key_and_the_nearest_one() {
        for (text, expected) in [
            ("max_prize = '1 sat'", "line 1: max_prize: unknown key `max_prize`; did you mean `max_price`?"),
            ("[ldk]\nchian = 1", "line 2: ldk.chian: unknown key `chian`; did you mean `chain`?"),
            ("[lnd]\n\nsockets = 'a:1'", "line 3: lnd.sockets: unknown key `sockets`; did you mean `socket`?"),
            ("\nmax_price = '1'", "line 2: max_price: the unit must be `sat` or `msat`, as in `100 sat`"),
            ("wallet = 'ldkk'", "line 1: wallet: unknown value `ldkk`; did you mean `ldk`?"),
            ("wallet = 'purse'", "line 1: wallet: unknown value; valid are sandbox, ldk, lnd, nwc"),
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

    #[cfg(all(test, feature = "ldk", feature = "lnd"))]
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

    #[cfg(all(test, feature = "nwc"))]
    #[test]
    fn debug_shows_no_connection_string() {
        let config = Config::parse("[nwc]\nnetwork = 'signet'\nuri = 'CANARY'").unwrap();
        let shown = format!("{config:?}");
        assert!(shown.contains("Signet") && !shown.contains("CANARY"), "{shown}");
    }

    #[cfg(all(test, feature = "lnd"))]
    #[test]
    fn debug_shows_no_macaroon() {
        let config = Config::parse("[lnd]\nsocket = 'lnd:1'\ncert = 'CANARY'\nmacaroon = 'CANARY'").unwrap();
        let shown = format!("{config:?}");
        assert!(shown.contains("lnd:1") && !shown.contains("CANARY"), "{shown}");
    }

    #[test]
    fn a_file_that_was_not_asked_for_may_be_missing() {
        let missing = Path::new("/does/not/exist.toml");
        assert!(Config::load(Source::OptionalFile(missing)).is_ok());
        assert!(matches!(Config::load(Source::File(missing)), Err(ConfigError::Unreadable { .. })));
    }
}
