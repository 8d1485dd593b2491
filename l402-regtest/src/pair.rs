//! The payer, the payee and the channels between them.

use core::net::SocketAddr;
use core::time::Duration;
use l402_core::Msat;
use std::path::Path;
use std::time::Instant;

use bitcoin::{Amount, ScriptBuf};
use l402_ldk::{Balances, ChannelId, ChannelRequest, LdkConfig, LdkNode, NodeError};
use l402_lightning::{InvoiceRequest, InvoiceSource as _, Network, PayLimit, PaymentSource as _};
use tokio::time::{sleep, timeout};

use crate::caretaker::Ward;
use crate::chain::{Chain, MineError};
use crate::ports;
use crate::rpc::RpcServer;
use crate::start_error::SandboxStartError;

/// As many blocks as nodes wait for before they rely on a transaction.
const CONFIRMATIONS: u32 = 6;

/// On-chain money of the payee, which LDK wants to see before it accepts channels (BOLT 3 §Anchors).
const PAYEE_COIN: Amount = Amount::from_sat(2_000_000);

/// What the payer has on-chain for each channel beyond its size: the reserve of an anchor channel, and fees.
const CHANNEL_ROOM: Amount = Amount::from_sat(50_000);

/// Of that, the reserve.
const CHANNEL_RESERVE: Amount = Amount::from_sat(25_000);

/// What part of a channel is the payee's from the start, so that money can flow back.
const PUSHED_PART: u64 = 10;

/// The longest that a step of the set-up may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often to open channels, if some go away again.
const ATTEMPTS: usize = 3;

/// How often to look whether channels can be used.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How often nodes that have lost each other are connected again during the set-up.
const RECONNECT_EVERY: Duration = Duration::from_secs(1);

/// How long a channel may wait while there is nothing to mine for it. Its funding has been lost then: LDK forgets the transaction
/// as soon as it has handed it on, and the process was killed before the chain had it.
const STALLED: Duration = Duration::from_secs(10);

/// How many channels the payer has, and how large each is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channels {
    pub(crate) count: usize,
    pub(crate) size: Amount,
}

/// Two nodes that run.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) payee: LdkNode,
    pub(crate) payer: LdkNode,
    /// Where the payer reaches the payee.
    pub(crate) address: SocketAddr,
}

impl Pair {
    /// Starts the nodes of the folder `dir` on the chain behind `rpc`.
    pub(crate) async fn start(dir: &Path, rpc: &RpcServer) -> Result<Self, SandboxStartError> {
        let address = ports::free_address()?;
        // The payee comes first: it settles nothing in its first two seconds, which the payer's start may take part of.
        Ok(Self {
            payee: start_node(&dir.join("payee"), rpc, Some(address)).await?,
            payer: start_node(&dir.join("payer"), rpc, None).await?,
            address,
        })
    }

    /// Stops both nodes.
    pub(crate) async fn stop(&self) -> Result<(), NodeError> {
        let (one, other) = tokio::join!(self.payer.stop(), self.payee.stop());
        one.and(other)
    }

    /// Connects the nodes, opens the channels that are missing, and sees a payment pass.
    pub(crate) async fn join(&self, chain: &Chain, channels: Channels) -> Result<(), SandboxStartError> {
        self.connect_at_last().await?;
        // A channel that only one node has written down before the process was killed goes away when they meet.
        self.wait_until_usable(chain).await?;
        for _ in 0..ATTEMPTS {
            let missing = channels.count.saturating_sub(self.payer.channels().len());
            if missing == 0 {
                return self.pay_once().await;
            }
            self.fund(chain, missing, channels.size).await?;
            self.open(chain, missing, channels.size).await?;
            self.wait_until_usable(chain).await?;
        }
        Err(SandboxStartError::TimedOut)
    }

    /// Connects the payer to the payee, if it is not.
    pub(crate) async fn connect(&self) -> Result<(), NodeError> {
        self.payer.connect(self.payee.node_id(), self.address.into()).await
    }

