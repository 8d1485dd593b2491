//! A node in this process: with real money, or in the sandbox.

use l402_core::Msat;
use l402_ldk::{LdkNode, NodeFailure, NodeHealth};
use l402_program::Causes;

use super::{LightningError, Node};
use l402_gateway::{Checks, Payee};

/// Returns a node as the one that is paid.
pub(super) fn payee(node: &LdkNode) -> Payee<Node> {
    let (running, room) = (node.clone(), node.clone());
    let checks =
        Checks::default().and("node", move || can_be_paid(&running)).and("disk", move || has_room(&room.health()));
    Payee::new(Node::Ldk(node.clone()), node.network()).id(node.node_id()).checks(checks)
}

fn can_be_paid(node: &LdkNode) -> Result<(), &'static str> {
    match node.health() {
        NodeHealth::Starting(_) => Err("has not started yet"),
        NodeHealth::Failed(_) => Err("has failed"),
        _ if !node.is_running() => Err("has stopped"),
        _ if node.receivable_msat() == Msat::ZERO => Err("no channel can receive"),
        _ => Ok(()),
    }
}

fn has_room(health: &NodeHealth) -> Result<(), &'static str> {
    match health {
        NodeHealth::DiskLow { .. } => Err("is nearly full"),
        NodeHealth::Failed(NodeFailure::Disk(_)) => Err("cannot be written"),
        _ => Ok(()),
    }
}

/// Logs how the node fares, from now on until it has ended or failed: that is told elsewhere.
fn watch(node: &LdkNode) {
    let mut health = node.watch_health();
    tokio::spawn(async move {
        let mut was_low = false;
        loop {
            let now = health.borrow_and_update().clone();
            match &now {
                NodeHealth::Starting(Some(fault)) => tracing::warn!(
                    cause = %Causes(&**fault),
                    "the Lightning node has not started yet, retrying: paid tokens work, nothing is sold"
                ),
                NodeHealth::DiskLow { free_bytes } if !was_low => {
                    tracing::warn!(
                        free_bytes,
                        "the Lightning node's disk is nearly full: nothing is sold until there is space"
                    );
                }
                NodeHealth::Good if was_low => tracing::info!("the Lightning node's disk has space again"),
                _ => {}
            }
            was_low = matches!(now, NodeHealth::DiskLow { .. });
            if matches!(now, NodeHealth::Failed(_)) || health.changed().await.is_err() {
                return;
            }
        }
    });
}

/// Starts a node with real money.
#[cfg(feature = "ldk")]
pub(super) async fn ldk(settings: &crate::config::LdkSettings) -> Result<LdkNode, LightningError> {
    use crate::config::{Bitcoind, Chain};
    use l402_ldk::{ChainSource, LdkConfig};

    let chain = match &settings.chain {
        Chain::Esplora(url) => ChainSource::Esplora { url: url.clone() },
        Chain::Electrum(url) => ChainSource::Electrum { url: url.clone() },
        Chain::Bitcoind(Bitcoind { host, port, user, password }) => {
            ChainSource::BitcoindRpc { host: host.clone(), port: *port, user: user.clone(), password: password.clone() }
        }
    };
    let mut config = LdkConfig::new(settings.network, chain, &settings.storage_dir);
    config.listen.clone_from(&settings.listen);
    config.alias.clone_from(&settings.alias);
    let node = LdkNode::launch(config).await.map_err(LightningError::Node)?;
    watch(&node);
    tokio::spawn(report(node.clone()));
    Ok(node)
}

/// Tells the operator what peers need to know of the node, and what keeps it from being paid.
#[cfg(feature = "ldk")]
async fn report(node: LdkNode) {
    let mut health = node.watch_health();
    let over = |health: &NodeHealth| !matches!(health, NodeHealth::Starting(_));
    if health.wait_for(over).await.is_err() || !node.is_running() {
        return;
    }
    let inbound = node.channels().into_iter().filter(|channel| channel.ready).map(|channel| channel.inbound_msat);
    let inbound = inbound.fold(Msat::ZERO, Msat::saturating_add);
    tracing::info!(
        node_id = %node.node_id(),
        listen = ?node.listening_addresses(),
        inbound_sat = inbound.to_sat_floor(),
        "the Lightning node is running"
    );
    if inbound == Msat::ZERO {
        tracing::warn!(
            "no channel can receive: requests that must be paid get 503; get inbound liquidity (docs/gateway/money.md)"
        );
    }
    if node.last_synced().is_none() {
        tracing::warn!("no data from the chain source yet; is it up?");
    }
}

/// Starts a sandbox, in a folder or in one that is removed at the end, and announces its wallet.
#[cfg(feature = "sandbox")]
pub(super) async fn sandbox(dir: Option<&std::path::Path>) -> Result<Sandbox, LightningError> {
    let builder = l402_regtest::Sandbox::builder();
    let builder = match dir {
        Some(dir) => builder.dir(dir),
        None => builder,
    };
    let network = builder.start().await.map_err(LightningError::Sandbox)?;
    let file = l402_sandbox::default_path().ok_or(LightningError::NoStateDirectory)?;
    let wallet = l402_regtest::wallet::serve(network.payer().clone(), file).map_err(LightningError::Wallet)?;
    watch(network.payee());
    Ok(Sandbox { wallet, network })
}

/// The network around a node with play money, and the wallet that pays it.
#[cfg(feature = "sandbox")]
pub(super) struct Sandbox {
    wallet: l402_regtest::wallet::WalletServer,
    network: l402_regtest::Sandbox,
}

#[cfg(feature = "sandbox")]
impl Sandbox {
    pub(super) fn node(&self) -> &LdkNode {
        self.network.payee()
    }

    /// Waits until one of the nodes has failed: without the payer nothing can be bought either.
    pub(super) async fn failed(&self) -> super::Failed {
        tokio::select! {
            failure = self.network.payee().failed() => super::Failed::new(failure),
            failure = self.network.payer().failed() => super::Failed::new(failure),
        }
    }

    pub(super) async fn stop(self) -> Result<(), super::StopError> {
        drop(self.wallet); // it pays from a node that is about to stop
        self.network.stop().await.map_err(super::StopError::new)
    }
}

#[cfg(feature = "sandbox")]
impl core::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sandbox").field("dir", &self.network.dir()).finish_non_exhaustive()
    }
}
