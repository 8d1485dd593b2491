//! How a program opens an embedded node as its wallet.
//!
//! The node runs only while a command does. A payment that was begun goes on when the node runs next.

#[cfg(feature = "payee")]
mod payee;
mod settings;
#[cfg(feature = "payee")]
mod table;

use crate::config::{ChainSource, LdkConfig};
use crate::error::NodeStartError;
use crate::node::LdkNode;
use core::time::Duration;
use l402_lightning::backend::{OpenPayer, OperatorStartError, PayerBackend, PayerHome, PayerSetting, PayerSetup};
use l402_lightning::operate::Operator;
use l402_lightning::{BoxFuture, Cause, Network, PayerWallet};
use l402_program::config::{ConfigProblem, Section};
use settings::{Bitcoind, Chain, LdkPayerSettings};
use std::sync::Arc;
use tokio::time::{Instant, sleep};

#[cfg(feature = "payee")]
pub use payee::{LdkPayee, open_payee};

/// An embedded node of the user's own, in `ldk/<network>` of the data directory.
#[derive(Debug, Clone, Copy)]
pub struct LdkPayer;

impl PayerBackend for LdkPayer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "A Lightning node inside the command"
    }

    fn unusable(&self) -> &'static str {
        "cannot use the embedded wallet"
    }

    fn settings(&self) -> &'static [PayerSetting] {
        &SETTINGS
    }

    fn operates(&self) -> bool {
        true
    }

    fn read(&self, section: Section<'_>) -> Result<Arc<dyn PayerSetup>, ConfigProblem> {
        Ok(Arc::new(section.read::<LdkPayerSettings>()?))
    }
}

impl PayerSetup for LdkPayerSettings {
    fn network(&self, home: &PayerHome<'_>) -> Result<Network, Cause> {
        let network = home.flags.network().or(self.network).ok_or(NO_NETWORK)?;
        self.chain_source(home)?;
        Ok(network)
    }

    /// Each network has a node of its own.
    fn record_name(&self, network: Network, _: &PayerHome<'_>) -> Result<String, Cause> {
        Ok(format!("{NAME}/{network}"))
    }

    fn open<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<OpenPayer, Cause>> {
        Box::pin(async {
            let node = self.start(home).await.map_err(OperatorStartError::into_cause)?;
            node.wait_for_peers(PEERS_TIMEOUT).await;
            Ok(OpenPayer { wallet: PayerWallet::new(node.clone()), node: Some(Arc::new(node)) })
        })
    }

    fn operate<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<Arc<dyn Operator>, OperatorStartError>> {
        Box::pin(async { Ok(Arc::new(self.start(home).await?) as Arc<dyn Operator>) })
    }
}

fn not_started(fault: NodeStartError) -> OperatorStartError {
    match &fault {
        _ if fault.may_pass() => OperatorStartError::Unreachable(fault.into()),
        NodeStartError::Build(_) => OperatorStartError::Settings(fault.into()),
        _ => OperatorStartError::Local(fault.into()),
    }
}

impl LdkPayerSettings {
    /// Starts the node, after another command that has it has ended.
    async fn start(&self, home: &PayerHome<'_>) -> Result<LdkNode, OperatorStartError> {
        let directory = (home.directory)(NAME).map_err(OperatorStartError::Local)?;
        let network = self.network(home).map_err(OperatorStartError::Settings)?;
        let source = self.chain_source(home).map_err(OperatorStartError::Settings)?;
        let config = LdkConfig::new(network, source, directory.join(network.as_str()));
        let deadline = Instant::now() + TURN_TIMEOUT;
        loop {
            match LdkNode::start(config.clone()).await {
                Err(NodeStartError::InUse(_)) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                result => return result.map_err(not_started),
            }
        }
    }

    fn chain_source(&self, home: &PayerHome<'_>) -> Result<ChainSource, Cause> {
        if let Some(url) = home.flags.text("esplora") {
            return Ok(ChainSource::Esplora { url: url.to_owned() });
        }
        if let Some(url) = home.flags.text("electrum") {
            return Ok(ChainSource::Electrum { url: url.to_owned() });
        }
        Ok(match self.chain.as_ref().ok_or(NO_CHAIN)? {
            Chain::Esplora(url) => ChainSource::Esplora { url: url.clone() },
            Chain::Electrum(url) => ChainSource::Electrum { url: url.clone() },
            Chain::Bitcoind(Bitcoind { host, port, user, password }) => {
                let password = (home.environment)(&password.env)
                    .ok_or_else(|| format!("the environment variable {} is not set", password.env))?;
                let (host, port, user) = (host.clone(), *port, user.clone());
                ChainSource::BitcoindRpc { host, port, user, password: password.into() }
            }
        })
    }
}

const NAME: &str = "ldk";
const SETTINGS: [PayerSetting; 2] = [
    PayerSetting::new("network", "", "The network of the embedded node: `bitcoin`, `testnet`, `signet` or `regtest`."),
    PayerSetting::new(
        "chain",
        "",
        "Where the embedded node sees the chain: `{ esplora = URL }`, `{ electrum = URL }` or `{ bitcoind = … }`.",
    ),
];
const NO_NETWORK: &str =
    "no network is set for the embedded wallet: write `network` under `[ldk]` in the configuration, or use --network";
const NO_CHAIN: &str = "no chain source is set for the embedded wallet: write `chain` under `[ldk]` in the configuration, or use \
                        --esplora or --electrum";
const PEERS_TIMEOUT: Duration = Duration::from_secs(20);
const TURN_TIMEOUT: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);
