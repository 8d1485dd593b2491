//! How a node starts: its own files first, then ldk-node, which needs the chain source.

use super::channels::Inbound;
use super::config::{ChainSource, LdkConfig};
use super::disk;
use super::error::{NodeFailure, NodeStartError};
use super::events::{News, pump, watch_channels};
use super::health::{Health, NodeHealth};
use super::in_flight::InFlight;
use super::log::LogFile;
use super::mint::{Mint, bitcoin_network};
use super::node::{Inner, LdkNode, aside};
use super::sent::Sent;
use super::settled::Settlements;
use super::shell::{Shell, Threads};
use super::storage::{Folder, Seed};
use super::waiters::Waiters;
use core::time::Duration;
use ldk_node::config::{AnchorChannelsConfig, Config};
use ldk_node::lightning::routing::gossip::NodeAlias;
use ldk_node::{BuildError, Builder, Node};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread;

impl LdkNode {
    /// Starts a node, the one of the storage directory or a new one, and waits until it runs.
    ///
    /// Its chain source should answer: with real money it must, and elsewhere it depends on the kind of source whether the node
    /// starts without one and keeps trying. [`LdkNode::last_synced`] tells.
    ///
    /// # Errors
    /// [`NodeStartError`]; nothing runs then.
    pub async fn start(config: LdkConfig) -> Result<Self, NodeStartError> {
        aside(move || at_once(config)).await
    }

    /// Starts a node, and returns also where its chain source does not answer, such as one that has had too many requests: the node
    /// then tries again by itself, after longer and longer pauses, and [`LdkNode::health`] is [`NodeHealth::Starting`]. Meanwhile
    /// it knows what was settled before, and makes no invoices.
    ///
    /// # Errors
    /// [`NodeStartError`] where trying again would not help; nothing runs then.
    pub async fn launch(config: LdkConfig) -> Result<Self, NodeStartError> {
        aside(move || at_last(config)).await
    }
}

/// Starts a node, or fails.
fn at_once(config: LdkConfig) -> Result<LdkNode, NodeStartError> {
    let start = Start::open(config)?;
    start.attempt()?;
    Ok(start.into_node())
}

/// Starts a node; where the chain source does not answer, a thread goes on trying.
fn at_last(config: LdkConfig) -> Result<LdkNode, NodeStartError> {
    let start = Start::open(config)?;
    if let Err(fault) = start.attempt() {
        if !fault.may_pass() {
            return Err(fault);
        }
        start.health.set(NodeHealth::Starting(Some(Arc::new(fault))));
        let again = start.again();
        thread::Builder::new().name("l402-ldk-retry".into()).spawn(|| again.run()).map_err(NodeStartError::Threads)?;
    }
    Ok(start.into_node())
}

/// A node whose own files are open.
struct Start {
    config: LdkConfig,
    seed: Arc<Seed>,
    mint: Mint,
    news: Arc<News>,
    health: Arc<Health>,
    shell: Arc<Shell>,
}

impl Start {
    fn open(config: LdkConfig) -> Result<Self, NodeStartError> {
        let mut folder = Folder::take(&config.storage)?;
        let seed = folder.seed(config.seed_file.as_deref())?;
        folder.prepare_database()?;
        let settlements = Settlements::open(&config.storage.join("settled")).map_err(NodeStartError::Settlements)?;
        let sent = Sent::open(&config.storage.join("sent")).map_err(NodeStartError::Sent)?;
        folder.made()?;
        let mint = Mint::new(&seed, config.network).ok_or(NodeStartError::Build(BuildError::InvalidSeedBytes))?;
        let health = Health::new();
        let news = Arc::new(News {
            outcomes: Waiters::new(),
            in_flight: InFlight::new(),
            settlements,
            sent,
            inbound: Inbound::new(),
            health: health.clone(),
        });
        disk::look(&config.storage).map_err(NodeStartError::Storage)?;
        let threads = Threads::new(&health).map_err(NodeStartError::Threads)?;
        let shell = Arc::new(Shell::new(folder, health.clone(), threads));
        Ok(Self { config, seed: Arc::new(seed), mint, news, health, shell })
    }

    fn attempt(&self) -> Result<(), NodeStartError> {
        attempt(&self.config, &self.seed, &self.news, &self.shell)
    }

    fn again(&self) -> Again {
        Again {
            config: self.config.clone(),
            seed: self.seed.clone(),
            news: self.news.clone(),
            shell: Arc::downgrade(&self.shell),
        }
    }

    fn into_node(self) -> LdkNode {
        let Self { config, mint, news, health, shell, .. } = self;
        Inner { network: config.network, mint, news, health, shell }.into()
    }
}

/// A start that is tried until it succeeds.
struct Again {
    config: LdkConfig,
    seed: Arc<Seed>,
    news: Arc<News>,
    /// Gone when the node is not wanted any more.
    shell: Weak<Shell>,
}

impl Again {
    fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            if !self.rest(pause) {
                return;
            }
            let Some(shell) = self.shell.upgrade() else { return };
            match attempt(&self.config, &self.seed, &self.news, &shell) {
                Ok(()) => return,
                Err(fault) if fault.may_pass() => {
                    self.news.health.set(NodeHealth::Starting(Some(Arc::new(fault))));
                }
                Err(fault) => return self.news.health.fail(NodeFailure::Start(Arc::new(fault))),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits. Returns whether the node is still wanted then.
    fn rest(&self, pause: Duration) -> bool {
        let mut left = pause;
        while self.shell.upgrade().is_some_and(|shell| shell.is_wanted()) {
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left.min(LOOK_EVERY));
            left = left.saturating_sub(LOOK_EVERY);
        }
        false
    }
}

/// Sets ldk-node up and starts it: each time anew, for one whose start has failed may be half started.
fn attempt(config: &LdkConfig, seed: &Seed, news: &Arc<News>, shell: &Shell) -> Result<(), NodeStartError> {
    let node = Arc::new(build(config, seed, shell)?);
    node.start().map_err(NodeStartError::Start)?;
    let handle = shell.handle();
    let (folder, floor, health) = (config.storage.clone(), config.min_free_bytes, news.health.clone());
    let tasks = || {
        vec![
            handle.spawn(pump(node.clone(), news.clone())),
            handle.spawn(watch_channels(node.clone(), news.clone())),
            handle.spawn(disk::watch(folder, floor, health)),
        ]
    };
    match shell.run(node.clone(), tasks) {
        Ok(()) => news.health.set(NodeHealth::Good),
        Err(unwanted) => drop(unwanted.stop()), // a failure cannot be told any more
    }
    Ok(())
}

fn build(config: &LdkConfig, seed: &Seed, shell: &Shell) -> Result<Node, NodeStartError> {
    let mut builder = Builder::from_config(settings(config).map_err(NodeStartError::Build)?);
    match &config.chain {
        ChainSource::Esplora { url } => builder.set_chain_source_esplora(url.clone(), None),
        ChainSource::Electrum { url } => builder.set_chain_source_electrum(url.clone(), None),
        ChainSource::BitcoindRpc { host, port, user, password } => {
            builder.set_chain_source_bitcoind_rpc(host.clone(), *port, user.clone(), password.to_string())
        }
    };
    builder.set_entropy_seed_bytes(**seed);
    builder.set_runtime(shell.handle().clone());
    builder.set_custom_logger(Arc::new(LogFile::open(&config.storage, config.log).map_err(NodeStartError::Storage)?));
    builder.build().map_err(NodeStartError::Build)
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

const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// An hour would be long for a person who waits, a second is short for a server that is overloaded.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How often to look whether the node is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
