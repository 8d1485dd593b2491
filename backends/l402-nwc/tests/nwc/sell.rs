//! Selling: what was received is what the wallet says when it is asked, and a wallet that is away sells nothing.

use crate::stand::{REQUEST, hasty, limit, wallet};
use core::time::Duration;
use l402_core::Msat;
use l402_lightning::testing::conformance::{self, Harness};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{Invoice, InvoiceSource, InvoiceSourceError, Mismatch, NodeId, PaymentSource, SettlementSource};
use l402_nwc::testing::{FakeRelay, FakeWallet, Mood, RunningWallet};
use l402_nwc::{NwcConfig, NwcError, NwcPayee, NwcPayer, Readiness};
use tokio::time::sleep;

/// A wallet that is paid, and somebody who pays it.
struct Shop {
    relay: FakeRelay,
    wallet: RunningWallet,
    node: FakeNode,
    buyer: FakeNode,
    payee: NwcPayee,
}

const RECEIVES: [&str; 4] = ["make_invoice", "lookup_invoice", "list_transactions", "get_info"];

impl Shop {
    async fn new(change: impl FnOnce(&mut NwcConfig)) -> Self {
        let (network, relay) = (FakeNetwork::new(), FakeRelay::start().await);
        let (node, buyer) = (network.node(), network.node());
        let wallet = wallet(&node).methods(&RECEIVES).start(&[relay.url()]).await;
        let mut config = wallet.config();
        change(&mut config);
        let payee = NwcPayee::start(&config).await.unwrap();
        Self { relay, wallet, node, buyer, payee }
    }

    async fn invoice(&self) -> Invoice {
        self.payee.create_invoice(REQUEST).await.unwrap()
    }

    async fn sold(&self) -> Invoice {
        let invoice = self.invoice().await;
        self.buyer.pay(&invoice, limit(5_000)).await.unwrap();
        invoice
    }

    async fn settled(&self, invoice: &Invoice) -> Option<Msat> {
        self.payee.settled_msat(&invoice.payment_hash()).await.unwrap()
    }

    async fn is(&self, ready: bool) {
        self.payee.readiness().wait_for(|state| state.is_ready() == ready).await.unwrap();
    }
}

struct Pair {
    payee: NwcPayee,
    payer: NwcPayer,
}

impl Harness for Pair {
    type Payee = NwcPayee;
    type Payer = NwcPayer;

    fn payee(&self) -> &NwcPayee {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        None
    }

    fn payer(&self) -> &NwcPayer {
        &self.payer
    }

    fn too_much_msat(&self) -> Option<Msat> {
        None
    }
}

/// The suite with a wallet on either side.
pub(crate) async fn conforms(encryption: Option<&'static str>, relays: &[String]) {
    let (network, folder) = (FakeNetwork::new(), tempfile::tempdir().unwrap());
    let (shop, purse) = (network.node(), network.node());
    let till = wallet(&shop).methods(&RECEIVES).encryption(encryption).start(relays).await;
    let purse = wallet(&purse).encryption(encryption).start(relays).await;
    let mut config = till.config();
    config.invoices_per_second = 1_000; // the suite asks for many at once
    let seller = NwcPayee::start(&config).await.unwrap();
    let buyer = NwcPayer::connect(&purse.config(), folder.path()).await.unwrap();
    conformance::all(&Pair { payee: seller, payer: buyer }).await;
}

#[tokio::test]
async fn payee_and_payer_conform() {
    let relay = FakeRelay::start().await;
    conforms(Some("nip44_v2"), &[relay.url()]).await;
}

#[tokio::test]
async fn payee_and_payer_conform_with_nip04_alone() {
    let relay = FakeRelay::start().await;
    conforms(None, &[relay.url()]).await;
}

