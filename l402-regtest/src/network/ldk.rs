//! An LDK node of this process that can be stopped and started again.

use core::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use l402_ldk::{ChainSource, LdkConfig, LdkNode, NodeStartError};
use l402_lightning::Network as Chain;

/// A node and what it is started with.
#[derive(Clone)]
pub(super) struct LdkMember {
    config: Arc<LdkConfig>,
    address: SocketAddr,
    node: Arc<RwLock<LdkNode>>,
}

impl LdkMember {
    /// Starts a new node in the folder `dir`.
    pub(super) async fn start(
        name: &str,
        dir: &Path,
        address: SocketAddr,
        chain: ChainSource,
    ) -> Result<Self, NodeStartError> {
        let mut config = LdkConfig::new(Chain::Regtest, chain, dir);
        config.listen.push(address);
        config.alias = Some(name.to_owned());
        let node = LdkNode::start(config.clone()).await?;
        Ok(Self { config: Arc::new(config), address, node: Arc::new(RwLock::new(node)) })
    }

    /// Starts the node again, if it was stopped.
    pub(super) async fn start_again(&self) -> Result<(), NodeStartError> {
        if self.node().is_running() {
            return Ok(());
        }
        let node = LdkNode::start(LdkConfig::clone(&self.config)).await?;
        *self.node.write().unwrap_or_else(PoisonError::into_inner) = node;
        Ok(())
    }

    /// Where other nodes reach it.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node of the last start.
    pub(super) fn node(&self) -> LdkNode {
        self.node.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
