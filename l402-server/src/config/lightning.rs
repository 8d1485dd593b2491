//! Where invoices come from.

use core::fmt;
use core::net::SocketAddr;
use l402_lightning::Network;
use l402_program::config::{Variable, address};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

use super::at::{At, ValueOrigin};
use super::file::{self, Backend};
use super::resolve::Resolver;
use crate::variables;

/// Where invoices come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Lightning {
    /// A network inside the process, with play money.
    Sandbox {
        /// Where it lives; [`None`] for a folder that is removed at the end.
        dir: Option<PathBuf>,
    },
    /// An embedded node.
    Ldk(LdkSettings),
    /// An LND that runs elsewhere.
    #[cfg(feature = "lnd")]
    Lnd(l402_lnd::LndConfig),
}

/// Settings of the embedded node.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LdkSettings {
    /// The Bitcoin network.
    pub network: Network,
    /// Where blocks come from.
    pub chain: Chain,
    /// Where the node keeps its seed and state.
    pub storage_dir: PathBuf,
    /// Where other nodes connect; none for a node that only connects by itself.
    pub listen: Vec<SocketAddr>,
    /// The name that other nodes see.
    pub alias: Option<String>,
}

/// Where blocks come from. Of a URL `Debug` shows the scheme and host only: a path may be a key.
#[derive(Clone)]
#[non_exhaustive]
pub enum Chain {
    /// An Esplora server.
    Esplora(String),
    /// An Electrum server.
    Electrum(String),
    /// A bitcoind.
    Bitcoind(Bitcoind),
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Esplora(url) => write!(f, "Esplora({})", origin(url)),
            Self::Electrum(url) => write!(f, "Electrum({})", origin(url)),
            Self::Bitcoind(bitcoind) => bitcoind.fmt(f),
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

/// The RPC interface of a bitcoind. The password is not in its `Debug`.
#[derive(Clone)]
#[non_exhaustive]
pub struct Bitcoind {
    /// Its host.
    pub host: String,
    /// Its RPC port.
    pub port: u16,
    /// The RPC user.
    pub user: String,
    /// The RPC password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Bitcoind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bitcoind")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Resolver<'_> {
    pub(super) fn lightning(&mut self, written: file::Lightning, data_dir: Option<&Path>) -> Option<Lightning> {
        let backend = written.backend.as_ref().map_or_else(|| self.default_backend(), |at| at.value);
        let built = match backend {
            Backend::Sandbox => cfg!(feature = "sandbox"),
            Backend::Ldk => cfg!(feature = "ldk"),
            Backend::Lnd => cfg!(feature = "lnd"),
        };
        if !built {
            let name = backend.name();
            let message = format!("this program was built without the feature `{name}`; choose another backend");
            self.problems.missing("lightning.backend", message);
            return None;
        }
        self.foreign(backend, &written);
        match backend {
            Backend::Sandbox => self.sandbox(written, data_dir),
            Backend::Ldk => self.ldk(written, data_dir).map(Lightning::Ldk),
            #[cfg(feature = "lnd")]
            Backend::Lnd => self.lnd(written).map(Lightning::Lnd),
            #[cfg(not(feature = "lnd"))]
            Backend::Lnd => None,
        }
    }

    /// Whoever names an LND in the environment, or a part of what leads to it, means to sell with it.
    fn default_backend(&self) -> Backend {
        let set = |variable: &Variable| variable.read(self.environment).is_some_and(|value| !value.trim().is_empty());
        if variables::LND.iter().any(set) { Backend::Lnd } else { Backend::Sandbox }
    }

    /// Tells of settings that the backend does not have.
    fn foreign(&mut self, backend: Backend, written: &file::Lightning) {
        let (ldk, lnd, both) = (&[Backend::Ldk][..], &[Backend::Lnd][..], &[Backend::Ldk, Backend::Lnd][..]);
        for (key, origin, owners) in [
            ("lightning.network", origin_of(written.network.as_ref()), both),
            ("lightning.chain", origin_of(written.chain.as_ref()), ldk),
            ("lightning.listen", origin_of(written.listen.as_ref()), ldk),
            ("lightning.alias", origin_of(written.alias.as_ref()), ldk),
            ("lightning.socket", origin_of(written.socket.as_ref()), lnd),
            ("lightning.cert", origin_of(written.cert.as_ref()), lnd),
            ("lightning.macaroon", origin_of(written.macaroon.as_ref()), lnd),
            ("lightning.connect", origin_of(written.connect.as_ref()), lnd),
            ("lightning.private_hints", origin_of(written.private_hints.as_ref()), lnd),
        ] {
            if let Some(origin) = origin.filter(|_| !owners.contains(&backend)) {
                let (this, owner) = (backend.called(), owners.first().map_or("", |owner| owner.name()));
                let message = format!("not a setting of {this}; add backend = \"{owner}\"");
                self.problems.wrong_at(key, origin, message);
            }
        }
        if let Some(at) = written.temporary.as_ref().filter(|_| backend != Backend::Sandbox) {
            self.problems.wrong("lightning.temporary", at, "not allowed with real money");
        }
    }

