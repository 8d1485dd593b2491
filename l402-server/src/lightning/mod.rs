//! The node that is paid: that of the sandbox, or one with real money. Either is an embedded ldk-node.

use core::fmt;
use l402_lightning::ldk::{LdkNode, NodeError, StartError};

use crate::Payee;
use crate::config;

/// A node that runs, and what runs beside it.
#[derive(Debug)]
pub struct Lightning {
    node: LdkNode,
    #[cfg(feature = "sandbox")]
    sandbox: Option<Sandbox>,
}

impl Lightning {
    /// Starts what the configuration names, and waits until it can be paid.
    ///
    /// # Errors
    /// [`LightningError`].
    pub async fn start(settings: &config::Lightning) -> Result<Self, LightningError> {
        match settings {
            #[cfg(feature = "sandbox")]
            config::Lightning::Sandbox { dir } => Self::sandbox(dir.as_deref()).await,
            #[cfg(feature = "ldk")]
            config::Lightning::Ldk(settings) => Self::ldk(settings).await,
            #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
            _ => Err(LightningError::NotBuilt),
        }
    }

    /// Returns who is paid.
    pub fn payee(&self) -> Payee<LdkNode> {
        Payee::new(self.node.clone(), self.node.network()).id(self.node.node_id())
    }

    /// Stops the node, and the sandbox with it.
    ///
    /// # Errors
    /// [`NodeError`] when it did not stop as it should; its state on the disk is whole even then.
    pub async fn stop(self) -> Result<(), NodeError> {
        #[cfg(feature = "sandbox")]
        if let Some(sandbox) = self.sandbox {
            drop(sandbox.wallet); // it pays from a node that is about to stop
            return sandbox.network.stop().await;
        }
        self.node.stop().await
    }

    #[cfg(feature = "sandbox")]
    async fn sandbox(dir: Option<&std::path::Path>) -> Result<Self, LightningError> {
        let builder = l402_regtest::Sandbox::builder();
        let builder = match dir {
            Some(dir) => builder.dir(dir),
            None => builder,
        };
        let network = builder.start().await.map_err(LightningError::Sandbox)?;
        let file = l402_lightning::sandbox::default_path().ok_or(LightningError::NoStateDirectory)?;
        let wallet = l402_regtest::wallet::serve(network.payer().clone(), file).map_err(LightningError::Wallet)?;
        Ok(Self { node: network.payee().clone(), sandbox: Some(Sandbox { wallet, network }) })
    }

    #[cfg(feature = "ldk")]
    async fn ldk(settings: &config::LdkSettings) -> Result<Self, LightningError> {
        use l402_lightning::ldk::{ChainSource, LdkConfig};

        let chain = match &settings.chain {
            config::Chain::Esplora(url) => ChainSource::Esplora { url: url.clone() },
            config::Chain::Electrum(url) => ChainSource::Electrum { url: url.clone() },
            config::Chain::Bitcoind(config::Bitcoind { host, port, user, password }) => ChainSource::BitcoindRpc {
                host: host.clone(),
                port: *port,
                user: user.clone(),
                password: password.clone(),
            },
        };
        let mut config = LdkConfig::new(settings.network, chain, &settings.storage_dir);
        config.listen.clone_from(&settings.listen);
        config.alias.clone_from(&settings.alias);
        let node = LdkNode::start(config).await.map_err(LightningError::Node)?;
        report(&node);
        Ok(Self {
            node,
            #[cfg(feature = "sandbox")]
            sandbox: None,
        })
    }
}

/// Tells the operator what peers need to know of the node, and what keeps it from being paid.
#[cfg(feature = "ldk")]
fn report(node: &LdkNode) {
    let inbound = node.channels().into_iter().filter(|channel| channel.ready).map(|channel| channel.inbound_msat);
    let inbound_msat = inbound.fold(0, u64::saturating_add);
    tracing::info!(
        node_id = %node.node_id(),
        listen = ?node.listening_addresses(),
        inbound_sat = inbound_msat / 1_000,
        "the Lightning node runs"
    );
    if inbound_msat == 0 {
        tracing::warn!(
            "no channel can receive: every priced call will be answered 503; open a channel to this node or buy inbound liquidity"
        );
    }
    if node.last_synced().is_none() {
        tracing::warn!("the Lightning node has not heard from its chain source yet; is that up?");
    }
}

/// What makes a sandbox of a node: the network around it, and the wallet that pays it.
#[cfg(feature = "sandbox")]
struct Sandbox {
    wallet: l402_regtest::wallet::WalletServer,
    network: l402_regtest::Sandbox,
}

#[cfg(feature = "sandbox")]
impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("dir", &self.network.dir()).finish_non_exhaustive()
    }
}

/// Why there is no node.
#[derive(Debug)]
#[non_exhaustive]
pub enum LightningError {
    /// The node does not start.
    Node(StartError),
    /// The sandbox does not start.
    #[cfg(feature = "sandbox")]
    Sandbox(l402_regtest::StartError),
    /// The sandbox's wallet cannot be served.
    #[cfg(feature = "sandbox")]
    Wallet(l402_regtest::wallet::ServeError),
    /// There is no folder to announce the sandbox's wallet in.
    #[cfg(feature = "sandbox")]
    NoStateDirectory,
    /// The program was built without the feature that the backend needs.
    #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
    NotBuilt,
}

impl fmt::Display for LightningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node(_) => "the Lightning node does not start",
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => "the sandbox does not start",
            #[cfg(feature = "sandbox")]
            Self::Wallet(_) => "the sandbox's wallet cannot be served",
            #[cfg(feature = "sandbox")]
            Self::NoStateDirectory => "no folder to announce the sandbox's wallet in; set L402_SANDBOX to a file",
            #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
            Self::NotBuilt => "the program was built without this Lightning backend",
        })
    }
}

impl core::error::Error for LightningError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Node(cause) => Some(cause),
            #[cfg(feature = "sandbox")]
            Self::Sandbox(cause) => Some(cause),
            #[cfg(feature = "sandbox")]
            Self::Wallet(cause) => Some(cause),
            #[cfg(feature = "sandbox")]
            Self::NoStateDirectory => None,
            #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
            Self::NotBuilt => None,
        }
    }
}
