//! How a gateway without a node is paid: `[lightning] backend = "gateway"`.

use crate::address::Address;
use crate::node::{GatewayNode, Who};
use crate::{ReplicaError, Seals};
use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use l402_lightning::backend::{
    Found, OpenPayee, PayeeBackend, PayeeCheck, PayeeSetup, PayeeTable, RunningPayee, Unusable, network,
};
use l402_lightning::{BoxFuture, Cause, Network, NodeId, PayeeNode};
use l402_program::Causes;
use l402_program::config::{At, Problems};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The node of another gateway.
#[derive(Debug, Clone, Copy)]
pub struct GatewayPayee;

impl PayeeBackend for GatewayPayee {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn about(&self) -> &'static str {
        "the node of another gateway, which has the same key file and ledger"
    }

    fn called(&self) -> &'static str {
        "the node of another gateway"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Table::json_schema(generator)
    }

    fn read(&self, table: &PayeeTable<'_>, problems: &mut Problems<'_>) -> Option<Arc<dyn PayeeSetup>> {
        let written = table.read::<Table>(problems)?;
        let Some(gateway) = written.gateway else {
            let message =
                "say where the gateway with the node listens for its replicas, such as \"unix:/run/l402/node.sock\"";
            problems.missing(&table.key("gateway"), message);
            return None;
        };
        let address = problems.parse_with(&table.key("gateway"), &gateway, Address::from_str)?.under(table.base);
        let payee = match written.payee {
            Some(payee) => Some(problems.parse_with(&table.key("payee"), &payee, NodeId::from_str)?),
            None => None,
        };
        Some(Arc::new(Setup { address, network: written.network, payee, seals: None }))
    }
}

/// The settings as they are written. The doc comments are the descriptions in the printed schema.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Table {
    /// where the gateway with the node listens for its replicas: its `replicas.listen`.
    #[schemars(extend("examples" = ["unix:/run/l402/node.sock", "10.0.0.1:8409"]))]
    gateway: Option<At<String>>,
    /// the Bitcoin network. Default: that of the node; then the gateway with the node must run at the start.
    #[serde(deserialize_with = "network")]
    #[schemars(with = "Option<String>")]
    network: Option<Network>,
    /// public key of the node, which must sign every invoice. Default: that of the first invoice.
    payee: Option<At<String>>,
}

/// Which gateway.
#[derive(Clone)]
struct Setup {
    address: Address,
    network: Option<Network>,
    payee: Option<NodeId>,
    seals: Option<Seals>,
}

impl Setup {
    fn seals(&self) -> Result<&Seals, Cause> {
        self.seals.as_ref().ok_or_else(|| "there is no key file yet; copy that of the gateway with the node".into())
    }

    /// Holds what the other gateway says against the settings.
    fn held(&self, who: &Who) -> Result<(), Unusable> {
        if let Some(network) = self.network.filter(|network| *network != who.network) {
            return Err(Unusable::new(format!(
                "the node of the other gateway is on {}, not on {network}",
                who.network
            )));
        }
        match (self.payee, who.payee) {
            (Some(payee), Some(found)) if payee != found => {
                Err(Unusable::new(format!("the node of the other gateway is {found}, not {payee}")))
            }
            _ => Ok(()),
        }
    }

    fn unusable(&self, cause: ReplicaError) -> Unusable {
        Unusable::new(format!("cannot use the node of the gateway at {}", self.address)).because(cause)
    }
}

