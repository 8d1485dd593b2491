//! Serving: one single-threaded runtime per core, which share nothing.
//!
//! 1. Each thread has a listening socket of its own on the same address (`SO_REUSEPORT`); the system spreads connections
//!    over them. A connection stays on its thread, and so do the connections to the upstreams that its requests use.
//! 2. A client has a deadline for each request's head, at most 64 KiB for it, a bound on streams and resets, and a bound on
//!    the time in which it takes nothing of an answer (P4), also where it answers pings, or nothing polls its answer (P6).
//! 3. Connections, requests of one client and connections to upstreams are bounded, so that some descriptors stay in reserve
//!    (P6). A WebSocket counts as the connection that it came on, and as a request under way.
//! 4. Challenges are counted for each client and for all of them, open invoices too where the node stores each, and uses of a token where
//!    its service or route says so (L1). The counters are those of all threads; those of tokens are shared through a ledger that can.
//! 5. When it is told to stop, the gateway accepts nothing more, says so in each tunnel, lets requests under way end until a
//!    deadline, and then closes (P8).
//!
//! HTTP/1.1 and HTTP/2 without TLS are told apart by their first bytes.

mod activity;
mod bodies;
mod clients;
mod connection;
mod descriptors;
mod forward;
mod gateway;
mod head_timer;
mod identity;
mod listen;
mod own;
mod preface;
mod ready;
mod refusal;
mod requests;
mod reread;
mod seldom;
mod socket;
mod worker;

use core::fmt;
use core::net::SocketAddr;
use l402_http::proxy::{ConnectionLimit, UpstreamConfigError};
use l402_http::service::Paywall;
use l402_http::service::kept::Answers;
use l402_ledger::{DenyList, Ledger};
use l402_lightning::folder::FolderError;
use l402_lightning::{InvoiceSource, Network, NodeId, SettlementSource};
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::sync::{oneshot, watch};

use crate::answers::FileAnswers;
use crate::fresh_keys::FreshKeys;
use crate::inventory::Inventory;
use crate::keeper::{LedgerKeeper, Standing};
use crate::keys::KeyFileError;
use crate::settings::{LsatLine, Settings};
use crate::shared::Shared;
use clients::Clients;
use connection::Limits;
use descriptors::Shares;
use gateway::Gateway;
use identity::{Identity, rate_limits, unpaid_invoices};
use listen::Sockets;
use worker::Worker;

pub use ready::{Check, Checks};

/// Who is paid: the node that makes invoices, and what they must say.
#[derive(Debug, Clone)]
pub struct Payee<N> {
    node: N,
    network: Network,
    id: Option<NodeId>,
    checks: Checks,
}

impl<N: InvoiceSource + SettlementSource + Clone + 'static> Payee<N> {
    /// Takes a node whose invoices are for `network`.
    pub fn new(node: N, network: Network) -> Self {
        Self { node, network, id: None, checks: Checks::default() }
    }

    /// Says what `/ready` looks at of the node.
    #[must_use]
    pub fn checks(mut self, checks: Checks) -> Self {
        self.checks = checks;
        self
    }

    /// Demands that invoices are signed by this node.
    #[must_use]
    pub fn id(mut self, id: NodeId) -> Self {
        self.id = Some(id);
        self
    }

    /// Lets the gateways that share the keeper's ledger know what arrived at each other's node, until the payee is dropped. Where the
    /// ledger cannot be shared, nothing changes.
    ///
    /// # Errors
    /// [`StartError::Keys`]: the key file, which has to be there, cannot be used.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn shared(self, keeper: &LedgerKeeper, settings: &Settings) -> Result<Payee<Shared<N>>, StartError> {
        let Self { node, network, id, checks } = self;
        let node = Shared::start(node, keeper.ledger(), settings).map_err(StartError::Keys)?;
        Ok(Payee { node, network, id, checks })
    }

    fn paywall(
        &self,
        settings: &Settings,
        keys: &FreshKeys,
        (ledger, deny_list): &(Ledger, DenyList),
    ) -> Paywall<N, FreshKeys> {
        let paywall = Paywall::new(settings.policy().clone(), keys.clone(), self.node.clone(), self.network)
            .gate_policy(settings.gate)
            .lsat_line(settings.lsat_line == LsatLine::Sent)
            .ledger(ledger.clone())
            .deny_list(deny_list.clone())
            .deliverable(forward::deliverable(settings));
        match self.id {
            Some(id) => paywall.payee(id),
            None => paywall,
        }
    }
}