    fn sandbox(&mut self, written: file::Lightning, data_dir: Option<&Path>) -> Option<Lightning> {
        if written.temporary.is_some_and(|at| at.value) {
            return Some(Lightning::Sandbox { dir: None });
        }
        let dir = self.folder(written.storage_dir, data_dir, "sandbox")?;
        Some(Lightning::Sandbox { dir: Some(dir) })
    }

    fn ldk(&mut self, written: file::Lightning, data_dir: Option<&Path>) -> Option<LdkSettings> {
        if written.network.is_none() {
            let message = "write \"bitcoin\" for real money, or \"testnet\", \"signet\" or \"regtest\"";
            self.problems.missing("lightning.network", message);
        }
        if written.chain.is_none() {
            let message = "missing chain source, such as chain = { esplora = \"https://…/api\" }";
            self.problems.missing("lightning.chain", message);
        }
        let listen = self.listen(written.listen.as_ref().map_or(&[], |at| &at.value));
        let listens = listen.as_ref().is_none_or(|addresses| !addresses.is_empty());
        let chain = written.chain.and_then(|at| self.chain(at));
        let alias = self.alias(written.alias, listens);
        Some(LdkSettings {
            network: network(written.network?.value),
            chain: chain?,
            storage_dir: self.folder(written.storage_dir, data_dir, "node")?,
            listen: listen?,
            alias,
        })
    }

    fn listen(&mut self, written: &[At<String>]) -> Option<Vec<SocketAddr>> {
        let addresses: Vec<Option<SocketAddr>> =
            written.iter().map(|at| self.problems.parse_with("lightning.listen", at, address)).collect();
        addresses.into_iter().collect()
    }

    fn alias(&mut self, written: Option<At<String>>, listens: bool) -> Option<String> {
        let at = written?;
        if !listens {
            self.problems.wrong("lightning.alias", &at, "`alias` needs `listen`");
        }
        if at.value.len() > MAX_ALIAS {
            self.problems.wrong("lightning.alias", &at, format_args!("at most {MAX_ALIAS} bytes fit"));
        }
        Some(at.value)
    }

    fn chain(&mut self, written: At<file::Chain>) -> Option<Chain> {
        let origin = written.origin;
        match (written.value.esplora, written.value.electrum, written.value.bitcoind) {
            (Some(at), None, None) => {
                self.url("lightning.chain.esplora", &at, &["https://", "http://"]).map(Chain::Esplora)
            }
            (None, Some(at), None) => {
                self.url("lightning.chain.electrum", &at, &["ssl://", "tcp://"]).map(Chain::Electrum)
            }
            (None, None, Some(written)) => self.bitcoind(written, &origin).map(Chain::Bitcoind),
            _ => {
                let message = "name exactly one of esplora, electrum and bitcoind";
                self.problems.wrong_at("lightning.chain", &origin, message);
                None
            }
        }
    }

    fn url(&mut self, key: &str, at: &At<String>, schemes: &[&str]) -> Option<String> {
        let after_scheme = schemes.iter().find_map(|scheme| at.value.strip_prefix(scheme));
        if after_scheme.is_none_or(str::is_empty) {
            self.problems.wrong(key, at, format_args!("write an address that begins with {}", schemes.join(" or ")));
            return None;
        }
        Some(at.value.clone())
    }

    fn bitcoind(&mut self, written: file::Bitcoind, origin: &ValueOrigin) -> Option<Bitcoind> {
        match written.password.value.resolve(self.environment) {
            Ok(password) => {
                let file::Bitcoind { host, port, user, .. } = written;
                Some(Bitcoind { host, port, user, password })
            }
            Err(fault) => {
                self.problems.wrong_at("lightning.chain.bitcoind.password", origin, fault);
                None
            }
        }
    }
}

fn origin_of<T>(at: Option<&At<T>>) -> Option<&ValueOrigin> {
    at.map(|at| &at.origin)
}

pub(super) const fn network(written: file::Network) -> Network {
    match written {
        file::Network::Bitcoin => Network::Bitcoin,
        file::Network::Testnet => Network::Testnet,
        file::Network::Signet => Network::Signet,
        file::Network::Regtest => Network::Regtest,
    }
}

/// BOLT 7: an alias has 32 bytes.
const MAX_ALIAS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key_of_a_url() {
        let esplora = Chain::Esplora("https://me:canary@a.example:8/canary?canary".into());
        assert_eq!(format!("{esplora:?}"), "Esplora(https://a.example:8)");
        let electrum = Chain::Electrum("ssl://a.example:50002/canary".into());
        assert_eq!(format!("{electrum:?}"), "Electrum(ssl://a.example:50002)");
    }
}
