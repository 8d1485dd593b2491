//! Tokens on the deny-list.

use crate::support::{Purchase, Shop, demo, keys, policy};
use http::StatusCode;
use l402_core::{GatePolicy, SettlementRule, UnixSeconds};
use l402_ledger::{DenyList, Revocation};

fn entry(token: &Purchase) -> Revocation {
    Revocation::of_payment(token.preimage.hash(), UnixSeconds::new(4_000_000_000))
}

#[tokio::test]
async fn s1_a_revoked_token_is_402_with_a_fresh_challenge() {
    let list = DenyList::default();
    let shop = Shop::with(policy(), |paywall| paywall.deny_list(list.clone()));
    let token = shop.buy("/v1/demo").await;
    assert_eq!(shop.present("/v1/demo", &token.credential()).await.status, StatusCode::OK);
    list.learn(&[entry(&token)]);
    let answer = shop.present("/v1/demo", &token.credential()).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYMENT_REQUIRED, "revoked"));
    let fresh = shop.pay(&answer).await;
    assert_ne!(fresh.preimage.hash(), token.preimage.hash());
    assert_eq!(shop.present("/v1/demo", &fresh.credential()).await.status, StatusCode::OK);
    list.learn(&[Revocation::of_epoch(1)]);
    assert_eq!(shop.present("/v1/demo", &token.credential()).await.status, StatusCode::OK);
}

/// Another gateway has rotated, and revoked the epoch that this one still mints: whatever is sold here would be refused.
#[tokio::test]
async fn s1_nothing_is_sold_with_a_key_that_was_revoked() {
    let list = DenyList::default();
    let shop = Shop::with(policy(), |paywall| paywall.deny_list(list.clone()));
    let token = shop.buy("/v1/demo").await;
    list.learn(&[Revocation::of_epoch(0)]);
    let asked = shop.payee.invoices_asked();
    for answer in [shop.get("/v1/demo").await, shop.present("/v1/demo", &token.credential()).await] {
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "undeliverable"));
    }
    assert_eq!(shop.payee.invoices_asked(), asked, "nobody pays for it");
    list.learn(&[]);
    assert_eq!(shop.get("/v1/demo").await.status, StatusCode::PAYMENT_REQUIRED);
}

/// Nothing is asked for a token that is forged, and a forged one learns nothing of the list.
#[tokio::test]
async fn s1_p5_the_list_is_looked_at_after_the_verdict() {
    let list = DenyList::unknown();
    let trust = GatePolicy { settlement: SettlementRule::Trust, ..GatePolicy::default() };
    let shop = Shop::with(policy(), |paywall| paywall.deny_list(list.clone()).gate_policy(trust));
    let good = Purchase::mint(&keys(), &demo(), [1; 32]);
    let forged = Purchase { preimage: l402_core::Preimage::from_bytes([2; 32]), ..good.clone() };
    let reason = async |token: &Purchase| shop.present("/v1/demo", &token.credential()).await.reason();
    assert_eq!(reason(&good).await, "ledger-unavailable");
    assert_eq!((shop.payee.invoices_asked(), shop.get("/v1/demo").await.status), (0, StatusCode::PAYMENT_REQUIRED));
    list.learn(&[entry(&good)]);
    assert_eq!((reason(&good).await.as_str(), reason(&forged).await.as_str()), ("revoked", "forged"));
    list.forget();
    assert_eq!((reason(&good).await.as_str(), reason(&forged).await.as_str()), ("ledger-unavailable", "forged"));
}
