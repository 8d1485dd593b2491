//! The node that is paid: that of the sandbox, an embedded one, or an LND that runs elsewhere.

#[cfg(any(feature = "ldk", feature = "sandbox"))]
mod embedded;
mod error;
#[cfg(feature = "lnd")]
mod lnd;
mod node;

use crate::config;
use l402_gateway::Payee;

pub use error::{Failed, LightningError, StopError};
#[cfg(feature = "lnd")]
pub(crate) use lnd::inspect;
pub use node::Node;

/// A node that can be paid, and what runs beside it.
#[derive(Debug)]
pub struct Lightning(Running);

impl Lightning {
    /// Starts what the configuration names. A sandbox can be paid then; an embedded node whose chain source does not answer goes on
    /// trying; an LND only has to be the right one.
    ///
    /// # Errors
    /// [`LightningError`].
    pub async fn start(settings: &config::Lightning) -> Result<Self, LightningError> {
        match settings {
            #[cfg(feature = "sandbox")]
            config::Lightning::Sandbox { dir } => {
                embedded::sandbox(dir.as_deref()).await.map(Box::new).map(Running::Sandbox)
            }
            #[cfg(feature = "ldk")]
            config::Lightning::Ldk(settings) => embedded::ldk(settings).await.map(Running::Ldk),
            #[cfg(feature = "lnd")]
            config::Lightning::Lnd(settings) => lnd::start(settings).await.map(Running::Lnd),
            #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
            _ => Err(LightningError::NotBuilt),
        }
        .map(Self)
    }

    /// Returns who is paid.
    pub fn payee(&self) -> Payee<Node> {
        match &self.0 {
            #[cfg(feature = "sandbox")]
            Running::Sandbox(sandbox) => embedded::payee(sandbox.node()),
            #[cfg(feature = "ldk")]
            Running::Ldk(node) => embedded::payee(node),
            #[cfg(feature = "lnd")]
            Running::Lnd(node) => lnd::payee(node),
        }
    }

    /// Returns the node that is paid, if it runs in this process.
    #[cfg(any(feature = "ldk", feature = "sandbox"))]
    pub fn embedded(&self) -> Option<&l402_ldk::LdkNode> {
        match &self.0 {
            #[cfg(feature = "sandbox")]
            Running::Sandbox(sandbox) => Some(sandbox.node()),
            #[cfg(feature = "ldk")]
            Running::Ldk(node) => Some(node),
            #[cfg(feature = "lnd")]
            Running::Lnd(_) => None,
        }
    }

    /// Waits until the node has failed for good, if it ever does. An LND only ever goes away for a while.
    pub async fn failed(&self) -> Failed {
        match &self.0 {
            #[cfg(feature = "sandbox")]
            Running::Sandbox(sandbox) => sandbox.failed().await,
            #[cfg(feature = "ldk")]
            Running::Ldk(node) => Failed::new(node.failed().await),
            #[cfg(feature = "lnd")]
            Running::Lnd(_) => core::future::pending().await,
        }
    }

    /// Stops the node, and the sandbox with it. An LND runs on.
    ///
    /// # Errors
    /// [`StopError`] when it did not stop as it should; its state on the disk is whole even then.
    #[cfg_attr(
        not(any(feature = "ldk", feature = "sandbox")),
        expect(clippy::unused_async, reason = "only a node in this process has to be waited for")
    )]
    pub async fn stop(self) -> Result<(), StopError> {
        match self.0 {
            #[cfg(feature = "sandbox")]
            Running::Sandbox(sandbox) => sandbox.stop().await,
            #[cfg(feature = "ldk")]
            Running::Ldk(node) => node.stop().await.map_err(StopError::new),
            #[cfg(feature = "lnd")]
            Running::Lnd(_) => Ok(()),
        }
    }
}

#[derive(Debug)]
enum Running {
    #[cfg(feature = "sandbox")]
    Sandbox(Box<embedded::Sandbox>),
    #[cfg(feature = "ldk")]
    Ldk(l402_ldk::LdkNode),
    #[cfg(feature = "lnd")]
    Lnd(l402_lnd::LndPayee),
}
