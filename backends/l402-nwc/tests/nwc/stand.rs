//! Two nodes, a relay between, and a wallet service for each.

use core::time::Duration;
use l402_core::Msat;
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, Paid, PayError, PayLimit, PayeeNode, PayerWallet, PaymentSource,
    PaymentStatus,
};
use l402_nwc::testing::{FakeRelay, FakeWallet, RunningWallet};
use l402_nwc::{NwcConfig, NwcPayer};
use tempfile::TempDir;

/// A wallet that pays, and an invoice of somebody else's.
pub(crate) struct Stand {
    pub(crate) relay: FakeRelay,
    pub(crate) wallet: RunningWallet,
    pub(crate) node: FakeNode,
    pub(crate) seller: FakeNode,
    pub(crate) invoice: Invoice,
    pub(crate) payer: NwcPayer,
    pub(crate) folder: TempDir,
}

impl Stand {
    pub(crate) async fn new() -> Self {
        Self::with(|wallet| wallet).await
    }

    pub(crate) async fn with(change: impl FnOnce(FakeWallet) -> FakeWallet) -> Self {
        let (network, relay) = (FakeNetwork::new(), FakeRelay::start().await);
        let (seller, node) = (network.node(), network.node());
        let wallet = change(wallet(&node)).start(&[relay.url()]).await;
        let invoice = seller.create_invoice(REQUEST).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let payer = NwcPayer::connect(&wallet.config(), folder.path()).await.unwrap();
        Self { relay, wallet, node, seller, invoice, payer, folder }
    }

    pub(crate) async fn pay(&self) -> Result<Paid, PayError> {
        self.payer.pay(&self.invoice, limit(20_000)).await
    }

    /// For what stays unknown.
    pub(crate) async fn pay_briefly(&self) -> Result<Paid, PayError> {
        self.payer.pay(&self.invoice, limit(500)).await
    }

    pub(crate) async fn status(&self) -> PaymentStatus {
        self.payer.payment(&self.invoice.payment_hash()).await.unwrap()
    }

    /// The same wallet in another process, which knows what is on disk and nothing else.
    pub(crate) async fn restart(&mut self) {
        self.payer = NwcPayer::connect(&self.wallet.config(), self.folder.path()).await.unwrap();
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.folder.path().join(format!("{}.json", self.invoice.payment_hash())).exists()
    }
}

pub(crate) fn wallet(node: &FakeNode) -> FakeWallet {
    FakeWallet::new(PayeeNode::new(node.clone()), PayerWallet::new(node.clone()))
}

/// With a short time for an answer.
pub(crate) fn hasty(mut config: NwcConfig) -> NwcConfig {
    config.deadline = Duration::from_millis(700);
    config
}

pub(crate) const fn limit(milliseconds: u64) -> PayLimit {
    PayLimit { timeout: Duration::from_millis(milliseconds), ..PayLimit::fee(Msat::new(7_000)) }
}

pub(crate) const REQUEST: InvoiceRequest<'static> =
    InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: Duration::from_mins(5) };