    /// Connects, if not at once then later: a node that was restarted first tries the address that it remembers, and meanwhile
    /// reports that failure for any other address, too.
    async fn connect_at_last(&self) -> Result<(), SandboxStartError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.connect().await {
                Ok(()) => return Ok(()),
                Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
                Err(fault) => return Err(SandboxStartError::Channels(fault)),
            }
        }
    }

    async fn sync(&self) -> Result<(), NodeError> {
        let (one, other) = tokio::join!(self.payer.sync_wallets(), self.payee.sync_wallets());
        one.and(other)
    }

    /// Gives the payer a coin of its own for each channel: the change of a transaction that waits cannot fund the next.
    async fn fund(&self, chain: &Chain, count: usize, size: Amount) -> Result<(), SandboxStartError> {
        let mut outputs = vec![(script(&self.payee).await?, PAYEE_COIN)];
        for _ in 0..count {
            outputs.push((script(&self.payer).await?, size + CHANNEL_ROOM));
        }
        chain.fund(&outputs)?;
        chain.mine(1)?;
        // Not one look: a node that is just asking for news reports those, of before the block.
        let wanted = (size + CHANNEL_RESERVE).to_sat() * count as u64;
        self.wait_for_balance(|balances| balances.spendable_onchain_sat >= wanted).await?;
        self.sync().await.map_err(SandboxStartError::Channels)
    }

    /// Waits until the payer's wallet has heard of something.
    async fn wait_for_balance(&self, heard: impl Fn(&Balances) -> bool + Sync) -> Result<(), SandboxStartError> {
        let waits = async {
            loop {
                self.payer.sync_wallets().await?;
                if heard(&self.payer.balances().await?) {
                    return Ok(());
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(PATIENCE, waits).await.map_err(|_| SandboxStartError::TimedOut)?.map_err(SandboxStartError::Channels)
    }

    /// Lets the payer's wallet hear of the newest block. The first look may be one that had begun before it.
    async fn hear_news(&self) -> Result<(), SandboxStartError> {
        for _ in 0..2 {
            self.payer.sync_wallets().await.map_err(SandboxStartError::Channels)?;
        }
        Ok(())
    }

    /// Opens channels, one after another, each with a coin of its own.
    async fn open(&self, chain: &Chain, count: usize, size: Amount) -> Result<(), SandboxStartError> {
        for _ in 0..count {
            let request = ChannelRequest {
                peer: self.payee.node_id(),
                address: self.address.into(),
                capacity_sat: size.to_sat(),
                push_msat: Msat::new(size.to_sat() * 1000 / PUSHED_PART),
                announced: false,
            };
            let channel = self.payer.open_channel(request).await.map_err(SandboxStartError::Channels)?;
            self.wait_for_funding(chain, channel).await?;
            // Until the wallet knows that the coin is spent, it would spend it again. A block tells it; its balance would not: the
            // money of a closed channel may come in at the same time.
            chain.mine(1)?;
            self.hear_news().await?;
        }
        Ok(())
    }

    /// Waits until the transaction of a channel is in the mempool. There may be others, of an earlier process.
    async fn wait_for_funding(&self, chain: &Chain, channel: ChannelId) -> Result<(), SandboxStartError> {
        let txid = || self.payer.channel(channel).and_then(|channel| channel.funding_txid?.parse().ok());
        let funded = async {
            while txid().is_none_or(|txid| chain.lock().mempool().entry(&txid).is_none()) {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(PATIENCE, funded).await.map_err(|_| SandboxStartError::TimedOut)
    }

    /// Waits until payments can pass through every channel; mines what opens them, also what an earlier process began.
    async fn wait_until_usable(&self, chain: &Chain) -> Result<(), SandboxStartError> {
        let usable = async {
            let (mut moved, mut connected) = (Instant::now(), Instant::now());
            while !self.is_usable() {
                if chain.mempool_size() > 0 || self.is_shallow() {
                    self.confirm(chain).await?;
                    moved = Instant::now();
                }
                if moved.elapsed() > STALLED {
                    self.abandon_unfunded().await;
                    moved = Instant::now();
                }
                if connected.elapsed() > RECONNECT_EVERY {
                    self.reconnect().await;
                    connected = Instant::now();
                }
                sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        timeout(PATIENCE, usable).await.map_err(|_| SandboxStartError::TimedOut)?
    }

    /// Whether a channel waits for more blocks, of which nothing in the mempool tells: an earlier process was killed as it mined.
    fn is_shallow(&self) -> bool {
        let shallow = |depth: u32| (1..CONFIRMATIONS).contains(&depth);
        let waits =
            |node: &LdkNode| node.channels().iter().any(|channel| !channel.ready && shallow(channel.confirmations));
        waits(&self.payer) || waits(&self.payee)
    }

    /// Gives up the channels of which the chain knows nothing; [`Self::join`] opens others.
    async fn abandon_unfunded(&self) {
        for node in [&self.payer, &self.payee] {
            for channel in node.channels().iter().filter(|channel| !channel.ready && channel.confirmations == 0) {
                tracing::debug!(channel = channel.name, "a channel whose funding was lost is given up");
                // It may be gone by now, since the other node has given it up.
                if let Ok(id) = channel.name.parse() {
                    let _ = node.force_close_channel(id).await;
                }
            }
        }
    }

    fn is_usable(&self) -> bool {
        [&self.payer, &self.payee].iter().all(|node| node.channels().iter().all(|channel| channel.usable))
    }

    /// Pays a satoshi: LDK holds back all that it receives in the first two seconds, so that a payment that has passed is the
    /// only proof that the next one passes at once.
    async fn pay_once(&self) -> Result<(), SandboxStartError> {
        let description = "first payment of the sandbox";
        let request = InvoiceRequest { amount_msat: Msat::new(1_000), description, expiry: PATIENCE };
        let invoice = self.payee.create_invoice(request).await.map_err(SandboxStartError::Invoice)?;
        self.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.map_err(SandboxStartError::Payment)?;
        Ok(())
    }
}

impl Ward for Pair {
    async fn confirm(&self, chain: &Chain) -> Result<(), MineError> {
        chain.mine(CONFIRMATIONS)?;
        // A node that misses this asks for new blocks by itself within seconds.
        let _ = self.sync().await;
        Ok(())
    }

    /// The payer's node tries that too, but at the address of its first connection, which changes with each start.
    async fn reconnect(&self) {
        // A node that drops a channel says so and hangs up, so that either node may be left with one.
        if !self.is_usable() {
            // The next turn tries again.
            let _ = self.connect().await;
        }
    }
}

/// Starts the node of the folder `storage`. It listens at `listen`, if that is given.
async fn start_node(storage: &Path, rpc: &RpcServer, listen: Option<SocketAddr>) -> Result<LdkNode, SandboxStartError> {
    let mut config = LdkConfig::new(Network::Regtest, rpc.chain_source(), storage);
    config.listen.extend(listen);
    LdkNode::start(config).await.map_err(SandboxStartError::Node)
}

async fn script(node: &LdkNode) -> Result<ScriptBuf, SandboxStartError> {
    let address = node.new_address().await.map_err(SandboxStartError::Channels)?;
    Ok(address.script_pubkey())
}
