//! A Lightning network of LND processes and LDK nodes, declared as a topology, on the regtest chain of this process.
//!
//! ```no_run
//! use l402_core::Msat;
//! use l402_regtest::Network;
//!
//! # async fn run() -> Result<(), Box<dyn core::error::Error>> {
//! let network = Network::builder()
//!     .lnd("alice")
//!     .lnd("bob")
//!     .ldk("carol")
//!     .channel("alice", "bob", 10_000_000)
//!     .channel("bob", "carol", 10_000_000)
//!     .start()
//!     .await?;
//! let invoice = network.lnd("alice").invoice(Msat::from_sat(21)).await?;
//! network.lnd("bob").pay(&invoice, Msat::new(0)).await?;
//! network.lnd("bob").kill();
//! network.restart("bob").await?;
//! # Ok(())
//! # }
//! ```
//!
//! 1. Nothing sleeps for a fixed time: every step ends when the nodes say that it is done, and fails after minutes with what is
//!    missing.
//! 2. What enters the mempool is mined within a moment, six blocks deep.
//! 3. A network that is dropped ends all its nodes. If that is because a test panics, or if it did not even start, its folder
//!    stays, and standard error says where; `L402_KEEP` in the environment keeps it in any case.
//! 4. LND processes end with this one, however it ends; then, too, the folder stays.

mod builder;
mod channel;
mod error;
mod ldk;
mod member;
mod shapes;
mod start;
mod text;

use core::net::SocketAddr;
use std::path::Path;

use l402_ldk::LdkNode;
use l402_lightning::NodeId;

use self::member::{Kind, Member};
use crate::background::Background;
use crate::caretaker::{Caretaker, Ward};
use crate::chain::{Chain, MineError};
use crate::folder::Folder;
use crate::lnd::LndNode;
use crate::rpc::RpcServer;

pub use builder::{DEFAULT_CHANNEL_SAT, NetworkBuilder};
pub use channel::Channel;
pub use error::NetworkError;
pub use shapes::{PAYEES, PAYERS};
pub use text::TopologyError;

/// As many blocks as nodes wait for before they announce a channel.
const CONFIRMATIONS: u32 = 6;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// An LND in a process of its own.
    Lnd,
    /// An LDK node in this process.
    Ldk,
}

/// A running network. Dropping it ends all nodes, which blocks for a moment; [`Network::stop`] does not block.
pub struct Network {
    members: Members,
    channels: Vec<Channel>,
    caretaker: Option<Caretaker>,
    // Dropped last: what the nodes need goes after them.
    parts: Parts,
}

/// What the nodes stand on.
struct Parts {
    _background: Background,
    rpc: RpcServer,
    chain: Chain,
    folder: Folder,
}

/// All nodes, as they were declared.
#[derive(Clone)]
struct Members(Vec<Member>);

impl Network {
    /// Returns a network without nodes, to declare some.
    pub fn builder() -> NetworkBuilder {
        NetworkBuilder::default()
    }

