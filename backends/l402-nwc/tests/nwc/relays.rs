//! Relays that are dead, come back, refuse, or tell everything again.

use crate::stand::{REQUEST, Stand, hasty, limit, wallet};
use core::time::Duration;
use l402_lightning::testing::FakeNetwork;
use l402_lightning::{InvoiceSource, PayError, PaymentSource, PaymentStatus};
use l402_nwc::testing::{FakeRelay, Mood};
use l402_nwc::{NwcConfig, NwcError, NwcPayer, RelayState, inspect};
use tokio::time::sleep;

#[tokio::test]
async fn a_dead_relay_is_named() {
    let mut relay = FakeRelay::start().await;
    let network = FakeNetwork::new();
    let (node, folder) = (network.node(), tempfile::tempdir().unwrap());
    let wallet = wallet(&node).start(&[relay.url()]).await;
    relay.stop().await;
    let fault = NwcPayer::connect(&hasty(wallet.config()), folder.path()).await.unwrap_err();
    assert!(matches!(fault, NwcError::NoRelay(..)), "{fault:?}");
    assert!(fault.to_string().contains(&relay.url()), "{fault}");

    let found = inspect(&hasty(wallet.config())).await;
    assert!(matches!(found.relays[0].1, RelayState::Away(_)));
}

#[tokio::test]
async fn a_wallet_that_a_relay_does_not_know_is_named() {
    let (known, unknown) = (FakeRelay::start().await, FakeRelay::start().await);
    let (network, folder) = (FakeNetwork::new(), tempfile::tempdir().unwrap());
    let wallet = wallet(&network.node()).start(&[known.url()]).await;
    let uri = wallet.uri().replace(&known.url().replace(':', "%3A").replace('/', "%2F"), &unknown.url());
    let fault = NwcPayer::connect(&hasty(NwcConfig::new(uri.parse().unwrap())), folder.path()).await.unwrap_err();
    assert!(matches!(fault, NwcError::NoInfo), "{fault:?}");
}

#[tokio::test]
async fn one_relay_of_two_is_enough() {
    let (mut dead, relay) = (FakeRelay::start().await, FakeRelay::start().await);
    let (network, folder) = (FakeNetwork::new(), tempfile::tempdir().unwrap());
    let (seller, node) = (network.node(), network.node());
    let wallet = wallet(&node).start(&[dead.url(), relay.url()]).await;
    dead.stop().await;
    let payer = NwcPayer::connect(&wallet.config(), folder.path()).await.unwrap();
    assert!(payer.pay(&seller.create_invoice(REQUEST).await.unwrap(), limit(20_000)).await.is_ok());
}

#[tokio::test]
async fn without_a_relay_nothing_is_sent() {
    let mut stand = Stand::new().await;
    stand.relay.stop().await;
    while stand.payer.relays()[0].1.is_ready() {
        sleep(Duration::from_millis(5)).await;
    }
    let fault = stand.pay_briefly().await.unwrap_err();
    assert!(matches!(fault, PayError::Unavailable(_)), "{fault:?}");
    assert!(!stand.is_recorded());
    stand.relay.restart().await;
    assert!(stand.pay().await.is_ok());
}

#[tokio::test]
async fn a4_a_relay_that_restarts_in_the_middle_loses_no_payment() {
    let mut stand = Stand::new().await;
    stand.wallet.be(Mood::Sleeps);
    let (payer, invoice) = (stand.payer.clone(), stand.invoice.clone());
    let paying = tokio::spawn(async move { payer.pay(&invoice, limit(30_000)).await });
    while stand.wallet.asked("pay_invoice") == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    stand.relay.restart().await; // with it the request is forgotten, and the way back to us
    stand.wallet.be(Mood::Well);
    assert!(paying.await.unwrap().unwrap().preimage.matches(&stand.invoice.payment_hash()));
    assert_eq!((stand.node.payments_sent(), stand.wallet.asked("pay_invoice")), (1, 1));
}

#[tokio::test]
async fn a4_a_relay_that_refuses_proves_nothing() {
    let stand = Stand::new().await;
    stand.relay.refuse(Some("rate-limited: slow down"));
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
    let fault = stand.payer.payment(&stand.invoice.payment_hash()).await.unwrap_err();
    let cause = core::error::Error::source(&fault).unwrap().to_string();
    assert_eq!(cause, "the relay does not take requests to the wallet: rate-limited: slow down");
    stand.relay.refuse(None);
    assert!(matches!(stand.status().await, PaymentStatus::Pending));
}

#[tokio::test]
async fn answers_of_another_day_are_nobodys() {
    let mut stand = Stand::new().await;
    stand.pay().await.unwrap();
    // All that was told is told again to the next process, which asks for something else.
    stand.restart().await;
    for answer in stand.relay.published(23_195) {
        stand.relay.tell(&answer);
    }
    stand.invoice = stand.seller.create_invoice(REQUEST).await.unwrap();
    assert!(stand.pay().await.unwrap().preimage.matches(&stand.invoice.payment_hash()));
    assert_eq!(stand.node.payments_sent(), 2);
}

#[tokio::test]
async fn a_request_that_comes_too_late_is_not_carried_out() {
    let stand = Stand::new().await;
    stand.wallet.be(Mood::Silent);
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
    let sent = stand.relay.published(23_194);
    let expired = stand.folder.path().join(format!("{}.json", stand.invoice.payment_hash()));
    // As if the time for the request were over: it is not sent again.
    let text = std::fs::read_to_string(&expired).unwrap();
    let ends_at = sent.last().unwrap().tags.expiration().unwrap().as_secs();
    std::fs::write(&expired, text.replace(&ends_at.to_string(), "1000000000")).unwrap();
    stand.wallet.be(Mood::Well);
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
    let again = stand.relay.published(23_194).into_iter().skip(sent.len());
    assert_eq!(again.filter(|event| sent.contains(event)).count(), 0);
    assert!(matches!(stand.status().await, PaymentStatus::Pending), "and it is no failure");
}
