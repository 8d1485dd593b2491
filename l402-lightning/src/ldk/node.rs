//! The life of a node: start, run, stop.

use super::channels::Inbound;
use super::config::{ChainSource, LdkConfig};
use super::error::{NodeError, StartError};
use super::events::{News, pump, watch_channels};
use super::in_flight::InFlight;
use super::log::LogFile;
use super::mint::{Mint, bitcoin_network};
use super::sent::Sent;
use super::settled::Settlements;
use super::storage::{self, Lock, Seed};
use super::waiters::Waiters;
use crate::{Network, NodeId};
use core::fmt;
use core::time::Duration;
use ldk_node::config::{AnchorChannelsConfig, Config};
use ldk_node::lightning::routing::gossip::NodeAlias;
use ldk_node::{BuildError, Builder, Node};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{io, thread};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// An embedded Lightning node: payee, payer, and the record of what was settled. Clones are the same node.
///
/// It runs on threads of its own and can be called from any runtime. It stops when the last clone is dropped, which then
/// blocks until the node's state is on the disk; [`LdkNode::stop`] does the same without blocking.
#[derive(Clone)]
pub struct LdkNode(Arc<Inner>);

impl LdkNode {
    /// Starts a node, the one of the storage directory or a new one, and waits until it runs.
    ///
    /// Its chain source should answer: with real money it must, and elsewhere it depends on the kind of source whether the node
    /// starts without one and keeps trying. [`LdkNode::last_synced`] tells.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(config: LdkConfig) -> Result<Self, StartError> {
        let (started, result) = oneshot::channel();
        // Not on the caller's runtime, which may have one thread only. If the caller gives up, the node stops as it is dropped.
        thread::Builder::new()
            .name("l402-ldk-start".into())
            .spawn(move || drop(started.send(Self::start_blocking(&config))))
            .map_err(StartError::Threads)?;
        result.await.map_err(|_| StartError::Threads(io::Error::other("the node panicked as it started")))?
    }

    /// Stops the node: no call succeeds after this one. Stopping twice is no error.
    ///
    /// # Errors
    /// [`NodeError`] when it did not stop as it should. Its state on the disk is whole even then.
    pub async fn stop(&self) -> Result<(), NodeError> {
        let Some(running) = self.0.shell.take() else { return Ok(()) };
        let (stopped, result) = oneshot::channel();
        let shell = &self.0.shell;
        shell.handle().spawn_blocking(move || drop(stopped.send(running.halt())));
        result.await.unwrap_or(Err(NodeError::NotRunning))
    }

    /// Returns the network.
    pub fn network(&self) -> Network {
        self.0.network
    }

    /// Returns the public key.
    pub fn node_id(&self) -> NodeId {
        self.0.mint.payee()
    }

    /// Tells whether the node runs.
    pub fn is_running(&self) -> bool {
        self.running().is_ok()
    }

    pub(super) fn node(&self) -> &Node {
        &self.0.shell.node
    }

    pub(super) fn running(&self) -> Result<Arc<Node>, NodeError> {
        if self.0.shell.is_running() { Ok(self.0.shell.node.clone()) } else { Err(NodeError::NotRunning) }
    }

    pub(super) fn news(&self) -> &Arc<News> {
        &self.0.news
    }

    pub(super) fn mint(&self) -> &Mint {
        &self.0.mint
    }

    /// Runs what blocks on a thread of the node. It runs to its end, though the caller gives up.
    pub(super) fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.0.shell.handle().spawn_blocking(work)
    }

    fn start_blocking(config: &LdkConfig) -> Result<Self, StartError> {
        let lock = storage::take(&config.storage)?;
        let seed = storage::seed(config)?;
        storage::prepare_database(&config.storage)?;
        let settlements = Settlements::open(&config.storage.join("settled")).map_err(StartError::Settlements)?;
        let sent = Sent::open(&config.storage.join("sent")).map_err(StartError::Sent)?;
        let mint = Mint::new(&seed, config.network).ok_or(StartError::Build(BuildError::InvalidSeedBytes))?;
        let runtime = Threads::new().map_err(StartError::Threads)?;
        let node = Arc::new(build(config, &seed, &runtime)?);
        node.start().map_err(StartError::Start)?;

        let news = Arc::new(News {
            outcomes: Waiters::new(),
            in_flight: InFlight::new(),
            settlements,
            sent,
            inbound: Inbound::new(),
        });
        let tasks = vec![
            runtime.handle().spawn(pump(node.clone(), news.clone())),
            runtime.handle().spawn(watch_channels(node.clone(), news.clone())),
        ];
        let shell = Shell::new(Running { node, tasks, _lock: lock, handle: runtime.handle().clone() }, runtime);
        Ok(Self(Arc::new(Inner { network: config.network, mint, news, shell })))
    }
}

