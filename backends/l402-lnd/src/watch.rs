//! Keeps an eye on LND: whether it can be asked, and what was settled.
//!
//! 1. Every connection begins with the question who LND is, so that nothing is asked of another node or another chain.
//! 2. Then LND tells of settlements. After an interruption it begins behind the last one that it told of. An LND that answers
//!    and tells of none is away, too.
//! 3. A call that failed makes LND suspect: it is asked at once, and counts as away unless it answers.
//! 4. While LND is away it is asked again and again, less and less often, at random times.

use super::backoff::backoff;
use super::connect::Client;
use super::error::LndError;
use super::identity::Identity;
use super::rpc::{Invoice, InvoiceState, InvoiceSubscription};
use backon::Retryable as _;
use core::convert::Infallible;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use l402_core::{Msat, PaymentHash};
use l402_lightning::{Network, SettledMemory, Settlement, SettlementPage, unix_now};
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};

/// Whether LND can be asked.
#[derive(Debug, Clone)]
pub enum Readiness {
    /// It works, and this is who it is.
    Ready(Identity),
    /// It does not, and this is why.
    Away(Arc<LndError>),
}

impl Readiness {
    /// Tells whether it can.
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }
}

/// What is known of LND, and the task that finds it out.
pub(super) struct Watch {
    /// What LND has told of.
    settled: SettledMemory,
    /// How many settlements were told of.
    count: watch::Sender<u64>,
    client: Client,
    network: Network,
    state: watch::Sender<Readiness>,
    suspicion: Notify,
    last_settled: AtomicU64,
}

impl Watch {
    /// Begins with what LND has answered first; whether it tells of settlements shows soon.
    pub(super) fn new(client: Client, network: Network, first: Result<Identity, LndError>) -> Self {
        Self {
            settled: SettledMemory::new(MOST),
            count: watch::Sender::new(0),
            client,
            network,
            state: watch::Sender::new(Readiness::from(first)),
            suspicion: Notify::new(),
            last_settled: AtomicU64::new(0),
        }
    }

    /// Returns the state and news about it.
    pub(super) fn readiness(&self) -> watch::Receiver<Readiness> {
        self.state.subscribe()
    }

    /// Returns who LND is, while it can be asked.
    pub(super) fn identity(&self) -> Result<Identity, Arc<LndError>> {
        match &*self.state.borrow() {
            Readiness::Ready(identity) => Ok(identity.clone()),
            Readiness::Away(fault) => Err(fault.clone()),
        }
    }

    /// Returns what LND has told of a payment.
    pub(super) fn received_msat(&self, hash: &PaymentHash) -> Option<Msat> {
        self.settled.received_msat(hash)
    }

    /// Notes what LND has told of a payment.
    pub(super) fn received(&self, payment_hash: PaymentHash, received_msat: Msat) {
        self.settled.note(Settlement { payment_hash, received_msat, settled_at: unix_now() });
        self.count.send_replace(self.settled.recorded());
    }

    /// Returns how many payments LND has told of.
    pub(super) fn recorded(&self) -> u64 {
        *self.count.borrow()
    }

    /// Returns some payments that LND has told of, and waits while there are none.
    pub(super) async fn page(&self, from: u64) -> SettlementPage {
        let mut count = self.count.subscribe();
        let _ = count.wait_for(|count| *count > from).await; // it does not end before this watch
        self.settled.page(from, PAGE)
    }

    /// Has LND asked whether it is still there.
    pub(super) fn suspect(&self) {
        self.suspicion.notify_one();
    }

    /// Watches without an end.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            // Ends with a subscription that stood: the waits begin short again.
            let _: Result<Infallible, Lapse> =
                (|| self.attend()).retry(backoff()).sleep(sleep).when(|lapse| !lapse.stood).await;
        }
    }

    /// Asks LND who it is, and notes what it tells of, until it is away.
    async fn attend(&self) -> Result<Infallible, Lapse> {
        let mut began = None;
        let Err(fault) = self.listen(&mut began).await;
        self.state.send_replace(Readiness::Away(Arc::new(fault)));
        Err(Lapse { stood: began.is_some_and(|began: Instant| began.elapsed() >= A_WHILE) })
    }

    /// Ready is told with the subscription, whose beginning is written to `began`.
    async fn listen(&self, began: &mut Option<Instant>) -> Result<Infallible, LndError> {
        let identity = self.ask().await?;
        let settle_index = self.last_settled.load(Ordering::Relaxed);
        let mut invoices = self.client.follow(InvoiceSubscription { settle_index });
        // LND gives no sign of a subscription before the first invoice. One that it refuses, it refuses before it has answered
        // a question that was asked later.
        let identity = tokio::select! {
            biased;
            told = invoices.next() => {
                self.note(&told?);
                identity
            }
            again = self.ask() => again?,
        };
        *began = Some(Instant::now());
        self.state.send_replace(Readiness::Ready(identity));
        loop {
            tokio::select! {
                told = invoices.next() => self.note(&told?),
                () = self.suspicion.notified() => drop(self.ask().await?),
            }
        }
    }

    async fn ask(&self) -> Result<Identity, LndError> {
        Identity::ask(&self.client, Some(self.network)).await
    }

    fn note(&self, invoice: &Invoice) {
        if invoice.state() != InvoiceState::Settled {
            return; // made, by us or somebody else
        }
        self.last_settled.fetch_max(invoice.settle_index, Ordering::Relaxed);
        let hash = <[u8; 32]>::try_from(&*invoice.r_hash).map(PaymentHash::from_bytes);
        if let (Ok(hash), Ok(msat)) = (hash, u64::try_from(invoice.amt_paid_msat)) {
            self.received(hash, Msat::new(msat));
        }
    }
}

impl From<Result<Identity, LndError>> for Readiness {
    fn from(first: Result<Identity, LndError>) -> Self {
        match first {
            Ok(identity) => Self::Ready(identity),
            Err(fault) => Self::Away(Arc::new(fault)),
        }
    }
}

/// LND is away.
struct Lapse {
    /// Whether it was there for a while before.
    stood: bool,
}

/// Some 25 MB.
const MOST: usize = 1 << 17;

/// How many settlements are told at once.
const PAGE: usize = 64;

/// For how long a subscription has to stand to count as the end of a trouble: one that breaks sooner, again and again, is no
/// reason to ask at once.
const A_WHILE: Duration = Duration::from_secs(3);
