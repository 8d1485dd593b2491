//! A4: whatever happens between the payment and the answer, nothing is paid twice and nothing that was paid is lost.

use crate::shop::{Error, Shop, World, connect};
use bytes::Bytes;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use http::{Request, StatusCode};
use http_body_util::Full;
use l402_core::purchase::{Step, Unresolved};
use l402_core::{Msat, PaymentHash, SpendLimits};
use l402_http::pay::{
    Asking, AttemptLog, Consents, Leases, MemoryStore, Order, Origin, PayLayer, PaySettings, Purchased, Receipt, Token,
    TokenStore, Turns, payment_status,
};
use l402_lightning::PaymentStatus;
use l402_lightning::testing::{FakeFault, FakeNetwork};
use std::sync::Arc;
use tower::{Layer, ServiceExt};

#[tokio::test]
async fn a4_a_lost_outcome_is_found_again() {
    let world = World::new();
    world.wallet.misbehave(FakeFault::LoseOutcome);
    let error = world.get("http://shop.example/a").await.unwrap_err();
    let Error::PaymentUnknown { payment_hash, .. } = error else { panic!("{error:?}") };

    let response = world.get("http://shop.example/a").await.unwrap();
    assert_eq!(response.extensions().get::<Receipt>().unwrap().payment_hash, payment_hash);
    assert_eq!(world.wallet.payments_sent(), 1);
}

/// The node may still read what it knows nothing of yet: it is asked to pay the same, which moves money once, and nothing else.
#[tokio::test]
async fn a4_what_the_wallet_knows_nothing_of_is_paid_by_the_same_invoice() {
    let world = World::new();
    world.wallet.misbehave(FakeFault::LoseRequest);
    let error = world.get("http://shop.example/a").await.unwrap_err();
    let Error::PaymentUnknown { payment_hash, .. } = error else { panic!("{error:?}") };
    world.wallet.behave();

    let response = world.get("http://shop.example/a").await.unwrap();
    let receipt = response.extensions().get::<Receipt>().unwrap();
    assert_eq!((receipt.payment_hash, receipt.purchased), (payment_hash, Purchased::Now));
    assert_eq!((world.wallet.payments_sent(), world.shop.node.invoices_asked()), (1, 2));
}

/// The process that began it may have been killed, and its wallet with it before anything was sent.
#[tokio::test]
async fn a4_what_is_under_way_is_waited_for_by_paying_the_same_invoice() {
    let world = World::new();
    world.wallet.misbehave(FakeFault::Hang);
    let get = || world.get("http://shop.example/a");
    assert!(matches!(get().await, Err(Error::PaymentUnknown { .. })));
    world.wallet.behave();

    let response = get().await.unwrap();
    assert_eq!(
        response.extensions().get::<Receipt>().unwrap().purchased,
        Purchased::Before,
        "it is the payment of before"
    );
    assert_eq!((world.wallet.payments_sent(), world.shop.node.invoices_asked()), (1, 1));
}

#[tokio::test]
async fn a4_what_the_wallet_knows_nothing_of_is_paid_within_the_limits_of_the_call_that_pays() {
    let world = World::new();
    world.wallet.misbehave(FakeFault::LoseRequest);
    let settings = PaySettings::new(SpendLimits { max_price_msat: Msat::new(20_999), max_fee_msat: Msat::new(0) });
    let thrifty = PayLayer::new(world.wallet.clone(), world.store.clone(), settings).layer(connect(&world.shop));
    world.get("http://shop.example/a").await.unwrap_err();
    world.wallet.behave();
    let request = Request::get("http://shop.example/a").body(Full::<Bytes>::default()).unwrap();
    assert!(matches!(thrifty.oneshot(request).await, Err(Error::Declined(_))));
    assert_eq!(world.wallet.payments_sent(), 0);
}