#[tokio::test]
async fn o2_a_connection_that_may_spend_is_refused_unless_it_is_allowed() {
    let (relay, node) = (FakeRelay::start().await, FakeNetwork::new().node());
    for spends in ["pay_invoice", "pay_keysend", "multi_pay_invoice"] {
        let methods = ["make_invoice", "lookup_invoice", "get_info", spends];
        let wallet = wallet(&node).methods(&methods).start(&[relay.url()]).await;
        let mut config = wallet.config();
        assert!(matches!(NwcPayee::start(&config).await, Err(NwcError::MaySpend)), "{spends}");
        config.allow_spending = true;
        assert!(NwcPayee::start(&config).await.is_ok(), "{spends}");
    }
    let wallet = wallet(&node).methods(&["make_invoice", "get_info"]).start(&[relay.url()]).await;
    assert!(matches!(NwcPayee::start(&wallet.config()).await, Err(NwcError::Lacks("lookup_invoice"))));
}

#[tokio::test]
async fn l3_a_lying_wallet_is_found_out() {
    let shop = Shop::new(|_| {}).await;
    let (expected_msat, found_msat) = (Msat::new(21_000), Some(Msat::new(21_001)));
    for (mood, expected) in
        [(Mood::LiesAboutAmount, Mismatch::Amount { expected_msat, found_msat }), (Mood::LiesAboutHash, Mismatch::Hash)]
    {
        shop.wallet.be(mood);
        match shop.payee.create_invoice(REQUEST).await {
            Err(InvoiceSourceError::Mismatch(found)) => assert_eq!(found, expected),
            other => panic!("{mood:?}: {other:?}"),
        }
    }
    shop.wallet.be(Mood::SignsWithAnotherKey);
    let quick = NwcPayee::start(&hasty(shop.wallet.config())).await.unwrap();
    assert!(matches!(quick.create_invoice(REQUEST).await, Err(InvoiceSourceError::Unavailable(_))), "nobody answered");
}

#[tokio::test]
async fn l5_what_is_held_is_not_settled_and_what_the_wallet_cannot_look_up_is_an_error() {
    let shop = Shop::new(|_| {}).await;
    let invoice = shop.sold().await;
    shop.wallet.be(Mood::Holds);
    assert_eq!(shop.settled(&invoice).await, None);
    shop.wallet.be(Mood::RefusesToLook("INTERNAL"));
    assert!(shop.payee.settled_msat(&invoice.payment_hash()).await.is_err());
    shop.wallet.be(Mood::RefusesToLook("NOT_FOUND"));
    assert_eq!(shop.settled(&invoice).await, None);
    shop.wallet.be(Mood::Well);
    assert_eq!(shop.settled(&invoice).await, Some(Msat::new(21_000)));
}

#[tokio::test]
async fn l5_a_notice_is_a_reason_to_look_and_no_settlement() {
    let shop = Shop::new(|_| {}).await;
    let (unpaid, paid) = (shop.invoice().await, shop.sold().await);
    shop.wallet.notify(&unpaid.payment_hash().to_string());
    shop.wallet.notify(&paid.payment_hash().to_string());
    let page = shop.payee.settlements_from(0).await.unwrap();
    assert_eq!(page.settlements.len(), 1);
    assert_eq!(page.settlements[0].payment_hash, paid.payment_hash());
    assert_eq!(shop.payee.settled_in_memory(&paid.payment_hash()), Some(Msat::new(21_000)));
    assert_eq!(shop.payee.settled_in_memory(&unpaid.payment_hash()), None);
    assert_eq!(shop.wallet.asked("lookup_invoice"), 2, "both were looked up");
}

#[tokio::test]
async fn l5_a_notice_of_another_key_is_not_heard() {
    let shop = Shop::new(|_| {}).await;
    let invoice = shop.sold().await;
    shop.wallet.be(Mood::SignsWithAnotherKey);
    shop.wallet.notify(&invoice.payment_hash().to_string());
    shop.wallet.be(Mood::Well);
    // One that is heard, behind it.
    let other = shop.sold().await;
    shop.wallet.notify(&other.payment_hash().to_string());
    assert_eq!(shop.payee.settlements_from(0).await.unwrap().settlements[0].payment_hash, other.payment_hash());
    assert_eq!(shop.wallet.asked("lookup_invoice"), 1);
}

