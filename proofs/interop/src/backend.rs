//! Nodes of a network as what is under test sees them: an LND over gRPC, with a macaroon that may do no more than its role takes.

use core::time::Duration;
use std::path::Path;

use l402_core::PaymentHash;
use l402_ldk::LdkNode;
use l402_lightning::{
    Invoice, LookupError, Network as Chain, Paid, PayError, PayLimit, PayeeNode, PaymentSource, PaymentStatus,
};
use l402_lnd::{Certificate, LndConfig, LndError, LndMacaroon, LndPayee, LndPayer, Readiness};
use l402_regtest::lnd::{LndNode, PAY, SELL};
use l402_regtest::{Network, NodeKind};
use tokio::time::{sleep, timeout};

/// Returns what the node `name` is.
#[track_caller]
pub fn kind(network: &Network, name: &str) -> NodeKind {
    network.nodes().find(|(node, _)| *node == name).unwrap().1
}

/// Returns the settings of a connection to `lnd` with a macaroon that allows `permissions`, and is kept as `<role>.macaroon`.
pub async fn lnd_config(lnd: &LndNode, role: &str, permissions: &[&str]) -> LndConfig {
    let macaroon = lnd.bake(role, permissions).await.unwrap();
    let certificate = Certificate::find(lnd.tls_cert().to_str().unwrap(), Path::new("")).unwrap();
    let macaroon = LndMacaroon::find(macaroon.to_str().unwrap(), Path::new("")).unwrap();
    let mut config = LndConfig::new(lnd.rpc_address().to_string().parse().unwrap(), certificate, macaroon);
    config.network = Some(Chain::Regtest);
    config
}

/// Returns the node `name` as one that is paid, without a gateway.
pub async fn payee(network: &Network, name: &str) -> PayeeNode {
    if kind(network, name) == NodeKind::Ldk {
        return PayeeNode::new(network.ldk(name));
    }
    let payee = LndPayee::start(&lnd_config(network.lnd(name), "sell", &SELL).await).await.unwrap();
    timeout(SOON, payee.readiness().wait_for(Readiness::is_ready)).await.unwrap().unwrap();
    PayeeNode::new(payee)
}

/// A node that pays. Clones are the same.
#[derive(Clone, Debug)]
pub enum Wallet {
    /// In this process.
    Ldk(LdkNode),
    /// Elsewhere.
    Lnd(LndPayer),
}

impl Wallet {
    /// Returns the node `name` as one that pays.
    pub async fn of(network: &Network, name: &str) -> Self {
        if kind(network, name) == NodeKind::Ldk {
            return Self::Ldk(network.ldk(name));
        }
        let config = lnd_config(network.lnd(name), "pay", &PAY).await;
        let connected = async {
            loop {
                match LndPayer::connect(&config).await {
                    // It learns of blocks a moment after they are mined.
                    Err(LndError::NotSynced) => sleep(Duration::from_millis(20)).await,
                    connected => return connected.unwrap(),
                }
            }
        };
        Self::Lnd(timeout(SOON, connected).await.unwrap())
    }
}

impl PaymentSource for Wallet {
    fn network(&self) -> Chain {
        match self {
            Self::Ldk(node) => node.network(),
            Self::Lnd(node) => node.network(),
        }
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        match self {
            Self::Ldk(node) => node.pay(invoice, limit).await,
            Self::Lnd(node) => node.pay(invoice, limit).await,
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        match self {
            Self::Ldk(node) => node.payment(hash).await,
            Self::Lnd(node) => node.payment(hash).await,
        }
    }
}

/// The longest that a node may take to see the chain's last block.
const SOON: Duration = Duration::from_mins(1);
