//! LND goes away and comes back.

use crate::conform::REQUEST;
use crate::fake::{FakeLnd, Mood, World};
use core::time::Duration;
use l402_core::{Msat, PaymentHash};
use l402_lightning::{InvoiceSource, InvoiceSourceError, Network, PayLimit, PaymentSource, SettlementSource};
use l402_lnd::{LndError, LndPayee, LndPayer, Readiness};
use tokio::time::{sleep, timeout};

async fn ready(payee: &LndPayee) {
    let mut readiness = payee.readiness();
    timeout(SOON, readiness.wait_for(Readiness::is_ready)).await.unwrap().unwrap();
}

async fn away(payee: &LndPayee) -> String {
    let mut readiness = payee.readiness();
    let state = timeout(SOON, readiness.wait_for(|state| !state.is_ready())).await.unwrap().unwrap().clone();
    let Readiness::Away(fault) = state else { panic!("is there") };
    fault.to_string()
}

#[tokio::test]
async fn a_locked_lnd_is_waited_for_where_its_network_is_known() {
    let lnd = FakeLnd::start(&World::new()).await;
    lnd.be(Mood::Locked);
    let mut config = lnd.config();
    assert!(matches!(LndPayee::start(&config).await, Err(LndError::Locked)));

    config.network = Some(Network::Regtest);
    let payee = LndPayee::start(&config).await.unwrap();
    assert!(away(&payee).await.contains("locked"));
    assert!(matches!(payee.create_invoice(REQUEST).await, Err(InvoiceSourceError::Unavailable(_))));
    lnd.be(Mood::Well);
    ready(&payee).await;
    payee.create_invoice(REQUEST).await.unwrap();
}

#[tokio::test]
async fn l5_what_was_paid_is_known_while_lnd_is_away_and_the_rest_when_it_is_back() {
    let world = World::new();
    let (lnd, other) = (FakeLnd::start(&world).await, FakeLnd::start(&world).await);
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    let buyer = LndPayer::connect(&other.config()).await.unwrap();
    until(|| lnd.asked("SubscribeInvoices") == 1).await;
    let (first, second) = (payee.create_invoice(REQUEST).await.unwrap(), payee.create_invoice(REQUEST).await.unwrap());
    buyer.pay(&first, PayLimit::fee(Msat::ZERO)).await.unwrap();
    // The subscription alone has to tell.
    until_known(&payee, &first.payment_hash(), &lnd).await;

    lnd.go_away().await;
    away(&payee).await;
    assert_eq!(payee.settled_msat(&first.payment_hash()).await.unwrap(), Some(Msat::from_sat(21)));
    assert!(payee.settled_msat(&second.payment_hash()).await.is_err());
    assert!(payee.create_invoice(REQUEST).await.is_err());

    buyer.pay(&second, PayLimit::fee(Msat::ZERO)).await.unwrap();
    lnd.come_back().await;
    ready(&payee).await;
    until(|| lnd.resumed_from().len() == 2).await;
    assert_eq!(lnd.resumed_from(), [0, 1], "behind the last that was told");
    until_known(&payee, &second.payment_hash(), &lnd).await;
    payee.create_invoice(REQUEST).await.unwrap();
}

#[tokio::test]
async fn an_lnd_that_hangs_is_found_out_by_the_first_call() {
    let lnd = FakeLnd::start(&World::new()).await;
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    until(|| lnd.asked("SubscribeInvoices") == 1).await;
    lnd.be(Mood::Hangs);
    let fault = payee.create_invoice(REQUEST).await.unwrap_err();
    assert!(format!("{fault:?}").contains("TimedOut"), "{fault:?}");
    assert!(away(&payee).await.contains("no response"));
    assert!(payee.create_invoice(REQUEST).await.is_err());
    assert!(payee.settled_msat(&PaymentHash::from_bytes([7; 32])).await.is_err());
    assert_eq!(
        (lnd.asked("AddInvoice"), lnd.asked("LookupInvoice")),
        (1, 0),
        "an LND that is known to be away is not asked"
    );
    lnd.be(Mood::Well);
    ready(&payee).await;
    payee.create_invoice(REQUEST).await.unwrap();
}

#[tokio::test]
async fn an_lnd_on_another_chain_than_before_is_not_asked() {
    let lnd = FakeLnd::start(&World::new()).await;
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    lnd.go_away().await;
    away(&payee).await;
    lnd.be(Mood::OnMainnet);
    lnd.come_back().await;
    let mut readiness = payee.readiness();
    let wrong =
        |state: &Readiness| matches!(state, Readiness::Away(fault) if fault.to_string().contains("not on regtest"));
    timeout(SOON, readiness.wait_for(wrong)).await.unwrap().unwrap();
    assert!(payee.create_invoice(REQUEST).await.is_err());
    assert_eq!(lnd.asked("AddInvoice"), 0);
}

#[tokio::test]
async fn an_lnd_that_tells_of_no_settlements_is_away_and_asked_less_and_less_often() {
    let lnd = FakeLnd::start(&World::new()).await;
    lnd.be(Mood::TellsNothing);
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    assert!(away(&payee).await.contains("too many subscriptions"));
    let mut readiness = payee.readiness();
    let stays_away = timeout(Duration::from_millis(1_500), readiness.wait_for(Readiness::is_ready)).await.is_err();
    assert!(stays_away, "though it answers");
    let asked = lnd.asked("SubscribeInvoices");
    assert!((2..=6).contains(&asked), "{asked} times");
    lnd.be(Mood::Well);
    ready(&payee).await;

    // A subscription that stood for a while has ended the trouble: the next begins with short waits again.
    sleep(Duration::from_millis(3_200)).await;
    let asked = lnd.asked("SubscribeInvoices");
    lnd.be(Mood::TellsNothing);
    lnd.go_away().await;
    lnd.come_back().await;
    sleep(Duration::from_millis(3_500)).await;
    assert!(lnd.asked("SubscribeInvoices") >= asked + 3, "{} times", lnd.asked("SubscribeInvoices") - asked);
}

#[tokio::test]
async fn the_watch_ends_with_the_last_clone() {
    let lnd = FakeLnd::start(&World::new()).await;
    let payee = LndPayee::start(&lnd.config()).await.unwrap();
    let clone = payee.clone();
    let mut readiness = payee.readiness();
    drop(payee);
    clone.create_invoice(REQUEST).await.unwrap();
    drop(clone);
    timeout(SOON, async { while readiness.changed().await.is_ok() {} }).await.unwrap();
}

/// Without a look-up, which would find it as well.
async fn until_known(payee: &LndPayee, hash: &PaymentHash, lnd: &FakeLnd) {
    lnd.be(Mood::LookupFails);
    timeout(SOON, async {
        while payee.settled_msat(hash).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    lnd.be(Mood::Well);
}

pub(crate) async fn until(holds: impl Fn() -> bool) {
    let looked = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(SOON, looked).await.unwrap();
}

const SOON: Duration = Duration::from_secs(10);
