//! A network on which every kind of gateway meets every kind of wallet, over every distance, and what a sale on it must look like.
//!
//! ```text
//! wallet-ldk ─┬─ near-ldk
//!             ╳
//! wallet-lnd ─┴─ near-lnd ─┬─ middle-lnd
//!                          └─ middle-ldk ─┬─ far-ldk
//!                                         └─ far-lnd
//! ```
//!
//! The wallets have a channel each with either near node. Each of the six others is a gateway's payee; those on the way to the next
//! forward as well, an LND first, then an LDK node.

use core::fmt;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::{StatusCode, Uri, Version};
use l402_core::{Msat, PaymentHash};
use l402_http::pay::{MemoryStore, Purchased, Receipt};
use l402_lightning::{Invoice, LookupError, Network as Chain, Paid, PayError, PayLimit, PaymentSource, PaymentStatus};
use l402_regtest::{Network, NetworkBuilder, NodeKind};

use crate::backend::Wallet;
use crate::buyer::{Answer, Buyer, settings};
use crate::gateway::{GOODS, Gateway, PRICE_MSAT, Upstream};
use crate::http_client::{Http, HttpVersion};

/// What gateways and wallets are.
pub const KINDS: [NodeKind; 2] = [NodeKind::Ldk, NodeKind::Lnd];

/// How many nodes there are between a wallet and a gateway's payee.
pub const HOPS: [usize; 3] = [0, 1, 2];

/// One case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Whom the gateway is paid to.
    pub gateway: NodeKind,
    /// Whom the client pays from.
    pub wallet: NodeKind,
    /// How many nodes are between them.
    pub hops: usize,
    /// What the client speaks.
    pub http: HttpVersion,
}

impl Cell {
    /// Returns all cells; those that differ in nothing but the version of HTTP follow each other.
    pub fn all() -> Vec<Self> {
        let pairs = KINDS.into_iter().flat_map(|gateway| KINDS.map(|wallet| (gateway, wallet)));
        let routes = pairs.flat_map(|pair| HOPS.map(|hops| (pair, hops)));
        let cell = |((gateway, wallet), hops)| HttpVersion::ALL.map(|http| Self { gateway, wallet, hops, http });
        routes.flat_map(cell).collect()
    }

    /// Returns the name of the node that is paid.
    pub const fn payee(&self) -> &'static str {
        PAYEES[self.hops][index(self.gateway)]
    }

    /// Returns the name of the node that pays.
    pub const fn payer(&self) -> &'static str {
        WALLETS[index(self.wallet)]
    }

    /// Returns the cell without its version of HTTP, as columns.
    pub fn route(&self) -> String {
        format!("{:<8} {:<7} {:>4}", name(self.gateway), name(self.wallet), self.hops)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hops, http, .. } = self;
        write!(f, "gateway {}, wallet {}, {hops} hops, {http}", name(self.gateway), name(self.wallet))
    }
}

/// The network, with a gateway for each payee.
pub struct Matrix {
    gateways: HashMap<&'static str, Gateway>,
    wallets: HashMap<&'static str, Wallet>,
    upstream: Upstream,
    network: Network,
}

/// A sale as it should be.
#[derive(Clone, Copy, Debug)]
pub struct Sale {
    /// From the request to the answer that was paid for.
    pub handshake: Duration,
    /// Of this, what the wallet took to pay.
    pub payment: Duration,
    /// The same request again, with the token that was bought.
    pub reuse: Duration,
}

impl Matrix {
    /// Starts everything.
    pub async fn start() -> Self {
        let (network, upstream) = (topology().start().await.unwrap(), Upstream::start().await);
        let (mut gateways, mut wallets) = (HashMap::new(), HashMap::new());
        for payee in PAYEES.as_flattened() {
            gateways.insert(*payee, Gateway::start(&network, payee, &upstream).await);
        }
        for payer in WALLETS {
            wallets.insert(payer, Wallet::of(&network, payer).await);
        }
        Self { gateways, wallets, upstream, network }
    }

    /// Returns the network.
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the client's node.
    pub fn wallet(&self, cell: Cell) -> &Wallet {
        &self.wallets[cell.payer()]
    }

    /// Returns where a client that has nothing yet buys.
    pub fn uri(&self, cell: Cell) -> Uri {
        self.gateways[cell.payee()].uri("/weather")
    }