impl PayeeSetup for Setup {
    /// The other gateway may be away where the network is set.
    fn open(&self) -> BoxFuture<'_, Result<OpenPayee, Cause>> {
        Box::pin(async {
            let seals = self.seals()?;
            let who = match (GatewayNode::ask(&self.address, seals).await, self.network) {
                (Ok(who), _) => {
                    self.held(&who)?;
                    who
                }
                (Err(fault), Some(network)) => {
                    tracing::warn!(cause = %Causes(&fault), "{}", SELLS_NOTHING);
                    Who { network, payee: None, trouble: Some(AWAY.to_owned()), stores_invoices: true }
                }
                (Err(fault), None) => return Err(self.unusable(fault).into()),
            };
            let payee = self.payee.or(who.payee);
            let node = GatewayNode::new(self.address.clone(), who.network, payee, Arc::clone(seals));
            node.learn(&who);
            let standing = Arc::new(Mutex::new(who.trouble.clone()));
            let watch = tokio::spawn(watch(node.clone(), self.clone(), Arc::clone(&standing)));
            let is_well: PayeeCheck = Arc::new(move || {
                let trouble = standing.lock().unwrap_or_else(PoisonError::into_inner);
                match trouble.as_deref() {
                    None => Ok(()),
                    Some(AWAY) => Err(AWAY),
                    Some(_) => Err("the node of the other gateway cannot be paid"),
                }
            });
            Ok(OpenPayee {
                node: PayeeNode::new(node),
                network: who.network,
                id: payee,
                checks: vec![("node", is_well)],
                operator: None,
                running: Box::new(Elsewhere(watch)),
            })
        })
    }

    fn check(&self) -> BoxFuture<'_, Found> {
        Box::pin(async {
            let asked = match self.seals() {
                Ok(seals) => GatewayNode::ask(&self.address, seals).await.map_err(|fault| self.unusable(fault).into()),
                Err(cause) => Err(cause),
            };
            match asked {
                Ok(who) => {
                    let payee = who.payee.map_or_else(|| "a node".to_owned(), |payee| payee.to_string());
                    let trouble =
                        who.trouble.as_ref().map(|trouble| format!("warning: its node cannot be paid: {trouble}"));
                    let line = format!("paid to {payee} ({}) of the gateway at {}", who.network, self.address);
                    let usable = self.held(&who).map_err(Into::into);
                    Found { lines: [line].into_iter().chain(trouble).collect(), usable }
                }
                Err(cause) => Found { lines: Vec::new(), usable: Err(cause) },
            }
        })
    }

    fn sealed_by(&self, seals: &Seals) -> Option<Arc<dyn PayeeSetup>> {
        Some(Arc::new(Self { seals: Some(Arc::clone(seals)), ..self.clone() }))
    }

    fn needs_shared_ledger(&self) -> bool {
        true
    }

    fn operates(&self) -> Result<(), &'static str> {
        Err("this gateway has no node: use the command at the gateway that has it")
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, network, payee, .. } = self;
        f.debug_struct("Setup")
            .field("address", address)
            .field("network", network)
            .field("payee", payee)
            .finish_non_exhaustive()
    }
}

/// Asks every few seconds whether invoices can be had, and logs each change.
async fn watch(node: GatewayNode, setup: Setup, standing: Arc<Mutex<Option<String>>>) {
    loop {
        sleep(EVERY).await;
        let (now, why) = match node.who().await {
            Ok(who) => match setup.held(&who) {
                Ok(()) => (who.trouble.clone(), who.trouble),
                Err(fault) => (Some(AWAY.to_owned()), Some(fault.to_string())),
            },
            Err(fault) => (Some(AWAY.to_owned()), Some(Causes(&fault).to_string())),
        };
        let was = core::mem::replace(&mut *standing.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        match why {
            _ if was == now => {}
            Some(cause) => tracing::warn!(%cause, "{}", SELLS_NOTHING),
            None => tracing::info!("the gateway with the node makes invoices"),
        }
    }
}

/// The other gateway runs on by itself.
struct Elsewhere(JoinHandle<()>);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RunningPayee for Elsewhere {
    fn failed(&self) -> BoxFuture<'_, Cause> {
        Box::pin(core::future::pending())
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<(), Cause>> {
        Box::pin(async { Ok(()) })
    }
}

const AWAY: &str = "the gateway with the node is not available";
const SELLS_NOTHING: &str = "the gateway with the node makes no invoices: requests that must be paid get 503";
const EVERY: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use l402_lightning::testing::FakeNetwork;

    #[test]
    fn l3_another_network_or_node_than_the_settings_say_is_not_used() {
        let network = FakeNetwork::new();
        let [ours, other] = [network.node().node_id(), network.node().node_id()];
        let setup = |network, payee| Setup { address: Address::Tcp("a:1".to_owned()), network, payee, seals: None };
        let who = |payee| Who { network: Network::Regtest, payee, trouble: None, stores_invoices: false };
        for (network, payee, found, is_held) in [
            (None, None, Some(other), true),
            (Some(Network::Regtest), Some(ours), Some(ours), true),
            (Some(Network::Regtest), Some(ours), None, true), // each invoice is looked at
            (Some(Network::Regtest), Some(ours), Some(other), false),
            (Some(Network::Bitcoin), Some(ours), Some(ours), false),
        ] {
            assert_eq!(setup(network, payee).held(&who(found)).is_ok(), is_held, "{network:?} {payee:?} {found:?}");
        }
    }
}
