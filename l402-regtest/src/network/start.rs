//! From a declaration to a network on which payments pass.
//!
//! 1. The chain and every node start at the same time: an LND takes seconds to make its wallet.
//! 2. Each node gets a coin for each channel that it opens, because the change of a transaction that waits cannot fund the next,
//!    and one to pay for closing (BOLT 3 §Anchors).
//! 3. All channels are opened before a block is mined.
//! 4. It is ready when the nodes say so: [`ready`].

use core::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use core::time::Duration;
use l402_core::Msat;
use std::collections::HashSet;
use std::path::PathBuf;

use bitcoin::{Amount, ScriptBuf};
use l402_ldk::{ChainSource, ChannelRequest};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::builder::{NetworkBuilder, NodePlan};
use super::channel::Channel;
use super::error::NetworkError;
use super::ldk::LdkMember;
use super::member::{Kind, Member};
use super::{Members, Network, NodeKind, Parts};
use crate::background::Background;
use crate::caretaker::{Caretaker, Ward as _};
use crate::chain::Chain;
use crate::folder::Folder;
use crate::lnd::{Binaries, LndNode};
use crate::ports;
use crate::rpc::{Credentials, RpcServer};
use crate::wait;

/// How long a new chain is: the faucet's first coinbases have matured.
const FIRST_BLOCKS: u32 = 110;

/// What a channel costs beyond its size: fees, and the reserve of an anchor channel.
const CHANNEL_ROOM: Amount = Amount::from_sat(150_000);

/// What every node has on-chain besides.
const RESERVE: Amount = Amount::from_sat(2_000_000);

/// The longest that a step may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long gossip may take before all nodes say again what they have said.
const GOSSIP: Duration = Duration::from_secs(3);

/// How often nodes have announced again in this process.
static REPEATS: AtomicU16 = AtomicU16::new(0);

/// What forwarding nodes ask for when they announce again for this time, in blocks: less than LND's own choice, more than what LDK
/// refuses, and not the same twice in a row.
const fn time_lock(repeat: u16) -> u16 {
    79 - repeat % 20
}

impl NetworkBuilder {
    /// Starts everything. It returns when every channel is active at both ends and every node knows the terms of every announced
    /// channel, so that it sees every route.
    ///
    /// # Errors
    ///
    /// Returns the first part that fails, or what is missing after minutes. The nodes are ended, and their logs kept; standard
    /// error says where.
    pub async fn start(self) -> Result<Network, NetworkError> {
        network(self).await
    }
}

async fn network(builder: NetworkBuilder) -> Result<Network, NetworkError> {
    declared(&builder)?;
    let binaries = match builder.binaries {
        Some(binaries) => Some(binaries),
        None if builder.nodes.iter().any(|node| node.kind == NodeKind::Lnd) => Some(Binaries::find()?),
        None => None,
    };
    let chain = Chain::in_memory();
    chain.mine(FIRST_BLOCKS)?;
    let rpc = RpcServer::start(chain.clone(), 0, Credentials::random().map_err(std::io::Error::from)?)?;
    let background = Background::start("regtest-network")?;
    let mut folder = Folder::open(builder.dir, "l402-network-")?;
    let begun = begin(builder.nodes, &builder.channels, &folder, (&chain, &rpc), binaries.as_ref()).await;
    let members = begun.inspect_err(|_| folder.keep("the network did not start"))?;
    let caretaker = Some(Caretaker::start(&background, chain.clone(), members.clone()));
    let parts = Parts { _background: background, rpc, chain, folder };
    Ok(Network { members, channels: builder.channels, caretaker, parts })
}

async fn begin(
    nodes: Vec<NodePlan>,
    channels: &[Channel],
    folder: &Folder,
    (chain, rpc): (&Chain, &RpcServer),
    binaries: Option<&Binaries>,
) -> Result<Members, NetworkError> {
    let members = members(nodes, folder, rpc, binaries).await?;
    fund(&members, channels, chain).await?;
    open(&members, channels.to_vec(), chain).await?;
    members.confirm(chain).await?;
    ready(&members, channels).await.map(|()| members)
}

/// Whether every name is there once.
fn declared(builder: &NetworkBuilder) -> Result<(), NetworkError> {
    let mut names = HashSet::new();
    if let Some(node) = builder.nodes.iter().find(|node| !names.insert(node.name.as_str())) {
        return Err(NetworkError::SameName(node.name.clone()));
    }
    let mut ends = builder.channels.iter().flat_map(|channel| [&channel.from, &channel.to]);
    ends.find(|end| !names.contains(end.as_str())).map_or(Ok(()), |end| Err(NetworkError::NoSuchNode(end.clone())))
}

