//! The life of a node: run, stop.

use super::error::{NodeError, NodeFailure, NodeStartError};
use super::events::News;
use super::health::{Health, NodeHealth};
use super::mint::Mint;
use super::shell::Shell;
use core::fmt;
use l402_lightning::{Network, NodeId};
use ldk_node::Node;
use std::sync::Arc;
use std::{io, thread};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// An embedded Lightning node: payee, payer, and the record of what was settled. Clones are the same node.
///
/// It runs on threads of its own and can be called from any runtime. It stops when the last clone is dropped, which then
/// blocks until the node's state is on the disk; [`LdkNode::stop`] does the same without blocking.
///
/// A panic on one of its threads, or a record that cannot be written, is its end: see [`LdkNode::failed`]. To notice a panic it
/// adds itself to the program's panic hook, which is called as before.
#[derive(Clone)]
pub struct LdkNode(Arc<Inner>);

impl LdkNode {
    /// Stops the node: no call succeeds after this one. Stopping twice is no error. A node that has failed is cut off: its threads
    /// end, and nothing more is written.
    ///
    /// # Errors
    /// [`NodeError`] when it did not stop as it should. Its state on the disk is whole even then.
    pub async fn stop(&self) -> Result<(), NodeError> {
        self.0.shell.stop().await
    }

    /// Returns the network.
    pub fn network(&self) -> Network {
        self.0.network
    }

    /// Returns the public key.
    pub fn node_id(&self) -> NodeId {
        self.0.mint.payee()
    }

    /// Tells whether the node runs.
    pub fn is_running(&self) -> bool {
        self.running().is_ok()
    }

    /// Returns whether the node can be relied on.
    pub fn health(&self) -> NodeHealth {
        self.0.health.now()
    }

    /// Watches [`LdkNode::health`].
    pub fn watch_health(&self) -> watch::Receiver<NodeHealth> {
        self.0.health.subscribe()
    }

    /// Waits until the node has failed, if it ever does. The process should end then, and be started anew.
    pub async fn failed(&self) -> NodeFailure {
        let mut health = self.0.health.subscribe();
        loop {
            if let NodeHealth::Failed(failure) = &*health.borrow_and_update() {
                return failure.clone();
            }
            if health.changed().await.is_err() {
                core::future::pending::<()>().await; // this handle keeps the sender
            }
        }
    }

    /// The node, unless it has not started, or has failed: then it must not be asked. One that was stopped still tells what it knows.
    pub(super) fn node(&self) -> Result<&Arc<Node>, NodeError> {
        self.0.health.intact()?;
        self.0.shell.node().ok_or(NodeError::Starting)
    }

    pub(super) fn running(&self) -> Result<Arc<Node>, NodeError> {
        let node = self.node()?;
        if self.0.shell.is_running() { Ok(node.clone()) } else { Err(NodeError::NotRunning) }
    }

    /// The node, if it may make invoices.
    pub(super) fn selling(&self) -> Result<Arc<Node>, NodeError> {
        self.0.health.sells()?;
        self.running()
    }

    pub(super) fn news(&self) -> &Arc<News> {
        &self.0.news
    }

    pub(super) fn mint(&self) -> &Mint {
        &self.0.mint
    }

    /// Runs what blocks on a thread of the node. It runs to its end, though the caller gives up.
    pub(super) fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.0.shell.handle().spawn_blocking(work)
    }
}

impl From<Inner> for LdkNode {
    fn from(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl fmt::Debug for LdkNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LdkNode({})", self.node_id())
    }
}

pub(super) struct Inner {
    pub(super) network: Network,
    pub(super) mint: Mint,
    pub(super) news: Arc<News>,
    pub(super) health: Arc<Health>,
    pub(super) shell: Arc<Shell>,
}

/// Runs what blocks on a thread of its own: the caller's runtime may have one thread only. If the caller gives up, the node stops as
/// it is dropped.
pub(super) async fn aside(
    start: impl FnOnce() -> Result<LdkNode, NodeStartError> + Send + 'static,
) -> Result<LdkNode, NodeStartError> {
    let (started, result) = oneshot::channel();
    thread::Builder::new()
        .name("l402-ldk-start".into())
        .spawn(move || drop(started.send(start())))
        .map_err(NodeStartError::Threads)?;
    result.await.map_err(|_| NodeStartError::Threads(io::Error::other("the node panicked as it started")))?
}
