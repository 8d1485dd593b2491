//! A network that tests share, as none of them does harm to a node of it.
//!
//! ```text
//! payer-lnd ─┐        ┌─ seller (LND)
//!            ├─ hub ──┼─ seller-ldk
//! payer-ldk ─┘  (LND) ├─ narrow-lnd (private, all of it narrow-lnd's)
//!                     └─ narrow-ldk (all of it narrow-ldk's)
//! ```
//!
//! It starts with the first test that wants it, and ends with the last that holds it.

use core::time::Duration;
use std::sync::{Arc, LazyLock, Weak};

use interop::{Wallet, payee};
use l402_core::{Msat, PaymentHash};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource as _, PayError, PayLimit, PayeeNode, PaymentSource, PaymentStatus,
};
use l402_regtest::{Channel, Network};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

/// What things cost.
pub(crate) const AMOUNT_MSAT: u64 = 21_000;

/// How long to wait for what must come.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// The network with its clients.
pub(crate) struct Town {
    pub(crate) payers: [(&'static str, Wallet); 2],
    pub(crate) seller: PayeeNode,
    pub(crate) network: Network,
}

/// Runs a test on the town.
pub(crate) fn in_town(test: impl AsyncFnOnce(&Town)) {
    let town = RUNTIME.block_on(Town::enter());
    let guard = Keep(Arc::clone(&town));
    RUNTIME.block_on(test(&town));
    drop(town);
    drop(guard);
}

impl Town {
    async fn enter() -> Arc<Self> {
        static ONE: tokio::sync::Mutex<Weak<Town>> = tokio::sync::Mutex::const_new(Weak::new());
        let mut one = ONE.lock().await;
        if let Some(town) = one.upgrade() {
            return town;
        }
        let town = Arc::new(Self::start().await);
        *one = Arc::downgrade(&town);
        town
    }

    async fn start() -> Self {
        let network = Network::builder()
            .lnd("seller")
            .ldk("seller-ldk")
            .lnd("narrow-lnd")
            .ldk("narrow-ldk")
            .lnd("hub")
            .ldk("payer-ldk")
            .lnd("payer-lnd")
            .channel("hub", "seller", 10_000_000)
            .channel("hub", "seller-ldk", 1_000_000)
            .open(Channel::new("narrow-lnd", "hub", 1_000_000).push(0).private())
            .open(Channel::new("narrow-ldk", "hub", 1_000_000).push(0))
            .channel("payer-lnd", "hub", 1_000_000)
            .channel("payer-ldk", "hub", 1_000_000)
            .start()
            .await
            .unwrap();
        let mut payers = Vec::new();
        for name in ["payer-lnd", "payer-ldk"] {
            payers.push((name, Wallet::of(&network, name).await));
        }
        Self { payers: payers.try_into().unwrap(), seller: payee(&network, "seller").await, network }
    }

    /// Returns an invoice of the seller.
    pub(crate) async fn invoice(&self, amount_msat: u64) -> Invoice {
        let request = InvoiceRequest {
            amount_msat: Msat::new(amount_msat),
            description: "weather",
            expiry: Duration::from_hours(1),
        };
        self.seller.create_invoice(request).await.unwrap()
    }
}

/// Keeps the logs of a test that fails: dropped by the last holder of the network.
struct Keep(Arc<Town>);

impl Drop for Keep {
    fn drop(&mut self) {
        if std::thread::panicking() {
            core::mem::forget(Arc::clone(&self.0)); // ends with the process, which leaves its folder
        }
    }
}

/// Pays with the usual limits, and within `timeout`.
pub(crate) async fn pay_within(
    payer: &impl PaymentSource,
    invoice: &Invoice,
    timeout: Duration,
) -> Result<(), PayError> {
    let paid = payer.pay(invoice, PayLimit { timeout, ..PayLimit::fee(Msat::new(10_000)) }).await?;
    assert!(paid.preimage.matches(&invoice.payment_hash()));
    assert_eq!(Some(paid.amount_msat), invoice.amount_msat());
    Ok(())
}

/// Returns the error of a payment that must not move money and must leave no doubt about it.
pub(crate) async fn refused(payer: &impl PaymentSource, invoice: &Invoice, limit: PayLimit) -> PayError {
    let fault = payer.pay(invoice, limit).await.unwrap_err();
    assert!(!fault.is_unknown(), "{fault:?}: {:?}", core::error::Error::source(&fault));
    let status = payer.payment(&invoice.payment_hash()).await.unwrap();
    assert!(matches!(status, PaymentStatus::NotFound | PaymentStatus::Failed), "{fault:?}, but {status:?}");
    fault
}

/// Waits until the payer's node says what became of a payment.
pub(crate) async fn outcome(payer: &impl PaymentSource, hash: &PaymentHash, patience: Duration) -> PaymentStatus {
    let deadline = Instant::now() + patience;
    loop {
        match payer.payment(hash).await {
            Ok(PaymentStatus::Pending) | Err(_) if Instant::now() < deadline => sleep(Duration::from_millis(50)).await,
            known => return known.unwrap(),
        }
    }
}

/// Waits until the payer's node says that it has paid, and checks the proof.
pub(crate) async fn succeeds(payer: &impl PaymentSource, hash: &PaymentHash) {
    match outcome(payer, hash, SOON).await {
        PaymentStatus::Succeeded(paid) => assert!(paid.preimage.matches(hash)),
        other => panic!("a success expected, not {other:?}"),
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