#[tokio::test]
async fn l6_without_a_relay_nothing_is_sold_and_what_is_settled_stays_so() {
    let mut shop = Shop::new(|_| {}).await;
    let (known, unknown) = (shop.sold().await, shop.sold().await);
    assert_eq!(shop.settled(&known).await, Some(Msat::new(21_000)));
    shop.relay.stop().await;
    shop.is(false).await;
    assert!(matches!(shop.payee.create_invoice(REQUEST).await, Err(InvoiceSourceError::Unavailable(_))));
    assert!(shop.payee.settled_msat(&unknown.payment_hash()).await.is_err(), "never: not settled");
    assert_eq!(shop.settled(&known).await, Some(Msat::new(21_000)));
    shop.relay.restart().await;
    shop.is(true).await;
    assert_eq!(shop.settled(&unknown).await, Some(Msat::new(21_000)), "a late look counts");
    assert!(shop.payee.create_invoice(REQUEST).await.is_ok());
}

#[tokio::test]
async fn l6_a_wallet_that_is_away_at_the_start_may_come_later() {
    let (network, mut relay) = (FakeNetwork::new(), FakeRelay::start().await);
    let wallet = FakeWallet::new(
        l402_lightning::PayeeNode::new(network.node()),
        l402_lightning::PayerWallet::new(network.node()),
    );
    let wallet = wallet.methods(&RECEIVES).start(&[relay.url()]).await;
    relay.stop().await;
    let mut config = hasty(wallet.config());
    config.network = None;
    assert!(matches!(NwcPayee::start(&config).await, Err(NwcError::NoRelay(..))), "it has to say which chain it is on");
    let payee = NwcPayee::start(&hasty(wallet.config())).await.unwrap();
    assert!(matches!(&*payee.readiness().borrow(), Readiness::Away(NwcError::NoRelay(..))));
    relay.restart().await;
    payee.readiness().wait_for(Readiness::is_ready).await.unwrap();
    assert!(payee.create_invoice(REQUEST).await.is_ok());
}

#[tokio::test]
async fn l1_there_are_never_more_unpaid_invoices_than_allowed() {
    let shop = Shop::new(|config| config.max_unpaid = 2).await;
    let (first, _second) = (shop.sold().await, shop.invoice().await);
    let fault = shop.payee.create_invoice(REQUEST).await.unwrap_err();
    assert!(
        matches!(&fault, InvoiceSourceError::Unavailable(cause) if cause.to_string() == "too many unpaid invoices")
    );
    assert_eq!(shop.node.invoices_asked(), 2);
    assert!(shop.settled(&first).await.is_some());
    assert!(shop.payee.create_invoice(REQUEST).await.is_ok(), "one is paid");
}

#[tokio::test]
async fn l1_a_wallet_that_is_asked_too_often_is_left_alone() {
    let shop = Shop::new(|config| config.invoices_per_second = 1).await;
    shop.wallet.be(Mood::Refuses("RATE_LIMITED"));
    assert!(shop.payee.create_invoice(REQUEST).await.is_err());
    let asked = shop.wallet.asked("make_invoice");
    assert!(shop.payee.create_invoice(REQUEST).await.is_err());
    let hash = l402_core::PaymentHash::from_bytes([1; 32]);
    assert!(shop.payee.settled_msat(&hash).await.is_err(), "503, and not: not settled");
    assert_eq!((shop.wallet.asked("make_invoice"), shop.wallet.asked("lookup_invoice")), (asked, 0));
    shop.wallet.be(Mood::Well);
    while shop.payee.create_invoice(REQUEST).await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
}