/// Starts all nodes at the same time, and keeps their order.
async fn members(
    plans: Vec<NodePlan>,
    folder: &Folder,
    rpc: &RpcServer,
    binaries: Option<&Binaries>,
) -> Result<Members, NetworkError> {
    let mut starting = JoinSet::new();
    for (index, NodePlan { name, kind, options }) in plans.into_iter().enumerate() {
        let dir = folder.path().join(&name);
        match binaries.filter(|_| kind == NodeKind::Lnd) {
            Some(binaries) => {
                let node = LndNode::create(&name, dir, binaries.clone(), rpc, &options);
                let node = node.map_err(|cause| NetworkError::Lnd(name.clone(), cause))?;
                let member = Member { name, kind: Kind::Lnd(node) };
                starting.spawn(async move { member.start().await.map(|()| (index, member)) });
            }
            None => drop(starting.spawn(ldk(index, name, dir, rpc.chain_source()))),
        }
    }
    let mut members = finish(starting).await?;
    members.sort_by_key(|(index, _)| *index);
    Ok(Members(members.into_iter().map(|(_, member)| member).collect()))
}

async fn ldk(index: usize, name: String, dir: PathBuf, chain: ChainSource) -> Result<(usize, Member), NetworkError> {
    match LdkMember::start(&name, &dir, ports::free_address()?, chain).await {
        Ok(node) => Ok((index, Member { name, kind: Kind::Ldk(node) })),
        Err(cause) => Err(NetworkError::LdkStart(name, cause)),
    }
}

/// Pays each node what its channels take.
async fn fund(members: &Members, channels: &[Channel], chain: &Chain) -> Result<(), NetworkError> {
    let mut outputs: Vec<(ScriptBuf, Amount)> = Vec::new();
    let mut expected = Vec::new();
    for member in &members.0 {
        let opens = channels.iter().filter(|channel| channel.from == member.name);
        let coins = opens.map(|channel| Amount::from_sat(channel.capacity_sat) + CHANNEL_ROOM).chain([RESERVE]);
        let mut sum = Amount::ZERO;
        for coin in coins {
            outputs.push((member.script().await?, coin));
            sum += coin;
        }
        expected.push((member, sum.to_sat()));
    }
    chain.fund(&outputs)?;
    members.confirm(chain).await?;
    for (member, sum) in expected {
        funded(member, sum).await?;
    }
    Ok(())
}

/// Pays the opener of a further channel.
pub(super) async fn fund_one(members: &Members, channel: &Channel, chain: &Chain) -> Result<(), NetworkError> {
    let member = members.find(&channel.from)?;
    let coin = Amount::from_sat(channel.capacity_sat) + CHANNEL_ROOM;
    let before = member.spendable_sat().await?;
    chain.fund(&[(member.script().await?, coin)])?;
    members.confirm(chain).await?;
    funded(member, before + coin.to_sat()).await
}

async fn funded(member: &Member, sum_sat: u64) -> Result<(), NetworkError> {
    wait::until(PATIENCE, || async {
        let there = member.spendable_sat().await?;
        let missing = || format!("{} has {there} sat of {sum_sat} on-chain", member.name);
        Ok::<_, NetworkError>(if there >= sum_sat { Ok(()) } else { Err(missing()) })
    })
    .await
}

/// Opens all channels: those of one node one after another, those of different nodes at the same time.
pub(super) async fn open(members: &Members, mut channels: Vec<Channel>, chain: &Chain) -> Result<(), NetworkError> {
    // The largest first: a wallet that pays for a small one with its largest coin has none for the large one.
    channels.sort_by_key(|channel| core::cmp::Reverse(channel.capacity_sat));
    let mut opening = JoinSet::new();
    for member in &members.0 {
        let mut to_open = Vec::new();
        for channel in channels.iter().filter(|channel| channel.from == member.name) {
            to_open.push((channel.clone(), members.find(&channel.to)?.clone()));
        }
        let (member, chain) = (member.clone(), chain.clone());
        opening.spawn(async move {
            for (channel, peer) in to_open {
                open_one(&member, &peer, &channel, &chain).await?;
            }
            Ok(())
        });
    }
    finish(opening).await.map(drop)
}

async fn open_one(member: &Member, peer: &Member, channel: &Channel, chain: &Chain) -> Result<(), NetworkError> {
    connect(member, peer).await?;
    let request = ChannelRequest {
        peer: peer.id()?,
        address: peer.address().into(),
        capacity_sat: channel.capacity_sat,
        push_msat: Msat::from_sat(channel.push_sat),
        announced: channel.announced,
    };
    member.open(request, chain).await
}

