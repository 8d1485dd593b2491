//! The settings of an embedded node that a gateway is paid by.

use crate::config::{ChainSource, LdkConfig};
use core::net::SocketAddr;
use l402_lightning::Network;
use l402_lightning::backend::{PayeeTable, network};
use l402_program::config::{At, Problems, Text, ValueOrigin, address};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// The settings as they are written. The doc comments are the descriptions in the printed schema.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct LdkTable {
    /// directory of the node.
    storage_dir: Option<PathBuf>,
    /// the Bitcoin network.
    #[serde(deserialize_with = "network")]
    #[schemars(with = "Option<String>")]
    network: Option<Network>,
    /// the chain source; exactly one of the three.
    chain: Option<At<Chain>>,
    /// addresses for other nodes, such as `0.0.0.0:9735`. Default: none.
    listen: Option<At<Vec<At<String>>>>,
    /// the name that other nodes see.
    alias: Option<At<String>>,
}

/// The chain source.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Chain {
    /// An Esplora server, such as `https://esplora.example/api`.
    esplora: Option<At<String>>,
    /// An Electrum server, such as `ssl://electrum.example:50002`.
    electrum: Option<At<String>>,
    /// A bitcoind.
    bitcoind: Option<Bitcoind>,
}

/// The RPC interface of a bitcoind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bitcoind {
    /// Its host.
    host: String,
    /// Its RPC port.
    port: u16,
    /// The RPC user.
    user: String,
    /// The RPC password.
    password: At<Text>,
}

/// Turns what is written into settings that make sense.
pub(super) struct Reader<'a, 't> {
    pub(super) table: &'a PayeeTable<'a>,
    pub(super) problems: &'a mut Problems<'t>,
}

impl Reader<'_, '_> {
    pub(super) fn config(&mut self, written: LdkTable) -> Option<LdkConfig> {
        if written.network.is_none() {
            let message = "write \"bitcoin\" for real money, or \"testnet\", \"signet\" or \"regtest\"";
            self.problems.missing(&self.table.key("network"), message);
        }
        if written.chain.is_none() {
            let message = "missing chain source, such as chain = { esplora = \"https://…/api\" }";
            self.problems.missing(&self.table.key("chain"), message);
        }
        let listen = self.listen(written.listen.as_ref().map_or(&[], |at| &at.value));
        let listens = listen.as_ref().is_none_or(|addresses| !addresses.is_empty());
        let chain = written.chain.and_then(|at| self.chain(at));
        let alias = self.alias(written.alias, listens);
        let storage = self.table.directory(written.storage_dir, "node")?;
        let mut config = LdkConfig::new(written.network?, chain?, storage);
        (config.listen, config.alias) = (listen?, alias);
        Some(config)
    }

    fn listen(&mut self, written: &[At<String>]) -> Option<Vec<SocketAddr>> {
        let key = self.table.key("listen");
        let addresses: Vec<Option<SocketAddr>> =
            written.iter().map(|at| self.problems.parse_with(&key, at, address)).collect();
        addresses.into_iter().collect()
    }

    fn alias(&mut self, written: Option<At<String>>, listens: bool) -> Option<String> {
        let (at, key) = (written?, self.table.key("alias"));
        if !listens {
            self.problems.wrong(&key, &at, "`alias` needs `listen`");
        }
        if at.value.len() > MAX_ALIAS {
            self.problems.wrong(&key, &at, format_args!("at most {MAX_ALIAS} bytes fit"));
        }
        Some(at.value)
    }

    fn chain(&mut self, written: At<Chain>) -> Option<ChainSource> {
        let origin = written.origin;
        match (written.value.esplora, written.value.electrum, written.value.bitcoind) {
            (Some(at), None, None) => {
                let url = self.url("chain.esplora", at, &["https://", "http://"])?;
                Some(ChainSource::Esplora { url })
            }
            (None, Some(at), None) => {
                let url = self.url("chain.electrum", at, &["ssl://", "tcp://"])?;
                Some(ChainSource::Electrum { url })
            }
            (None, None, Some(written)) => self.bitcoind(written, &origin),
            _ => {
                let message = "name exactly one of esplora, electrum and bitcoind";
                self.problems.wrong_at(&self.table.key("chain"), &origin, message);
                None
            }
        }
    }

    fn url(&mut self, key: &str, at: At<String>, schemes: &[&str]) -> Option<String> {
        let after_scheme = schemes.iter().find_map(|scheme| at.value.strip_prefix(scheme));
        if after_scheme.is_none_or(str::is_empty) {
            let message = format_args!("write an address that begins with {}", schemes.join(" or "));
            self.problems.wrong(&self.table.key(key), &at, message);
            return None;
        }
        Some(at.value)
    }

    fn bitcoind(&mut self, written: Bitcoind, origin: &ValueOrigin) -> Option<ChainSource> {
        match written.password.value.resolve(self.table.environment) {
            Ok(password) => {
                let Bitcoind { host, port, user, .. } = written;
                Some(ChainSource::BitcoindRpc { host, port, user, password })
            }
            Err(fault) => {
                self.problems.wrong_at(&self.table.key("chain.bitcoind.password"), origin, fault);
                None
            }
        }
    }
}

/// BOLT 7: an alias has 32 bytes.
const MAX_ALIAS: usize = 32;
