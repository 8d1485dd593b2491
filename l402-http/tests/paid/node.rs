//! A node that lies, and what a client may choose: nothing.

use crate::support::{Purchase, Shop, demo, keys, policy, request};
use http::StatusCode;
use l402_core::{GatePolicy, Msat, PaymentHash, Preimage, SettlementRule};
use l402_http::policy::{Free, Policy, Sale};
use l402_lightning::testing::FakeFault;
use std::collections::HashSet;

#[tokio::test]
async fn l3_an_invoice_that_was_not_asked_for_is_not_shown() {
    let shop = Shop::open();
    for lie in [
        FakeFault::WrongAmount,
        FakeFault::NoAmount,
        FakeFault::WrongNetwork,
        FakeFault::WrongPayee,
        FakeFault::WrongExpiry,
    ] {
        shop.payee.misbehave(lie);
        let answer = shop.get("/v1/demo").await;
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "no-invoice"),
            "{lie:?}"
        );
        assert!(answer.field("retry-after").is_some() && answer.challenges().is_empty());
        assert!(!answer.everything().contains("lnbc"), "{lie:?} is shown");
    }
}

#[tokio::test]
async fn l2_a_preimage_that_the_client_chose_opens_nothing() {
    let shop = Shop::open();
    let challenge = shop.get("/v1/demo").await;
    let token = challenge.json()["token"].as_str().unwrap().to_owned();
    for chosen in [[0; 32], [1; 32], *challenge.invoice().payment_hash().as_bytes()] {
        let unpaid = Purchase { token: token.clone(), preimage: Preimage::from_bytes(chosen) };
        let answer = shop.present("/v1/demo", &unpaid.credential()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_ne!(answer.invoice().payment_hash(), Preimage::from_bytes(chosen).hash());
    }
    assert!(shop.upstream.seen().is_empty());
}

#[tokio::test]
async fn l2_the_token_names_the_hash_of_its_invoice() {
    let shop = Shop::open();
    let answer = shop.get("/v1/demo").await;
    let (mut bytes, token) = ([0; 2048], answer.json()["token"].as_str().unwrap().to_owned());
    let bytes = l402_core::macaroon::base64::decode_into(token.as_bytes(), &mut bytes).unwrap();
    let token = l402_core::macaroon::MacaroonRef::parse(bytes).unwrap();
    let named = l402_core::Identifier::parse(token.identifier()).unwrap().payment_hash();
    assert_eq!(named, answer.invoice().payment_hash());
}

#[tokio::test]
async fn h3_every_challenge_has_a_hash_of_its_own_and_is_not_stored() {
    let shop = Shop::open();
    let mut hashes = HashSet::new();
    for _ in 0..50 {
        let answer = shop.get("/v1/demo").await;
        assert_eq!(answer.field("cache-control"), Some("no-store"));
        assert!(hashes.insert(answer.json()["payment_hash"].as_str().unwrap().parse::<PaymentHash>().unwrap()));
    }
}

/// Only `Authorization` keeps shared caches away by itself (RFC 9111 §3.5), and credentials come in other fields too.
#[tokio::test]
async fn h3_no_shared_cache_keeps_what_was_paid_for() {
    for settlement in [SettlementRule::Trust, SettlementRule::Strict] {
        let rule = GatePolicy { settlement, ..GatePolicy::default() };
        let shop = Shop::with(policy_with_a_free_route(), |paywall| paywall.gate_policy(rule));
        let bought = shop.buy("/v1/demo").await;
        shop.upstream.lets_cache("max-age=60");
        for field in [("authorization", bought.credential()), ("macaroon", bought.metadata())] {
            let answer = shop.ask(request("/v1/demo", &[(field.0, &field.1)])).await;
            assert_eq!((answer.text(), answer.lines("cache-control")), ("served", vec!["max-age=60, private"]));
        }
        assert_eq!(shop.get("/status").await.lines("cache-control"), ["max-age=60"]);
        shop.upstream.lets_cache("no-store");
        assert_eq!(shop.present("/v1/demo", &bought.credential()).await.lines("cache-control"), ["no-store"]);
    }
}

fn policy_with_a_free_route() -> Policy {
    let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo");
    Policy::builder().sell(sale).free(Free::new("/status")).build().unwrap()
}

#[tokio::test]
async fn p5_the_node_is_asked_only_after_the_verdict() {
    let shop = Shop::with(policy(), |paywall| paywall);
    shop.payee.misbehave(FakeFault::Hang);
    let token = Purchase::mint(&keys(), &demo(), [1; 32]);
    assert_eq!(shop.present("/v1/demo", &token.credential()).await.text(), "served");
    assert_eq!(shop.present("/v1/demo", "L402 x:y").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(shop.get("/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.payee.invoices_asked(), 0);
}