/// The wallet may read the first request, or carry it out, after the second has failed.
#[tokio::test]
async fn a4_a_request_that_was_repeated_fails_for_certain_when_no_clock_lets_its_invoice_be_paid() {
    for first_fault in [FakeFault::LoseRequest, FakeFault::Hang] {
        let world = World::new();
        world.wallet.misbehave(first_fault);
        let Error::PaymentUnknown { payment_hash: first, .. } = world.get("http://shop.example/a").await.unwrap_err()
        else {
            panic!("the outcome is known")
        };
        for fault in [FakeFault::NoRoute, FakeFault::Unreachable, FakeFault::NoRoute] {
            world.wallet.misbehave(fault);
            let error = world.get("http://shop.example/a").await.unwrap_err();
            assert!(matches!(error, Error::PaymentUnknown { payment_hash, .. } if payment_hash == first), "{error:?}");
        }
        world.wallet.behave();
        let response = world.get("http://shop.example/a").await.unwrap();
        assert_eq!(response.extensions().get::<Receipt>().unwrap().payment_hash, first);
        assert_eq!(world.wallet.payments_sent(), 1);
    }
}

#[test]
fn a4_what_a_wallet_says_of_an_order_is_weighed() {
    let order =
        |asking| Order { invoice: "lnbc1".to_owned(), max_fee_msat: Msat::new(0), max_cltv_expiry_delta: 0, asking };
    let hash = PaymentHash::from_bytes([1; 32]);
    let follows = |asking, found| {
        Order::record(Some(&order(asking))).after_lookup(payment_status(&found, &hash), u64::from(u32::MAX).into())
    };
    let unknown = |why| Step::Unknown(why);
    assert_eq!(follows(Asking::First, PaymentStatus::NotFound), unknown(Unresolved::NotRead));
    assert_eq!(follows(Asking::Again, PaymentStatus::NotFound), unknown(Unresolved::NotRead));
    assert_eq!(follows(Asking::First, PaymentStatus::Failed), Step::NotPaid);
    assert_eq!(follows(Asking::Again, PaymentStatus::Failed), unknown(Unresolved::FailedAgain));
    assert_eq!(follows(Asking::First, PaymentStatus::Pending), Step::Wait);
    assert_eq!(
        Order::record(None).after_lookup(payment_status(&PaymentStatus::NotFound, &hash), 0.into()),
        Step::NotPaid
    );
}

#[test]
fn a4_an_order_is_over_when_no_clock_lets_its_invoice_be_paid() {
    // Made at 1,496,314,658 for a minute (BOLT 11 §Examples).
    let invoice = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
    let order = |invoice: &str| Order {
        invoice: invoice.to_owned(),
        max_fee_msat: Msat::new(0),
        max_cltv_expiry_delta: 0,
        asking: Asking::First,
    };
    let is_over = |invoice, unix_s: u64| {
        let record = Order::record(Some(&order(invoice)));
        record.after_lookup(payment_status(&PaymentStatus::NotFound, &PaymentHash::from_bytes([1; 32])), unix_s.into())
            == Step::NotPaid
    };
    assert!(!is_over(invoice, 1_496_314_658 + 60 + 120));
    assert!(is_over(invoice, 1_496_314_658 + 60 + 121));
    assert!(!is_over("lnbc1", u64::from(u32::MAX)), "its expiry is unknown");
}

#[tokio::test]
async fn a4_nothing_is_paid_while_a_payment_is_under_way() {
    let world = World::new();
    world.wallet.misbehave(FakeFault::Hang);
    let first = world.get("http://shop.example/a").await.unwrap_err();
    let Error::PaymentUnknown { payment_hash: first, .. } = first else { panic!("{first:?}") };
    for _ in 0..3 {
        let again = world.get("http://shop.example/a").await.unwrap_err();
        assert!(matches!(again, Error::PaymentUnknown { payment_hash, .. } if payment_hash == first), "{again:?}");
    }
    assert_eq!((world.wallet.payments_sent(), world.shop.node.invoices_asked()), (0, 1));
}

