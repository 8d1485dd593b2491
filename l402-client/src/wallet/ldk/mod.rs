//! An embedded node of the user's own, in `ldk/<network>` of the data folder.
//!
//! The node runs only while a command does. A payment that was begun goes on when the node runs next.

mod operate;

pub(crate) use operate::run;

use crate::config::{Bitcoind, Chain};
use crate::home::Home;
use core::time::Duration;
use l402_ldk::{ChainSource, Channel, LdkConfig, LdkNode, StartError};
use l402_lightning::{Cause, Network};
use std::env;
use tokio::time::{Instant, sleep};

pub(super) use l402_ldk::LdkNode as Opened;

pub(super) fn network(home: &Home) -> Result<Network, Cause> {
    Ok(config(home)?.network)
}

pub(super) async fn open(home: &Home) -> Result<LdkNode, Cause> {
    let node = start(home).await?;
    has_usable_channel(&node, PEERS_TIMEOUT).await;
    Ok(node)
}

/// Waits for the channels of a node that has just started: they become usable as their peers answer.
async fn has_usable_channel(node: &LdkNode, at_most: Duration) {
    let deadline = Instant::now() + at_most;
    let is_waiting = |channels: &[Channel]| !channels.is_empty() && !channels.iter().any(|channel| channel.usable);
    while is_waiting(&node.channels()) && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
}

pub(super) async fn close(node: LdkNode) {
    if let Err(fault) = node.stop().await {
        eprintln!("l402: the wallet did not stop as it should: {fault}");
    }
}

/// Starts the node, after another command that has it has ended.
async fn start(home: &Home) -> Result<LdkNode, Cause> {
    home.data.folder("ldk")?;
    let config = config(home)?;
    let deadline = Instant::now() + TURN_TIMEOUT;
    loop {
        match LdkNode::start(config.clone()).await {
            Err(StartError::InUse(_)) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
            result => return Ok(result?),
        }
    }
}

fn config(home: &Home) -> Result<LdkConfig, Cause> {
    let network = home.ldk.network.ok_or(NO_NETWORK)?;
    let chain = home.ldk.chain.as_ref().ok_or(NO_CHAIN)?;
    let storage = home.data.path("ldk").join(network.as_str());
    Ok(LdkConfig::new(network, chain_source(chain)?, storage))
}

fn chain_source(chain: &Chain) -> Result<ChainSource, Cause> {
    Ok(match chain {
        Chain::Esplora(url) => ChainSource::Esplora { url: url.clone() },
        Chain::Electrum(url) => ChainSource::Electrum { url: url.clone() },
        Chain::Bitcoind(Bitcoind { host, port, user, password }) => {
            let password =
                env::var(&password.env).map_err(|_| format!("the environment variable {} is not set", password.env))?;
            ChainSource::BitcoindRpc { host: host.clone(), port: *port, user: user.clone(), password: password.into() }
        }
    })
}

const NO_NETWORK: &str =
    "no network is set for the embedded wallet: write `network` under `[ldk]` in the configuration, or use --network";
const NO_CHAIN: &str = "no chain source is set for the embedded wallet: write `chain` under `[ldk]` in the configuration, or use --esplora or --electrum";
const PEERS_TIMEOUT: Duration = Duration::from_secs(20);
const TURN_TIMEOUT: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);
