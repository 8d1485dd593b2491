//! The suite that every backend passes, and what an invoice has to say.

use crate::fake::{FakeLnd, Mood, World};
use core::time::Duration;
use l402_core::{Msat, UnixSeconds};
use l402_lightning::testing::conformance::{self, Harness};
use l402_lightning::{
    InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Mismatch, NodeId, PayLimit, PaymentSource,
    SettlementSource, unix_now,
};
use l402_lnd::{LndPayee, LndPayer};

struct Pair {
    payee: LndPayee,
    payee_id: NodeId,
    payer: LndPayer,
}

impl Harness for Pair {
    type Payee = LndPayee;
    type Payer = LndPayer;

    fn payee(&self) -> &LndPayee {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        Some(self.payee_id)
    }

    fn payer(&self) -> &LndPayer {
        &self.payer
    }

    fn too_much_msat(&self) -> Option<Msat> {
        None // LND does not say, and a fake has no channels
    }
}

#[tokio::test]
async fn the_backend_conforms() {
    let world = World::new();
    let (one, other) = (FakeLnd::start(&world).await, FakeLnd::start(&world).await);
    let nodes = Pair {
        payee: LndPayee::start(&one.config()).await.unwrap(),
        payee_id: one.id(),
        payer: LndPayer::connect(&other.config()).await.unwrap(),
    };
    conformance::all(&nodes).await;
    // One for each invoice that was paid, and one to an unknown payee.
    assert_eq!(world.begun(), 6);
}

#[tokio::test]
async fn l3_a_lying_lnd_is_found_out() {
    let lnd = FakeLnd::start(&World::new()).await;
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    for (mood, expected) in [
        (
            Mood::LiesAboutAmount,
            Mismatch::Amount { expected_msat: Msat::new(21_000), found_msat: Some(Msat::new(21_001)) },
        ),
        (Mood::LiesAboutHash, Mismatch::Hash),
        (Mood::LiesAboutPayee, Mismatch::Payee),
    ] {
        lnd.be(mood);
        match payee.create_invoice(REQUEST).await {
            Err(InvoiceSourceError::Mismatch(found)) => assert_eq!(found, expected),
            other => panic!("{mood:?}: {other:?}"),
        }
    }
    lnd.be(Mood::Well);
    assert!(payee.create_invoice(REQUEST).await.is_ok());
}

#[tokio::test]
async fn an_invoice_has_hints_if_configured() {
    let lnd = FakeLnd::start(&World::new()).await;
    let mut config = lnd.config();
    for private in [true, false] {
        config.private_hints = private;
        LndPayee::start(&config).await.unwrap().create_invoice(REQUEST).await.unwrap();
        let added = lnd.last_added();
        assert_eq!((added.private, added.value_msat, added.expiry, &*added.memo), (private, 21_000, 300, "weather"));
    }
}

#[tokio::test]
async fn a8_the_limits_are_lnds_to_keep() {
    let world = World::new();
    let (one, other) = (FakeLnd::start(&world).await, FakeLnd::start(&world).await);
    let invoice = LndPayee::start(&one.config()).await.unwrap().create_invoice(REQUEST).await.unwrap();
    let mut config = other.config();
    config.max_parts = 3;
    let payer = LndPayer::connect(&config).await.unwrap();
    let limit = PayLimit { max_fee_msat: Msat::new(77), max_cltv_expiry_delta: 44, timeout: Duration::from_secs(30) };
    assert!(matches!(payer.pay(&invoice, limit).await, Err(l402_lightning::PayError::NoRoute)), "42 and 3 are 45");
    assert_eq!(other.asked("SendPaymentV2"), 0);

    payer.pay(&invoice, PayLimit { max_cltv_expiry_delta: 45, ..limit }).await.unwrap();
    let sent = other.last_send();
    assert_eq!((sent.fee_limit_msat, sent.cltv_limit, sent.max_parts, sent.timeout_seconds), (77, 45, 3, 29));
}

#[tokio::test]
async fn l5_a_failed_lookup_is_an_error() {
    let lnd = FakeLnd::start(&World::new()).await;
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    let hash = payee.create_invoice(REQUEST).await.unwrap().payment_hash();
    assert_eq!(payee.settled_msat(&hash).await.unwrap(), None);
    lnd.be(Mood::LookupFails);
    let fault: LookupError = payee.settled_msat(&hash).await.unwrap_err();
    let cause = core::error::Error::source(&fault).unwrap().to_string();
    assert_eq!(cause, "LND refused: database is closed");
}

#[tokio::test]
async fn l1_open_invoices_are_listed_from_the_latest_as_far_as_they_matter() {
    let world = World::new();
    let lnd = FakeLnd::start(&world).await;
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    let make = async |count: usize| {
        for _ in 0..count {
            payee.create_invoice(REQUEST).await.unwrap();
        }
    };
    let since = |seconds| UnixSeconds::new(unix_now().get() - seconds);
    make(900).await;
    world.age(lnd.id(), 200);
    make(260).await;
    assert!(payee.stores_invoices() && world.rows(lnd.id()) == 1160);
    let open = async |seconds, most| payee.open_invoices(since(seconds), most).await.unwrap().len();
    assert_eq!((open(300, 5_000).await, lnd.asked("ListInvoices")), (1160, 6), "five pages, and one that is empty");
    assert_eq!((open(100, 5_000).await, lnd.asked("ListInvoices")), (500, 8), "the rest was not looked at");
    assert_eq!((open(300, 40).await, lnd.asked("ListInvoices")), (40, 9));
    world.age(lnd.id(), 101);
    assert_eq!(open(600, 5_000).await, 260, "the others have expired");
    lnd.be(Mood::Hangs);
    payee.open_invoices(since(600), 5_000).await.unwrap_err();
}

pub(crate) const REQUEST: InvoiceRequest<'static> =
    InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: Duration::from_mins(5) };
