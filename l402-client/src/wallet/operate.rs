//! `l402 wallet`: money in, channels, money out, and whether it works.

use super::{WalletKind, check, directory, environment};
use crate::cli::WalletCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::home::Home;
use crate::json::{self, ChannelList, ChannelState, ShownChannel, ShownWallet};
use anyhow::Context as _;
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::text::lines;
use l402_core::Msat;
use l402_lightning::backend::{OperatorStartError, PayerHome};
use l402_lightning::operate::{NewChannel, NodeChannel, Operator};
use tokio::time::{Instant, sleep};

/// Runs a command, with the node started where it takes one, and stops it. Returns what the command prints.
pub(crate) async fn run(command: &WalletCommand, home: &Home) -> Result<String, Failure> {
    if let WalletCommand::Check { pay } = command {
        return check::run(pay.as_deref(), home).await;
    }
    let setup = operated(home).and_then(|kind| home.setup(kind));
    let setup = setup.ok_or_else(|| Failure::say(Exit::Usage, NO_NODE))?;
    let directory = |name: &str| directory(home, name);
    let around = PayerHome { directory: &directory, environment: &environment, flags: &home.flags };
    let started = setup.operate(&around).await;
    let node = started.map_err(not_started)?;
    let result = operate(command, &*node).await;
    stop(&*node).await;
    result
}

fn not_started(fault: OperatorStartError) -> Failure {
    let exit = match fault {
        OperatorStartError::Settings(_) => Exit::Usage,
        OperatorStartError::Unreachable(_) => Exit::Network,
        _ => Exit::Local,
    };
    Failure::new(exit, anyhow::Error::from_boxed(fault.into_cause()))
}

/// Stops a node. What is wrong is told, and changes nothing of what the command has done.
pub(super) async fn stop(node: &dyn Operator) {
    if let Err(fault) = node.stop().await {
        eprintln!("l402: error while stopping the wallet: {fault}");
    }
}

/// The wallet that the user chose, if it can be operated; else the first that can.
fn operated(home: &Home) -> Option<WalletKind> {
    let operates = |kind: &WalletKind| kind.0.operates();
    home.wallet.filter(operates).or_else(|| WalletKind::all().find(operates))
}

async fn operate(command: &WalletCommand, node: &dyn Operator) -> Result<String, Failure> {
    match command {
        WalletCommand::Info { json } => info(node, *json).await,
        WalletCommand::Check { .. } => Err(Failure::say(Exit::Usage, NO_NODE)), // it needs no node: see `run`
        WalletCommand::Address => Ok(lines([node.new_address().await.or_exit(Exit::Local)?])),
        WalletCommand::Open { peer, amount } => open(node, peer, *amount).await,
        WalletCommand::Channels { json } => {
            node.wait_for_peers(GLANCE).await;
            let channels = node.channels();
            if *json {
                return json::line(&ChannelList { channels: channels.iter().map(shown).collect() });
            }
            Ok(lines(channels.iter().map(line)))
        }
        WalletCommand::Close { channel } => close_channel(node, channel).await,
    }
}

async fn info(node: &dyn Operator, json: bool) -> Result<String, Failure> {
    node.sync().await.or_exit(Exit::Network)?;
    node.wait_for_peers(GLANCE).await;
    let (info, balances) = (node.info(), node.balances().await.or_exit(Exit::Local)?);
    let outbound = node.channels().iter().fold(Msat::ZERO, |sum, channel| sum.saturating_add(channel.outbound_msat));
    let (total, spendable) = (balances.onchain_sat, balances.spendable_onchain_sat);
    if json {
        let msat = |sat: u64| Msat::from_sat(sat).get();
        return json::line(&ShownWallet {
            node_id: info.node_id.to_string(),
            network: info.network.to_string(),
            onchain_msat: msat(total),
            spendable_onchain_msat: msat(spendable),
            in_channels_msat: msat(balances.lightning_sat),
            sendable_msat: outbound.get(),
        });
    }
    Ok(lines([
        format!("node id      {}", info.node_id),
        format!("network      {}", info.network),
        format!("on chain     {total} sat, of which {spendable} sat can be spent"),
        format!("in channels  {} sat, of which {} can be sent now", balances.lightning_sat, Amount::new(outbound)),
    ]))
}