    /// Lets a client that has no tokens buy, over the connections of `http`, and ask again.
    ///
    /// 1. It is answered 402, pays, asks with the proof, and is answered 200 with the goods.
    /// 2. It paid the price, and what as many hops as there should be take.
    /// 3. The second time it is answered 200 at once, and pays nothing.
    /// 4. The upstream saw what was paid for and nothing else.
    ///
    /// # Errors
    ///
    /// What was otherwise. Nothing else may be sold meanwhile.
    pub async fn sell(&self, cell: Cell, http: &Http) -> Result<Sale, String> {
        let wallet = Arc::new(Timed { wallet: self.wallet(cell).clone(), took: OnceLock::new() });
        let buyer = Buyer::new(http, Arc::clone(&wallet), MemoryStore::new(), settings());
        let (uri, served) = (self.uri(cell), self.upstream.served());

        let begun = Instant::now();
        let bought = buyer.get(&uri).await.map_err(|fault| explain(&fault))?;
        let handshake = begun.elapsed();
        let paid = is(&bought, cell, &[StatusCode::PAYMENT_REQUIRED, StatusCode::OK])?;
        if paid.purchased != Purchased::Now
            || paid.amount_msat != Msat::new(PRICE_MSAT)
            || paid.fee_msat.get() / HOP_FEE_MSAT != cell.hops as u64
        {
            return Err(format!("paid otherwise: {paid:?}"));
        }

        let begun = Instant::now();
        let again = buyer.get(&uri).await.map_err(|fault| explain(&fault))?;
        let reuse = begun.elapsed();
        let reused = is(&again, cell, &[StatusCode::OK])?;
        if reused != (Receipt { purchased: Purchased::Before, ..paid }) {
            return Err(format!("paid {paid:?}, then {reused:?}"));
        }
        match (self.upstream.served() - served, wallet.took.get()) {
            (2, Some(payment)) => Ok(Sale { handshake, payment: *payment, reuse }),
            (other, _) => Err(format!("the upstream saw {other} requests")),
        }
    }

    /// Stops everything.
    pub async fn stop(self) {
        for gateway in self.gateways.into_values() {
            gateway.stop().await;
        }
        self.network.stop().await;
    }
}

/// A wallet that pays once, and notes how long that took.
struct Timed {
    wallet: Wallet,
    took: OnceLock<Duration>,
}

impl PaymentSource for Timed {
    fn network(&self) -> Chain {
        self.wallet.network()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        let begun = Instant::now();
        let paid = self.wallet.pay(invoice, limit).await;
        self.took.set(begun.elapsed()).expect("a wallet is asked to pay once");
        paid
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.wallet.payment(hash).await
    }
}

/// Returns what was paid, if the goods came after these statuses in the cell's version of HTTP.
fn is(answer: &Answer, cell: Cell, statuses: &[StatusCode]) -> Result<Receipt, String> {
    let version = if cell.http == HttpVersion::Two { Version::HTTP_2 } else { Version::HTTP_11 };
    let as_expected = answer.exchanges.iter().copied().eq(statuses.iter().map(|status| (version, *status)));
    match answer.receipt {
        Some(receipt) if as_expected && answer.body == GOODS => Ok(receipt),
        _ => Err(format!("answered otherwise: {answer:?}")),
    }
}

/// An error with its causes.
fn explain(fault: &dyn core::error::Error) -> String {
    let causes = core::iter::successors(fault.source(), |cause| cause.source());
    causes.fold(fault.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn topology() -> NetworkBuilder {
    let nodes = PAYEES.into_iter().chain([WALLETS]).flat_map(|names| names.into_iter().zip(KINDS));
    let network = nodes.fold(Network::builder(), |network, (name, kind)| network.node(name, kind));
    let from_wallets = WALLETS.into_iter().flat_map(|wallet| PAYEES[0].map(|near| (wallet, near)));
    let onwards = HUBS.into_iter().zip(&PAYEES[1..]).flat_map(|(hub, names)| names.map(|name| (hub, name)));
    from_wallets
        .chain(onwards)
        .fold(network, |network, (from, to)| network.channel(from, to, l402_regtest::DEFAULT_CHANNEL_SAT))
}

const fn index(kind: NodeKind) -> usize {
    match kind {
        NodeKind::Ldk => 0,
        NodeKind::Lnd => 1,
    }
}

const fn name(kind: NodeKind) -> &'static str {
    ["ldk", "lnd"][index(kind)]
}

/// The clients' nodes, by kind.
const WALLETS: [&str; 2] = ["wallet-ldk", "wallet-lnd"];

/// The gateways' nodes, by hops and kind.
const PAYEES: [[&str; 2]; 3] = [["near-ldk", "near-lnd"], ["middle-ldk", "middle-lnd"], ["far-ldk", "far-lnd"]];

/// The first hop and the second.
const HUBS: [&str; 2] = [PAYEES[0][1], PAYEES[1][0]];

/// What either implementation takes for forwarding, unless told otherwise; LND adds a millionth of the amount.
const HOP_FEE_MSAT: u64 = 1000;