impl fmt::Debug for LdkNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LdkNode({})", self.node_id())
    }
}

struct Inner {
    network: Network,
    mint: Mint,
    news: Arc<News>,
    shell: Shell,
}

/// The node and the threads that it runs on; stops the one before the others.
struct Shell {
    node: Arc<Node>,
    running: Mutex<Option<Running>>,
    threads: Threads,
}

impl Shell {
    fn new(running: Running, threads: Threads) -> Self {
        Self { node: running.node.clone(), running: Mutex::new(Some(running)), threads }
    }

    fn handle(&self) -> &runtime::Handle {
        self.threads.handle()
    }

    fn is_running(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let Some(running) = self.take() else { return };
        let (stopped, result) = mpsc::channel();
        // On a thread of the node: to block is forbidden to a thread that drives a runtime, which this one may be.
        self.handle().spawn_blocking(move || drop(stopped.send(running.halt())));
        let _ = result.recv_timeout(STOP_TIMEOUT);
    }
}

/// A node that has not been told to stop, and what must end with it.
struct Running {
    node: Arc<Node>,
    tasks: Vec<JoinHandle<()>>,
    handle: runtime::Handle,
    _lock: Lock,
}

impl Running {
    /// Blocks until the node has written its state.
    fn halt(self) -> Result<(), NodeError> {
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            let _ = self.handle.block_on(task); // was aborted
        }
        self.node.stop().map_err(NodeError::from)
    }
}

/// A runtime that may be dropped anywhere.
struct Threads(Option<Runtime>);

impl Threads {
    fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("l402-ldk")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> &runtime::Handle {
        self.0.as_ref().expect("the runtime is taken by drop only").handle()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn build(config: &LdkConfig, seed: &Seed, threads: &Threads) -> Result<Node, StartError> {
    let mut builder = Builder::from_config(settings(config).map_err(StartError::Build)?);
    match &config.chain {
        ChainSource::Esplora { url } => builder.set_chain_source_esplora(url.clone(), None),
        ChainSource::Electrum { url } => builder.set_chain_source_electrum(url.clone(), None),
        ChainSource::BitcoindRpc { host, port, user, password } => {
            builder.set_chain_source_bitcoind_rpc(host.clone(), *port, user.clone(), password.to_string())
        }
    };
    builder.set_entropy_seed_bytes(**seed);
    builder.set_runtime(threads.handle().clone());
    builder.set_custom_logger(Arc::new(LogFile::open(&config.storage, config.log).map_err(StartError::Storage)?));
    builder.build().map_err(StartError::Build)
}

fn settings(config: &LdkConfig) -> Result<Config, BuildError> {
    let some = |addresses: Vec<_>| if addresses.is_empty() { None } else { Some(addresses) };
    Ok(Config {
        storage_dir_path: utf8(&config.storage)?,
        network: bitcoin_network(config.network),
        listening_addresses: some(config.listen.iter().map(|address| (*address).into()).collect()),
        announcement_addresses: some(config.announce.iter().map(|address| address.0.clone()).collect()),
        node_alias: config.alias.as_deref().map(alias).transpose()?,
        anchor_channels_config: Some(AnchorChannelsConfig {
            trusted_peers_no_reserve: config.trusted_peers.iter().map(|peer| *peer.public_key()).collect(),
            per_channel_reserve_sats: config.anchor_reserve_sat,
        }),
        ..Config::default()
    })
}

fn utf8(path: &Path) -> Result<String, BuildError> {
    path.to_str().map(str::to_owned).ok_or(BuildError::StoragePathAccessFailed)
}

fn alias(name: &str) -> Result<NodeAlias, BuildError> {
    let mut bytes = [0; 32];
    let place = bytes.get_mut(..name.len()).ok_or(BuildError::InvalidNodeAlias)?;
    place.copy_from_slice(name.as_bytes());
    Ok(NodeAlias(bytes))
}

const WORKERS: usize = 4;
/// The node itself gives up earlier on whatever of it does not end.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);
