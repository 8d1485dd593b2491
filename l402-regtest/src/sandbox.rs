//! The whole network: chain, RPC server, payee, payer, channels, miner.

use core::net::SocketAddr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::Amount;
use l402_ldk::{LdkNode, NodeError};
use l402_lightning::folder::Manifest;

use crate::background::Background;
use crate::caretaker::Caretaker;
use crate::chain::Chain;
use crate::folder::Folder;
use crate::pair::{Channels, Pair};
use crate::reset::{self, ResetError};
use crate::rpc::{Credentials, RpcServer};
use crate::start_error::SandboxStartError;

/// How long a new chain is: the faucet's first coinbases have matured.
const FIRST_BLOCKS: u32 = 110;

/// Several channels, since each carries only so many payments at once.
const DEFAULT_CHANNELS: usize = 4;

const DEFAULT_CHANNEL_SIZE: Amount = Amount::from_sat(10_000_000);

/// The largest channel that nodes open without further agreement (BOLT 2 §Rationale: 2^24 satoshi).
const MAX_CHANNEL_SIZE: Amount = Amount::from_sat((1 << 24) - 1);

/// What a folder must contain once a sandbox has run in it. What the nodes need of their own, they know themselves.
const PARTS: [&str; 3] = ["chain/blocks.dat", "payee/seed", "payer/seed"];

/// Invoices live longer, and nodes wait two hours more for the clocks of others.
const TOLERANCE_S: u64 = 3_600;

/// What a sandbox is to be like; see [`Sandbox::builder`].
#[derive(Clone, Debug)]
pub struct SandboxBuilder {
    dir: Option<PathBuf>,
    channels: Channels,
    rpc_port: u16,
}

impl SandboxBuilder {
    /// Keeps everything in the folder `dir`, and goes on with what is there. By default all is temporary.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets how many channels the payer has to the payee: 4 by default, at least one.
    #[must_use]
    pub fn channels(mut self, count: usize) -> Self {
        self.channels.count = count.max(1);
        self
    }

    /// Sets the size of a channel: 10,000,000 sat by default, at most 16,777,215. The payer owns nine tenths of it.
    #[must_use]
    pub fn channel_size(mut self, size: Amount) -> Self {
        self.channels.size = size.min(MAX_CHANNEL_SIZE);
        self
    }

    /// Sets the port of the chain's RPC server; by default, or with 0, one that is free.
    #[must_use]
    pub fn rpc_port(mut self, port: u16) -> Self {
        self.rpc_port = port;
        self
    }

    /// Starts everything, and returns when a payment has passed: the next one takes a fraction of a second.
    ///
    /// # Errors
    ///
    /// Returns the first part that does not start; the parts before it are stopped again.
    pub async fn start(self) -> Result<Sandbox, SandboxStartError> {
        let folder = Folder::open(self.dir, "l402-sandbox-")?;
        let mut manifest = Manifest::read(folder.path())?;
        for part in PARTS {
            manifest.demand(part, &folder.path().join(part), "reset the sandbox with `l402-server reset-sandbox`")?;
        }
        let chain = Chain::open(&folder.path().join("chain"))?;
        in_time(&chain)?;
        // A chain that was stopped days ago gets a young block: nodes take the tip's time for the time of day.
        chain.mine(FIRST_BLOCKS.saturating_sub(chain.height()).max(1))?;
        let credentials = Credentials::random().map_err(io::Error::from)?;
        let rpc = RpcServer::start(chain.clone(), self.rpc_port, credentials)?;
        let background = Background::start("regtest")?;
        let nodes = Pair::start(folder.path(), &rpc).await?;
        nodes.join(&chain, self.channels).await?;
        manifest.add(&PARTS)?;
        let caretaker = Some(Caretaker::start(&background, chain.clone(), nodes.clone()));
        Ok(Sandbox { nodes, caretaker, _background: background, rpc, chain, folder })
    }
}

/// A running network. Dropping it stops the nodes and blocks until they have; [`Sandbox::stop`] does not block.
pub struct Sandbox {
    nodes: Pair,
    caretaker: Option<Caretaker>,
    // Dropped in this order: what the nodes need goes after them.
    _background: Background,
    rpc: RpcServer,
    chain: Chain,
    folder: Folder,
}

impl Sandbox {
    /// Returns the settings of a temporary sandbox with four channels.
    pub fn builder() -> SandboxBuilder {
        let channels = Channels { count: DEFAULT_CHANNELS, size: DEFAULT_CHANNEL_SIZE };
        SandboxBuilder { dir: None, channels, rpc_port: 0 }
    }

    /// Removes what a sandbox has kept in a folder, its play money included. The next one in the folder begins anew.
    ///
    /// # Errors
    ///
    /// [`ResetError`]; a folder that holds no sandbox is left as it is.
    pub fn reset(dir: &Path) -> Result<(), ResetError> {
        reset::remove(dir)
    }

    /// Returns the node that is paid.
    pub fn payee(&self) -> &LdkNode {
        &self.nodes.payee
    }

    /// Returns the node that pays.
    pub fn payer(&self) -> &LdkNode {
        &self.nodes.payer
    }

    /// Returns where further nodes reach the payee.
    pub fn payee_address(&self) -> SocketAddr {
        self.nodes.address
    }

    /// Returns the chain, to mine on it or to fund further wallets.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Returns the chain's RPC server, for further nodes.
    pub fn rpc(&self) -> &RpcServer {
        &self.rpc
    }

    /// Returns the folder that holds everything.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the nodes, then the rest. A folder that was given can be started again.
    ///
    /// # Errors
    ///
    /// When error while stopping a node; what it has on disk is whole even then.
    pub async fn stop(mut self) -> Result<(), NodeError> {
        stop(self.caretaker.take(), &self.nodes).await
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let Some(caretaker) = self.caretaker.take() else { return };
        let nodes = self.nodes.clone();
        // A thread that drives a runtime must not drive another, so that a third one waits for the nodes.
        let stopper = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.map(|runtime| runtime.block_on(stop(Some(caretaker), &nodes)))
        });
        // A failure cannot be told any more; the folder is whole in any case.
        let _ = stopper.join();
    }
}

/// The nodes take the time of the newest block for the time of day, and would hold every invoice for expired.
fn in_time(chain: &Chain) -> Result<(), SandboxStartError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let ahead_s = chain.time().saturating_sub(now);
    if ahead_s > TOLERANCE_S { Err(SandboxStartError::ClockWasAhead { ahead_s }) } else { Ok(()) }
}

async fn stop(caretaker: Option<Caretaker>, nodes: &Pair) -> Result<(), NodeError> {
    if let Some(caretaker) = caretaker {
        caretaker.finish().await;
    }
    nodes.stop().await
}