    /// Returns the LND called `name`.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn lnd(&self, name: &str) -> &LndNode {
        match self.members.0.iter().find(|member| member.name == name).map(|member| &member.kind) {
            Some(Kind::Lnd(node)) => node,
            _ => panic!("no LND of the network is called {name}"),
        }
    }

    /// Returns the LDK node called `name`, of its last start.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[track_caller]
    pub fn ldk(&self, name: &str) -> LdkNode {
        match self.members.0.iter().find(|member| member.name == name).map(|member| &member.kind) {
            Some(Kind::Ldk(member)) => member.node(),
            _ => panic!("no LDK node of the network is called {name}"),
        }
    }

    /// Returns the names of all nodes and what they are, as they were declared.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, NodeKind)> {
        self.members.0.iter().map(|member| {
            let kind = if matches!(member.kind, Kind::Lnd(_)) { NodeKind::Lnd } else { NodeKind::Ldk };
            (member.name.as_str(), kind)
        })
    }

    /// Returns the channels that were declared.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Returns who the node `name` is, and where others reach it.
    ///
    /// # Errors
    ///
    /// [`NetworkError::NoSuchNode`].
    pub fn peer(&self, name: &str) -> Result<(NodeId, SocketAddr), NetworkError> {
        let member = self.members.find(name)?;
        Ok((member.id()?, member.address()))
    }

    /// Opens a further channel, and returns when payments can pass through it. The opener's reserve does not pay for it: it is
    /// funded anew.
    ///
    /// # Errors
    ///
    /// When an end does not exist or run, or it takes too long.
    pub async fn open(&mut self, channel: Channel) -> Result<(), NetworkError> {
        start::fund_one(&self.members, &channel, &self.parts.chain).await?;
        start::open(&self.members, vec![channel.clone()], &self.parts.chain).await?;
        self.channels.push(channel);
        self.ready().await
    }

    /// Stops the node `name` in order. Its peers stay.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it does not stop.
    pub async fn stop_node(&self, name: &str) -> Result<(), NetworkError> {
        self.members.find(name)?.stop().await
    }

    /// Starts the node `name` again, whether it runs, was stopped or killed; returns when all its channels to nodes that run are
    /// active again.
    ///
    /// # Errors
    ///
    /// When there is no such node, it does not start, or it takes too long.
    pub async fn restart(&self, name: &str) -> Result<(), NetworkError> {
        let member = self.members.find(name)?;
        member.stop().await?;
        member.start().await?;
        self.reconnect(name).await
    }

    /// Connects the node `name` to the peers of its channels, and returns when these are active.
    ///
    /// # Errors
    ///
    /// When there is no such node, or it takes too long.
    pub async fn reconnect(&self, name: &str) -> Result<(), NetworkError> {
        let member = self.members.find(name)?;
        for peer in self.channels.iter().filter_map(|channel| channel.peer_of(name)) {
            let peer = self.members.find(peer)?;
            if peer.is_awake() {
                start::connect(member, peer).await?;
            }
        }
        self.ready().await
    }

    /// Waits until every channel between nodes that run is active at both ends, and every announced one is known to all.
    ///
    /// # Errors
    ///
    /// [`NetworkError::TimedOut`] with what is missing.
    pub async fn ready(&self) -> Result<(), NetworkError> {
        start::ready(&self.members, &self.channels).await
    }

    /// Returns the chain, to mine on it or to fund further wallets.
    pub fn chain(&self) -> &Chain {
        &self.parts.chain
    }

    /// Returns the chain's RPC server, for further nodes.
    pub fn rpc(&self) -> &RpcServer {
        &self.parts.rpc
    }

    /// Returns the folder that holds a folder for each node.
    pub fn dir(&self) -> &Path {
        self.parts.folder.path()
    }

    /// Ends everything: LDK nodes in order, LND processes at once, for they are not started again.
    pub async fn stop(mut self) {
        end(self.caretaker.take(), self.members.clone()).await;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.parts.folder.keep("a test failed");
        }
        let Some(caretaker) = self.caretaker.take() else { return };
        let members = self.members.clone();
        // A thread that drives a runtime must not drive another, so that a third one waits for the nodes.
        let stopper = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.map(|runtime| runtime.block_on(end(Some(caretaker), members)))
        });
        // A failure cannot be told any more.
        let _ = stopper.join();
    }
}

async fn end(caretaker: Option<Caretaker>, members: Members) {
    if let Some(caretaker) = caretaker {
        caretaker.finish().await;
    }
    for member in members.0 {
        match member.kind {
            Kind::Lnd(node) => node.kill(),
            // Its state is lost with its folder, or whole in any case.
            Kind::Ldk(ldk) => drop(ldk.node().stop().await),
        }
    }
}

impl Members {
    fn find(&self, name: &str) -> Result<&Member, NetworkError> {
        self.0.iter().find(|member| member.name == name).ok_or_else(|| NetworkError::NoSuchNode(name.to_owned()))
    }
}

impl Ward for Members {
    async fn confirm(&self, chain: &Chain) -> Result<(), MineError> {
        chain.mine(CONFIRMATIONS)?;
        for member in &self.0 {
            member.sync().await;
        }
        Ok(())
    }

    /// Nodes that lose each other in a test do so on purpose: [`Network::reconnect`] is the test's to call.
    async fn reconnect(&self) {}
}