#[tokio::test]
async fn a4_a_wallet_that_cannot_be_asked_pays_nothing_more() {
    let world = World::new();
    world.wallet.misbehave(FakeFault::LoseOutcome);
    world.get("http://shop.example/a").await.unwrap_err();
    world.wallet.misbehave(FakeFault::Unreachable);
    assert!(matches!(world.get("http://shop.example/a").await, Err(Error::PaymentUnknown { .. })));
    world.wallet.behave();
    assert_eq!(world.get("http://shop.example/a").await.unwrap().status(), StatusCode::OK);
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a4_a_caller_that_gives_up_does_not_lose_the_payment() {
    let world = World::with(|settings| settings.payment_timeout = Duration::from_mins(1));
    world.wallet.misbehave(FakeFault::Hang);
    for _ in 0..2 {
        tokio::time::timeout(Duration::from_millis(50), world.get("http://shop.example/a")).await.unwrap_err();
    }
    assert_eq!(world.shop.node.invoices_asked(), 1);
}

#[tokio::test]
async fn a_payment_that_failed_may_be_tried_again() {
    let world = World::new();
    for fault in [FakeFault::NoRoute, FakeFault::Unreachable] {
        world.wallet.misbehave(fault);
        let error = world.get("http://shop.example/a").await.unwrap_err();
        assert!(matches!(error, Error::PaymentFailed(_)), "{error:?}");
    }
    world.wallet.behave();
    assert_eq!(world.get("http://shop.example/a").await.unwrap().status(), StatusCode::OK);
}

/// A store that fails when it is told to.
#[derive(Clone, Default)]
struct FakeBrokenStore {
    tokens: MemoryStore,
    reads_fail: Arc<AtomicBool>,
    writes_fail: Arc<AtomicBool>,
    proofs_fail: Arc<AtomicBool>,
}

#[derive(Debug)]
struct DiskFull;

impl fmt::Display for DiskFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("disk full")
    }
}

impl core::error::Error for DiskFull {}

fn unless(broken: &AtomicBool) -> Result<(), DiskFull> {
    if broken.load(Ordering::SeqCst) { Err(DiskFull) } else { Ok(()) }
}

impl TokenStore for FakeBrokenStore {
    type Error = DiskFull;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, DiskFull> {
        unless(&self.reads_fail)?;
        Ok(self.tokens.tokens(origin).await.unwrap())
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), DiskFull> {
        unless(&self.writes_fail)?;
        if token.preimage.is_some() {
            unless(&self.proofs_fail)?;
        }
        self.tokens.put(origin, token).await.unwrap();
        Ok(())
    }

    async fn forget(&self, origin: &Origin, hash: &PaymentHash) -> Result<(), DiskFull> {
        unless(&self.writes_fail)?;
        self.tokens.forget(origin, hash).await.unwrap();
        Ok(())
    }
}

impl AttemptLog for FakeBrokenStore {}

impl Consents for FakeBrokenStore {}

impl Leases for FakeBrokenStore {}

impl Turns for FakeBrokenStore {}

#[tokio::test]
async fn a4_without_a_store_nothing_is_paid_and_with_it_nothing_is_lost() {
    let network = FakeNetwork::new();
    let (shop, wallet, store) = (Shop::open(&network), network.node(), FakeBrokenStore::default());
    let settings = PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(0) });
    let client = PayLayer::new(wallet.clone(), store.clone(), settings).layer(connect(&shop));
    let get = || client.clone().oneshot(Request::get("http://shop.example/a").body(Full::<Bytes>::default()).unwrap());

    store.reads_fail.store(true, Ordering::SeqCst);
    assert!(matches!(get().await, Err(Error::Store(_))));
    store.reads_fail.store(false, Ordering::SeqCst);
    store.writes_fail.store(true, Ordering::SeqCst);
    assert!(matches!(get().await, Err(Error::Store(_))));
    assert_eq!(wallet.payments_sent(), 0);

    store.writes_fail.store(false, Ordering::SeqCst);
    store.proofs_fail.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert!(matches!(get().await, Err(Error::NotStored { .. })));
    }
    assert!(shop.seen().iter().all(|seen| seen.authorization.is_none()), "not used before it was stored");
    store.proofs_fail.store(false, Ordering::SeqCst);
    assert_eq!(get().await.unwrap().status(), StatusCode::OK);
    assert_eq!(wallet.payments_sent(), 1);
}