/// A running gateway. Dropping it stops it without waiting for requests under way.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    ended: Vec<oneshot::Receiver<()>>,
}

impl Server {
    /// Opens the key file, binds the address and starts the threads. Needs no runtime of the caller's.
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// ```
    /// use l402_lightning::{Network, testing::FakeNetwork};
    /// use l402_http::proxy::UpstreamConfig;
    /// use l402_gateway::settings::{Service, Settings};
    /// use l402_gateway::{Payee, Server};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let data = folder.path();
    /// let upstream = UpstreamConfig::new(&"http://127.0.0.1:3000".parse()?)?;
    /// let mut settings = Settings::new(data, vec![Service::new("files".parse()?, upstream).free("/*")])?;
    /// settings.listen = "127.0.0.1:0".parse()?;
    /// let server = Server::start(&settings, &Payee::new(FakeNetwork::new().node(), Network::Regtest))?;
    /// println!("http://{}/", server.address());
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// server.shutdown().await;
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start<N>(settings: &Settings, payee: &Payee<N>) -> Result<Self, StartError>
    where
        N: InvoiceSource + SettlementSource + Clone + 'static,
    {
        Self::bind(settings)?.serve(settings, payee)
    }

    /// Opens the key file and binds the address, before a node is there: what is wrong with either is then known at once.
    ///
    /// # Errors
    /// [`StartError::Keys`] and [`StartError::Bind`].
    pub fn bind(settings: &Settings) -> Result<Bound, StartError> {
        let mut inventory = Inventory::open(settings).map_err(StartError::State)?;
        let keys = FreshKeys::open(settings).map_err(StartError::Keys)?;
        inventory.note().map_err(StartError::State)?;
        let unbound = |cause| StartError::Bind { address: settings.listen, cause };
        let sockets = Sockets::bind(settings.listen, settings.threads).map_err(unbound)?;
        Ok(Bound { keys, sockets, ledger: None })
    }

    /// Returns where it serves; the port is the real one where port 0 was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: accepts nothing more, waits until requests under way have ended or their deadline has passed, and closes.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for ended in &mut self.ended {
            let _ = ended.await; // an error says that the thread has panicked, and so has ended
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a serving thread had panicked");
            }
        }
    }
}

/// A gateway that has its keys and its address, and serves no client yet.
#[derive(Debug)]
pub struct Bound {
    keys: FreshKeys,
    sockets: Sockets,
    ledger: Option<((Ledger, DenyList), Standing)>,
}

impl Bound {
    /// Returns where it is going to serve.
    pub const fn address(&self) -> SocketAddr {
        self.sockets.address
    }

