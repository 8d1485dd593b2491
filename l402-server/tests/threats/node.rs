//! L3, and what is answered while the Lightning node is of no use: 503 with `Retry-After`, never 402, never an invoice.

use crate::stand::{Answer, Purchase, Stand, keys};
use core::time::Duration;
use l402_lightning::testing::FakeFault;
use tokio::time::timeout;

const JSON: (&str, &str) = ("Accept", "application/json");
const HTML: (&str, &str) = ("Accept", "text/html");

#[track_caller]
fn is_unavailable(answer: &Answer, reason: &str, what: &str) {
    let told = answer.text();
    assert_eq!((answer.status, answer.reason().as_str()), (503, reason), "{what}: {told}");
    assert_eq!((answer.fields("retry-after"), answer.fields("cache-control")), (vec!["5"], vec!["no-store"]), "{what}");
    assert!(answer.fields("www-authenticate").is_empty() && !told.contains("lnbc"), "{what}: {told}");
}

/// Credentials that each end in a challenge, while the node is well.
fn that_are_charged(stand: &Stand) -> [Option<String>; 3] {
    let offer = stand.offer("GET", "/v1/now");
    let forged = format!("L402 {}:{}", Purchase::mint(&keys(), &offer, [1; 32], 0).token, "ee".repeat(32));
    let expired = Purchase::mint(&keys(), &offer, [1; 32], -7200).credential();
    [None, Some(forged), Some(expired)]
}

async fn no_invoice(stand: &Stand, what: &str) {
    for credential in that_are_charged(stand) {
        for form in [JSON, HTML] {
            let mut fields = vec![form];
            fields.extend(credential.as_deref().map(|credential| ("Authorization", credential)));
            is_unavailable(&stand.ask("GET", "/v1/now", &fields).await, "no-invoice", what);
        }
    }
}

#[tokio::test]
async fn l3_an_invoice_that_is_not_what_was_asked_for_is_not_shown() {
    let stand = Stand::open().await;
    for lie in [
        FakeFault::WrongAmount,
        FakeFault::NoAmount,
        FakeFault::WrongNetwork,
        FakeFault::WrongPayee,
        FakeFault::WrongExpiry,
    ] {
        stand.payee.misbehave(lie);
        no_invoice(&stand, &format!("{lie:?}")).await;
    }
    stand.payee.behave();
    stand.is_well().await;
}

#[tokio::test]
async fn l3_the_token_names_the_hash_that_the_invoice_names() {
    let stand = Stand::open().await;
    stand.payee.misbehave(FakeFault::WrongHash); // a client could not tell, but the token must not be for another payment
    let answer = stand.ask("GET", "/v1/now", &[]).await;
    let (_, invoice) = answer.challenge(); // which compares the two
    assert_eq!(answer.json()["payment_hash"], invoice.payment_hash().to_string());
}

#[tokio::test]
async fn an_unreachable_node_is_503_and_never_402() {
    let stand = Stand::open().await;
    for fault in [FakeFault::Unreachable, FakeFault::NoInboundLiquidity] {
        stand.payee.misbehave(fault);
        no_invoice(&stand, &format!("{fault:?}")).await;
    }
    stand.payee.behave();
    stand.is_well().await;
}

#[tokio::test]
async fn a_node_that_hangs_is_503_and_never_402() {
    let stand = Stand::open().await;
    let paid = stand.buy("GET", "/v1/now").await.credential();
    stand.payee.misbehave(FakeFault::Hang);
    let [_, forged, expired] = that_are_charged(&stand).map(Option::unwrap_or_default);
    let answers = async {
        tokio::join!(
            stand.ask("GET", "/v1/now", &[]),
            stand.present("GET", "/v1/now", &forged),
            stand.present("GET", "/v1/now", &expired),
            stand.present("GET", "/v1/now", &paid),
            stand.ask("GET", "/free/a", &[]),
        )
    };
    let answers = timeout(Duration::from_secs(15), answers).await.expect("no request waits for the node for long");
    for answer in [&answers.0, &answers.1, &answers.2] {
        is_unavailable(answer, "no-invoice", "hangs");
    }
    is_unavailable(&answers.3, "settlement-unknown", "hangs");
    assert_eq!(answers.4.body, "served", "what is free does not wait for the node");
    assert_eq!(stand.upstream.take().len(), 1);
    stand.payee.behave();
    stand.is_well().await;
}

#[tokio::test]
async fn a_settlement_that_cannot_be_looked_up_is_503_and_never_402() {
    let stand = Stand::open().await;
    let paid = stand.buy("GET", "/v1/now").await.credential();
    stand.payee.misbehave(FakeFault::Unreachable);
    is_unavailable(&stand.present("GET", "/v1/now", &paid).await, "settlement-unknown", "unreachable");
    stand.payee.behave();
    let unsettled = Purchase::mint(&keys(), &stand.offer("GET", "/v1/now"), [1; 32], 0).credential();
    is_unavailable(&stand.present("GET", "/v1/now", &unsettled).await, "not-settled", "unsettled");
    assert_eq!(stand.upstream.take(), [""; 0]);
    assert_eq!(stand.present("GET", "/v1/now", &paid).await.body, "served");
}

#[tokio::test]
async fn without_strict_settlement_the_node_is_not_needed_to_serve() {
    let stand = Stand::with("protocol = { strict_settlement = false }").await;
    let paid = stand.buy("GET", "/v1/now").await.credential();
    stand.payee.misbehave(FakeFault::Unreachable);
    assert_eq!(stand.present("GET", "/v1/now", &paid).await.body, "served");
}
