//! `l402 wallet`: money in, channels, money out.

use super::{LOOK_EVERY, PEERS_TIMEOUT, close, has_usable_channel, start};
use crate::cli::WalletCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::home::Home;
use anyhow::Context as _;
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::text::lines;
use l402_ldk::{Channel, ChannelId, ChannelRequest, LdkNode};
use tokio::time::{Instant, sleep};

/// Starts the node, runs the command, and stops the node. Returns what the command prints.
pub(crate) async fn run(command: &WalletCommand, home: &Home) -> Result<String, Failure> {
    let node = start(home).await.map_err(|cause| Failure::new(Exit::Usage, anyhow::Error::from_boxed(cause)))?;
    let result = operate(command, &node).await;
    close(node).await;
    result
}

async fn operate(command: &WalletCommand, node: &LdkNode) -> Result<String, Failure> {
    match command {
        WalletCommand::Info => info(node).await,
        WalletCommand::Address => Ok(lines([node.new_address().await.or_exit(Exit::Local)?.to_string()])),
        WalletCommand::Open { peer, amount } => open(node, peer, *amount).await,
        WalletCommand::Channels => {
            has_usable_channel(node, GLANCE).await;
            Ok(lines(node.channels().iter().map(line)))
        }
        WalletCommand::Close { channel } => close_channel(node, channel).await,
    }
}

async fn info(node: &LdkNode) -> Result<String, Failure> {
    node.sync_wallets().await.or_exit(Exit::Network)?;
    has_usable_channel(node, GLANCE).await;
    let balances = node.balances().await.or_exit(Exit::Local)?;
    let outbound = node.channels().iter().fold(0_u64, |sum, channel| sum.saturating_add(channel.outbound_msat));
    let (total, spendable) = (balances.onchain_sat, balances.spendable_onchain_sat);
    Ok(lines([
        format!("node id      {}", node.node_id()),
        format!("network      {}", node.network()),
        format!("on chain     {total} sat, of which {spendable} sat can be spent"),
        format!(
            "in channels  {} sat, of which {} can be sent now",
            balances.lightning_sat,
            Amount::from_msat(outbound)
        ),
    ]))
}

async fn open(node: &LdkNode, peer: &str, amount: Amount) -> Result<String, Failure> {
    let (id, address) =
        peer.split_once('@').ok_or_else(|| Failure::say(Exit::Usage, "the peer must be NODE_ID@HOST:PORT"))?;
    let request = ChannelRequest {
        peer: id.parse().or_exit(Exit::Usage)?,
        address: address.parse().or_exit(Exit::Usage)?,
        capacity_sat: amount.whole_sat().ok_or_else(|| Failure::say(Exit::Usage, "a channel holds whole satoshi"))?,
        push_msat: 0,
        announced: false,
    };
    node.sync_wallets().await.or_exit(Exit::Network)?;
    let before = node.balances().await.or_exit(Exit::Local)?.lightning_sat;
    let channel = node.open_channel(request).await.or_exit(Exit::Payment)?;
    is_funded(node, channel, before).await?;
    Ok(lines([format!(
        "opening {channel}; it is usable once its transaction is confirmed, see `l402 wallet channels`"
    )]))
}

/// Waits until the peer has signed: a channel that is not so far does not survive the end of this process.
async fn is_funded(node: &LdkNode, channel: ChannelId, before_sat: u64) -> Result<(), Failure> {
    let deadline = Instant::now() + FUNDING_TIMEOUT;
    while node.balances().await.or_exit(Exit::Local)?.lightning_sat <= before_sat {
        if node.channel(channel).is_none() {
            return Err(Failure::say(Exit::Payment, "the peer refused the channel; nothing was spent"));
        }
        if Instant::now() >= deadline {
            return Err(Failure::say(
                Exit::Unknown,
                "the peer does not answer; `l402 wallet channels` shows what came of it",
            ));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn close_channel(node: &LdkNode, name: &str) -> Result<String, Failure> {
    let channels = node.channels();
    let Some(channel) = channels.iter().find(|channel| channel.id.to_string() == name) else {
        return Err(Failure::say(
            Exit::Usage,
            "there is no such channel; `l402 wallet channels` shows those that there are",
        ));
    };
    let connected = node.wait_for_channel(channel.id, PEERS_TIMEOUT, |channel| channel.usable).await;
    connected.context("a channel is closed together with its peer, which does not answer").or_exit(Exit::Network)?;
    node.close_channel(channel.id).await.or_exit(Exit::Network)?;
    let deadline = Instant::now() + PEERS_TIMEOUT;
    while node.channel(channel.id).is_some() && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
    Ok(lines([format!("closing {name}; the money is back once the closing transaction is confirmed")]))
}

fn line(channel: &Channel) -> String {
    let state = match (channel.usable, channel.ready) {
        (true, _) => "usable".to_owned(),
        (false, true) => "waits for its peer".to_owned(),
        (false, false) => format!("unconfirmed ({} confirmations)", channel.confirmations),
    };
    let outbound = Amount::from_msat(channel.outbound_msat);
    format!("{}\t{}\t{} sat\t{outbound} to send\t{state}", channel.id, channel.peer, channel.capacity_sat)
}

/// How long a list waits for what it shows to be up to date.
const GLANCE: Duration = Duration::from_secs(3);
const FUNDING_TIMEOUT: Duration = Duration::from_mins(1);