    /// Counts uses with a ledger. What is sold by number needs one.
    #[must_use]
    pub fn ledger(mut self, keeper: &LedgerKeeper) -> Self {
        self.ledger = Some(((keeper.ledger().clone(), keeper.deny_list().clone()), keeper.standing()));
        self
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn serve<N>(self, settings: &Settings, payee: &Payee<N>) -> Result<Server, StartError>
    where
        N: InvoiceSource + SettlementSource + Clone + 'static,
    {
        let address = self.address();
        // A body is hashed only where it may be counted.
        let hashed_within = self.ledger.is_some().then_some(settings.idle);
        let (ledger, checks) = match self.ledger {
            Some((ledger, standing)) => {
                let checks = checks(payee, &self.keys, &ledger.1, settings);
                (ledger, checks.and("ledger", move || standing.look()))
            }
            None if sells_counted(settings) => return Err(StartError::NoLedger),
            None => {
                let deny_list = DenyList::default();
                let checks = checks(payee, &self.keys, &deny_list, settings);
                ((Ledger::absent(), deny_list), checks)
            }
        };
        let answers = answers(settings).map_err(StartError::Answers)?;
        let listeners = self.sockets.listen().map_err(|cause| StartError::Bind { address, cause })?;
        let shares = Shares::of(settings, descriptors::raise(), descriptors::open());
        tracing::debug!(?shares, "bounds");
        let clients = Clients::new(settings, shares);
        let identity = Identity::of(settings);
        let (rates, unpaid) = (rate_limits(settings, &identity, &ledger.0), unpaid_invoices(settings, &identity));
        let upstreams = ConnectionLimit::new(shares.upstream_connections);
        let (stop, stopped) = watch::channel(false);
        let mut server = Server { address, stop, threads: Vec::new(), ended: Vec::new() };
        for (number, listener) in listeners.into_iter().enumerate() {
            let mut paywall = payee.paywall(settings, &self.keys, &ledger).rate_limits(rates.clone());
            if let Some(unpaid) = &unpaid {
                paywall = paywall.unpaid_invoices(unpaid.clone());
            }
            if let Some(answers) = &answers {
                paywall = paywall.answers(answers.clone());
            }
            let gateway = Gateway::new(settings, paywall, payee.network, (checks.clone(), hashed_within), &upstreams);
            let worker = Worker {
                listener,
                gateway: gateway.map_err(StartError::Upstream)?,
                limits: Limits::of(settings),
                clients: Arc::clone(&clients),
                stopped: stopped.clone(),
            };
            let (end, ended) = oneshot::channel();
            let thread = thread::Builder::new().name(format!("serve-{number}")).spawn(move || {
                worker.run();
                let _ = end.send(()); // a server that was dropped is not waited for
            });
            server.threads.push(thread.map_err(StartError::Thread)?);
            server.ended.push(ended);
        }
        Ok(server)
    }
}

/// Opens the directory of kept answers, where a route keeps any.
fn answers(settings: &Settings) -> io::Result<Option<Answers>> {
    if settings.policy().routes().iter().all(|route| route.keep_answer().is_none()) {
        return Ok(None);
    }
    let crate::settings::Limits { keep_size, keep_total, .. } = settings.limits;
    let store = FileAnswers::open(&settings.data_dir.join(ANSWERS), keep_total)?;
    Ok(Some(Answers::new(store, keep_size)))
}

fn sells_counted(settings: &Settings) -> bool {
    let mut offers = settings.policy().routes().iter().filter_map(|route| route.offer());
    offers.any(|offer| offer.uses.is_counted())
}

/// What a sale needs: what the node says, the key file, and an upstream that can be reached.
fn checks<N>(payee: &Payee<N>, keys: &FreshKeys, deny_list: &DenyList, settings: &Settings) -> Checks {
    let (keys, deny_list) = (keys.clone(), deny_list.clone());
    let signs = move || match keys.standing() {
        Ok(()) if deny_list.denies_epoch(keys.minting()) => Err("the key that signs new tokens was revoked"),
        standing => standing,
    };
    let upstreams: Vec<_> = settings.services().iter().map(|service| service.upstream.health()).collect();
    let reached = move || {
        if upstreams.iter().all(|upstream| upstream.down().is_some()) { Err("none can be reached") } else { Ok(()) }
    };
    payee.checks.clone().and("keys", signs).and("upstream", reached)
}

/// Why a gateway cannot start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Something that was in the data folder is missing.
    State(FolderError),
    /// The key file cannot be used.
    Keys(KeyFileError),
    /// Something is sold by number, and there is no ledger to count uses with.
    NoLedger,
    /// The address cannot be listened on.
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
    /// An upstream cannot be set up.
    Upstream(UpstreamConfigError),
    /// A thread cannot be started.
    Thread(io::Error),
    /// The directory of kept answers cannot be used.
    Answers(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State(FolderError::Missing { .. }) => f.write_str("a file of the data directory is missing"),
            Self::State(_) => f.write_str("cannot use the data directory"),
            Self::Keys(_) => f.write_str("cannot use the key file"),
            Self::NoLedger => f.write_str("a route sells a number of uses, and there is no ledger to count them"),
            Self::Bind { address, .. } => write!(f, "cannot listen on {address}"),
            Self::Upstream(_) => f.write_str("cannot set up an upstream"),
            Self::Thread(_) => f.write_str("cannot start a thread"),
            Self::Answers(_) => f.write_str("cannot use the directory `answers` of the data directory"),
        }
    }
}

impl core::error::Error for StartError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::State(cause) => Some(cause),
            Self::Keys(cause) => Some(cause),
            Self::NoLedger => None,
            Self::Bind { cause, .. } | Self::Thread(cause) | Self::Answers(cause) => Some(cause),
            Self::Upstream(cause) => Some(cause),
        }
    }
}

/// The directory of kept answers in the data directory.
const ANSWERS: &str = "answers";