async fn open(node: &dyn Operator, peer: &str, amount: Amount) -> Result<String, Failure> {
    let (id, address) =
        peer.split_once('@').ok_or_else(|| Failure::say(Exit::Usage, "the peer must be NODE_ID@HOST:PORT"))?;
    node.peer_address(address).or_exit(Exit::Usage)?;
    let request = NewChannel {
        peer: id.parse().or_exit(Exit::Usage)?,
        address: address.to_owned(),
        capacity_sat: amount.whole_sat().ok_or_else(|| Failure::say(Exit::Usage, "write a whole number of sat"))?,
        push_msat: Msat::ZERO,
        announced: false,
    };
    node.sync().await.or_exit(Exit::Network)?;
    let before = node.balances().await.or_exit(Exit::Local)?.lightning_sat;
    let channel = node.open_channel(&request).await.or_exit(Exit::Payment)?;
    is_funded(node, &channel, before).await?;
    Ok(lines([format!("opening channel {channel}; usable after confirmation, see `l402 wallet channels`")]))
}

/// Waits until the peer has signed: a channel that is not so far does not survive the end of this process.
async fn is_funded(node: &dyn Operator, channel: &str, before_sat: u64) -> Result<(), Failure> {
    let deadline = Instant::now() + FUNDING_TIMEOUT;
    while node.balances().await.or_exit(Exit::Local)?.lightning_sat <= before_sat {
        if node.channel(channel).is_err() {
            return Err(Failure::say(Exit::Payment, "the peer refused the channel; nothing was spent"));
        }
        if Instant::now() >= deadline {
            return Err(Failure::say(Exit::Unknown, "no response from the peer; see `l402 wallet channels`"));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn close_channel(node: &dyn Operator, name: &str) -> Result<String, Failure> {
    if node.channel(name).is_err() {
        return Err(Failure::say(Exit::Usage, "no such channel; see `l402 wallet channels`"));
    }
    let connected = node.wait_until_usable(name, PEERS_TIMEOUT).await;
    connected.context("cannot close the channel: no response from the peer").or_exit(Exit::Network)?;
    node.close_channel(name).await.or_exit(Exit::Network)?;
    let deadline = Instant::now() + PEERS_TIMEOUT;
    while node.channel(name).is_ok() && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
    Ok(lines([format!("closing channel {name}; the money returns after confirmation")]))
}

fn shown(channel: &NodeChannel) -> ShownChannel {
    ShownChannel {
        channel: channel.name.clone(),
        peer: channel.peer.to_string(),
        capacity_msat: Msat::from_sat(channel.capacity_sat).get(),
        sendable_msat: channel.outbound_msat.get(),
        state: match (channel.usable, channel.ready) {
            (true, _) => ChannelState::Usable,
            (false, true) => ChannelState::PeerOffline,
            (false, false) => ChannelState::Unconfirmed,
        },
        confirmations: channel.confirmations,
    }
}

fn line(channel: &NodeChannel) -> String {
    let state = match (channel.usable, channel.ready) {
        (true, _) => "usable".to_owned(),
        (false, true) => "peer is offline".to_owned(),
        (false, false) => format!("unconfirmed ({} confirmations)", channel.confirmations),
    };
    let outbound = Amount::new(channel.outbound_msat);
    format!("{}\t{}\t{} sat\t{outbound} to send\t{state}", channel.name, channel.peer, channel.capacity_sat)
}

/// How long a list waits for what it shows to be up to date.
const GLANCE: Duration = Duration::from_secs(3);
const FUNDING_TIMEOUT: Duration = Duration::from_mins(1);
const PEERS_TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const NO_NODE: &str = "this build has no wallet with a node of its own";
