//! A real Lightning network: the gateway that is killed has a node in its own process, and each start finds what the kill before left.
//! Buyers pay from a node that nobody kills.

use crate::PRICE;
use core::net::SocketAddr;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, Preimage};
use l402_gateway::Payee;
use l402_ldk::{ChainSource, LdkConfig, LdkNode};
use l402_lightning::{Invoice, Network as Chain, PayLimit, PayeeNode, PaymentSource as _, PaymentStatus};
use l402_regtest::Network;
use tokio::time::{sleep, timeout};

/// Two nodes and their channels. The second runs in the gateways.
pub(crate) struct Town {
    network: Network,
    /// What a gateway has to know of it.
    pub(crate) place: String,
}

/// The node that buyers pay from.
#[derive(Debug, Clone)]
pub(crate) struct Purse(LdkNode);

/// What came of a payment.
#[derive(Debug)]
pub(crate) enum Paid {
    Proof(Preimage),
    Nothing,
    /// Nobody knows yet: the node that is paid was killed.
    Unclear,
}

impl Town {
    pub(crate) async fn start() -> Self {
        // A kill in the middle of a payment may close its channel: the node of LDK is then behind what it has promised.
        let builder = (0..CHANNELS)
            .fold(Network::builder().ldk("alice").ldk(PAYEE), |builder, _| builder.channel("alice", PAYEE, 1_000_000));
        let network = builder.start().await.expect("two nodes");
        network.stop_node(PAYEE).await.expect("it stops");
        let ChainSource::BitcoindRpc { host, port, user, password } = network.rpc().chain_source() else {
            panic!("a network has an RPC server")
        };
        let (id, address) = network.peer("alice").expect("the other node");
        let folder = network.dir().join(PAYEE);
        let place = format!("{host} {port} {user} {} {id} {address} {}", *password, folder.display());
        Self { network, place }
    }

    pub(crate) fn purse(&self) -> Purse {
        Purse(self.network.ldk("alice"))
    }

    pub(crate) async fn stop(self) {
        self.network.stop().await;
    }
}

impl Purse {
    /// Pays an invoice, and does not wait for long.
    pub(crate) async fn pay(&self, invoice: &Invoice) -> Paid {
        assert_eq!(invoice.amount_msat(), Some(PRICE));
        match timeout(PATIENCE, self.0.pay(invoice, PayLimit::fee(Msat::new(10_000)))).await {
            Ok(Ok(paid)) => Paid::Proof(paid.preimage),
            Ok(Err(fault)) if !fault.is_unknown() => Paid::Nothing,
            _ => Paid::Unclear,
        }
    }

    /// Waits for the outcome of a payment.
    pub(crate) async fn outcome(&self, hash: &PaymentHash) -> Option<Preimage> {
        let known = async {
            loop {
                match self.0.payment(hash).await.expect("its node runs") {
                    PaymentStatus::Succeeded(paid) => return Some(paid.preimage),
                    PaymentStatus::Pending => sleep(Duration::from_millis(50)).await,
                    _ => return None,
                }
            }
        };
        timeout(SOON, known).await.expect("the node that is paid runs again, so that each payment has an outcome")
    }
}

/// Starts the node of a place in this process, and connects it.
pub(crate) async fn payee(place: &str) -> Payee<PayeeNode> {
    let [host, port, user, password, peer, address, folder] = place.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{place}")
    };
    let (host, user, password) = (host.to_owned(), user.to_owned(), password.to_owned().into());
    let chain = ChainSource::BitcoindRpc { host, port: port.parse().expect("a port"), user, password };
    let node = LdkNode::start(LdkConfig::new(Chain::Regtest, chain, folder)).await.expect("a node that was killed");
    let (peer, address) = (peer.parse().expect("a node id"), address.parse::<SocketAddr>().expect("an address"));
    let usable = async {
        while !node.channels().iter().all(|channel| channel.usable) {
            // It tries by itself, too; whichever is first.
            let _ = node.connect(peer, address.into()).await;
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, usable).await.expect("its channels can be used again");
    let id = node.node_id();
    Payee::new(PayeeNode::new(node), Chain::Regtest).id(id)
}

const PAYEE: &str = "bob";
const CHANNELS: usize = 4;

/// How long a buyer waits for a payment.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a payment may take once all nodes run.
const SOON: Duration = Duration::from_mins(1);