/// Connects two nodes, if not at once then later.
pub(super) async fn connect(member: &Member, peer: &Member) -> Result<(), NetworkError> {
    let attempt = || async {
        let tried = member.connect(peer).await?;
        Ok::<_, NetworkError>(
            tried.map_err(|fault| format!("{} is not connected to {}: {fault}", member.name, peer.name)),
        )
    };
    wait::until(PATIENCE, attempt).await
}

/// Waits until both ends of every channel say that payments can pass and what they cost, and every node knows every announced
/// channel that it can hear of. Nodes that are stopped or paused are left out, with their channels.
///
/// An announcement is sent once, and is lost where it arrives just when an LDK node has looked up the channel's output and has not
/// yet added the channel. So all nodes announce again, if it takes long.
pub(super) async fn ready(members: &Members, channels: &[Channel]) -> Result<(), NetworkError> {
    let (begun, repeats) = (Instant::now(), AtomicU32::new(0));
    wait::until(PATIENCE, || async {
        let awake: Vec<_> = members.0.iter().filter(|member| member.is_awake()).collect();
        let missing = match stands(&awake, channels).await? {
            Ok(()) => return Ok(Ok(())),
            Err(missing) => missing,
        };
        if begun.elapsed() >= GOSSIP * (repeats.load(Ordering::Relaxed) + 1) {
            repeats.fetch_add(1, Ordering::Relaxed);
            let time_lock = time_lock(REPEATS.fetch_add(1, Ordering::Relaxed));
            for member in awake {
                member.announce_again(time_lock).await?;
            }
        }
        Ok::<_, NetworkError>(Err(missing))
    })
    .await
}

/// The inner error: what the first node that misses something misses.
async fn stands(awake: &[&Member], channels: &[Channel]) -> Result<Result<(), String>, NetworkError> {
    let is_awake = |name: &str| awake.iter().any(|member| member.name == name);
    let channels: Vec<_> = channels.iter().filter(|channel| is_awake(&channel.from) && is_awake(&channel.to)).collect();
    for member in awake {
        let heard = hears_all(member, &channels).await?;
        if let Err(missing) = heard.and(channels_ready(member, awake, &channels).await?) {
            return Ok(Err(missing));
        }
    }
    Ok(Ok(()))
}

/// The inner error: which of its channels are missing.
async fn channels_ready(
    member: &Member,
    peers: &[&Member],
    channels: &[&Channel],
) -> Result<Result<(), String>, NetworkError> {
    let name = &member.name;
    for peer in peers {
        let declared = channels.iter().filter(|channel| channel.peer_of(name) == Some(&peer.name)).count();
        if declared == 0 {
            continue;
        }
        let there = member.progress(peer.id()?).await?;
        if there.active < declared || there.nameable < declared {
            let about = format!("{} active, {} with terms", there.active, there.nameable);
            return Ok(Err(format!("{name} has, of {declared} channels with {}, {about}", peer.name)));
        }
    }
    Ok(Ok(()))
}

/// The inner error: how many channels it does not know.
async fn hears_all(member: &Member, channels: &[&Channel]) -> Result<Result<(), String>, NetworkError> {
    let name = member.name.as_str();
    let reached = reached(name, channels);
    let audible = channels.iter().filter(|channel| channel.announced && reached.contains(channel.from.as_str()));
    let (expected, known) = (audible.count(), member.known_channels().await?);
    let missing = || format!("{name} knows {known} of {expected} announced channels");
    Ok(if known < expected { Err(missing()) } else { Ok(()) })
}

/// The nodes that `name` reaches over `channels`, itself among them.
fn reached<'a>(name: &'a str, channels: &[&'a Channel]) -> HashSet<&'a str> {
    let mut reached = HashSet::from([name]);
    let mut next = vec![name];
    while let Some(name) = next.pop() {
        let peers = channels.iter().filter_map(|channel| channel.peer_of(name));
        next.extend(peers.filter(|peer| reached.insert(*peer)));
    }
    reached
}

/// Waits for all tasks, and returns what they did; the first that fails ends the others.
async fn finish<T: 'static>(mut tasks: JoinSet<Result<T, NetworkError>>) -> Result<Vec<T>, NetworkError> {
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(outcome) => all.push(outcome?),
            Err(fault) => std::panic::resume_unwind(fault.into_panic()),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_hears_of_what_it_is_joined_to() {
        let [one, two, far] = [("a", "b"), ("c", "b"), ("d", "e")].map(|(from, to)| Channel::new(from, to, 1));
        let names = |from, channels: &[&Channel]| {
            let mut names: Vec<_> = reached(from, channels).into_iter().map(str::to_owned).collect();
            names.sort();
            names.concat()
        };
        let all = [&one, &two, &far];
        assert_eq!(["a", "c", "e", "f"].map(|from| names(from, &all)), ["abc", "abc", "de", "f"]);
    }
}
