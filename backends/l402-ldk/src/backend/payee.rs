//! How a gateway is paid by an embedded node.

use super::table::{LdkTable, Reader};
use crate::config::LdkConfig;
use crate::error::{NodeFailure, NodeStartError};
use crate::health::NodeHealth;
use crate::node::LdkNode;
use l402_core::Msat;
use l402_lightning::backend::{
    KeptPath, OpenPayee, PayeeBackend, PayeeCheck, PayeeSetup, PayeeTable, RunningPayee, Unusable,
};
use l402_lightning::{BoxFuture, Cause, PayeeNode};
use l402_program::Causes;
use l402_program::config::Problems;
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use std::sync::Arc;

/// An embedded node with real money.
#[derive(Debug, Clone, Copy)]
pub struct LdkPayee;

impl PayeeBackend for LdkPayee {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn about(&self) -> &'static str {
        "an embedded node with real money"
    }

    fn called(&self) -> &'static str {
        "the embedded node"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        LdkTable::json_schema(generator)
    }

    fn read(&self, table: &PayeeTable<'_>, problems: &mut Problems<'_>) -> Option<Arc<dyn PayeeSetup>> {
        let written = table.read::<LdkTable>(problems)?;
        Some(Arc::new(Reader { table, problems }.config(written)?))
    }
}

impl PayeeSetup for LdkConfig {
    /// A node whose chain source does not answer goes on trying.
    fn open(&self) -> BoxFuture<'_, Result<OpenPayee, Cause>> {
        Box::pin(async {
            let started = LdkNode::launch(self.clone()).await;
            let node = started.map_err(unusable)?;
            tokio::spawn(report(node.clone()));
            Ok(open_payee(&node, Box::new(Running(node.clone()))))
        })
    }

    fn kept(&self) -> Option<KeptPath> {
        Some(KeptPath {
            name: "node",
            path: self.storage.join("ldk_node_data.sqlite"),
            loss: "a new node is created, and the money of the old one is out of reach",
        })
    }

    fn operates(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

fn unusable(cause: NodeStartError) -> Unusable {
    let is_in_use = matches!(cause, NodeStartError::InUse(_));
    Unusable::new("cannot start the Lightning node").in_use(is_in_use).because(cause)
}

/// Opens a node that runs in this process, and logs from then on how it fares.
pub fn open_payee(node: &LdkNode, running: Box<dyn RunningPayee>) -> OpenPayee {
    tokio::spawn(watch(node.clone()));
    let (paid, disk) = (node.clone(), node.clone());
    let can_be_paid: PayeeCheck = Arc::new(move || can_be_paid(&paid));
    let has_room: PayeeCheck = Arc::new(move || has_room(&disk.health()));
    OpenPayee {
        node: PayeeNode::new(node.clone()),
        network: node.network(),
        id: Some(node.node_id()),
        checks: vec![("node", can_be_paid), ("disk", has_room)],
        operator: Some(Arc::new(node.clone())),
        running,
    }
}

struct Running(LdkNode);

impl RunningPayee for Running {
    fn failed(&self) -> BoxFuture<'_, Cause> {
        Box::pin(async { self.0.failed().await.into() })
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<(), Cause>> {
        Box::pin(async move { Ok(self.0.stop().await?) })
    }
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

/// Logs how the node fares, until it has ended or failed: that is logged elsewhere.
async fn watch(node: LdkNode) {
    let mut health = node.watch_health();
    drop(node);
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
}

/// Logs what peers need to know of the node, and what keeps it from being paid.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_in_use_is_told_apart() {
        assert!(unusable(NodeStartError::InUse("node".into())).is_in_use());
    }
}
