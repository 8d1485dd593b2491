//! What was sold is what is served: bundles, delegated parts, terms that change under live tokens.

use super::{Till, word};
use crate::support::{Answer, Purchase, system_time};
use http::{Method, StatusCode};
use l402_core::{GatePolicy, Msat, SettlementRule, Uses};
use l402_http::policy::Sale;
use l402_http::service::Paywall;
use l402_ledger::LedgerStore;
use l402_lightning::testing::FakeNode;

const OK: StatusCode = StatusCode::OK;

#[tokio::test]
async fn s3_a_bundle_is_served_as_often_as_it_was_sold() {
    let till = Till::of(3);
    let token = till.buy().await;
    let mut told = Vec::new();
    for _ in 0..3 {
        let answer = till.get(&token).await;
        told.push((
            answer.status,
            answer.field("x-l402").map(str::to_owned),
            answer.field("x-l402-remaining").map(str::to_owned),
        ));
    }
    let left = |remaining: &str| Some(remaining.to_owned());
    assert_eq!(told, [(OK, None, left("2")), (OK, None, left("1")), (OK, left("spent"), left("0"))]);
    let spent = till.get(&token).await;
    assert_eq!((spent.status, spent.reason().as_str()), (StatusCode::PAYMENT_REQUIRED, "spent"));
    assert_eq!(spent.challenges().len(), 2, "a fresh challenge comes with it");
    assert_eq!(till.works().calls(), 3);
    let fresh = till.shop.pay(&spent).await;
    assert_eq!(word(&till.get(&fresh).await), (OK, None, Some("2")));
}

#[tokio::test]
async fn s3_a_bundle_that_is_delegated_is_served_as_often_as_it_was_sold() {
    let till = Till::of(3);
    let token = till.buy().await;
    let (one, two) = (token.attenuated("plannt_uses=1:one"), token.attenuated("plannt_uses=2:two"));
    assert_eq!(word(&till.get(&one).await), (OK, Some("spent"), Some("0")));
    assert_eq!(till.get(&one).await.reason(), "spent");
    assert_eq!(word(&till.get(&two).await), (OK, None, Some("1")));
    assert_eq!(word(&till.get(&two).await), (OK, Some("spent"), Some("0")));
    assert_eq!(till.get(&token).await.reason(), "spent", "all three uses of the sale are gone");
    assert_eq!(till.works().calls(), 3);
}

#[tokio::test]
async fn s3_a_delegate_does_not_get_what_its_payer_has_used() {
    let till = Till::of(1);
    let token = till.buy().await;
    let delegated = token.attenuated("plannt_uses=1:copy");
    assert_eq!(till.get(&token).await.status, OK);
    assert_eq!(till.get(&delegated).await.reason(), "spent");
    assert_eq!(till.works().calls(), 1);
}

/// Were the record deleted with the copy, the sale would begin anew.
#[tokio::test]
async fn s2_a_copy_that_ends_early_does_not_end_the_record_of_its_sale() {
    let till = Till::of(2);
    let token = till.buy().await;
    let end = system_time() + 60;
    assert_eq!(till.get(&token.attenuated(&format!("plannt_valid_until={end}"))).await.status, OK);
    let with_copy = till.store.uses(&token.preimage.hash()).await.unwrap().unwrap().ends_at;
    assert_eq!(till.get(&token).await.status, OK);
    let with_token = till.store.uses(&token.preimage.hash()).await.unwrap().unwrap().ends_at;
    assert!(with_copy == with_token && with_copy.get() > end, "{with_copy:?} {with_token:?}");
}

#[tokio::test]
async fn the_402_states_how_often() {
    let till = Till::of(3);
    let answer: Answer = till.shop.get("/v1/demo").await;
    assert_eq!(answer.json()["uses"], 3);
    let endless: Answer = till.shop.get("/v1/endless").await;
    assert_eq!(endless.json()["uses"], "unlimited");
    let page = till.shop.ask(crate::support::request("/v1/demo", &[("accept", "text/html")])).await;
    assert!(page.text().contains("The token can be used 3 times."), "{}", page.text());
}

#[tokio::test]
async fn a_head_takes_no_use() {
    let till = Till::of(1);
    let token = till.buy().await;
    for _ in 0..3 {
        assert_eq!(word(&till.send(&token, Method::HEAD, &[], "").await), (OK, None, Some("1")));
    }
    assert_eq!(till.get(&token).await.status, OK);
    assert_eq!(till.send(&token, Method::HEAD, &[], "").await.reason(), "spent");
    assert_eq!(till.works().calls(), 4);
}

#[tokio::test]
async fn s1_a_head_may_have_the_effect_of_its_get() {
    let till = Till::with(1, Sale::side_effects, |paywall| paywall);
    let token = till.buy().await;
    assert_eq!(word(&till.send(&token, Method::HEAD, &[], "").await), (OK, Some("spent"), Some("0")));
    assert_eq!(till.send(&token, Method::HEAD, &[], "").await.reason(), "spent");
    assert_eq!(till.works().calls(), 1);
}

#[tokio::test]
async fn a_browser_that_asks_ahead_gets_no_invoice() {
    let till = Till::of(1);
    for purpose in ["prefetch", "prefetch;prerender"] {
        let answer = till.shop.ask(crate::support::request("/v1/demo", &[("sec-purpose", purpose)])).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "prefetch"));
    }
    assert_eq!(till.shop.payee.invoices_asked(), 0);
    let token = till.buy().await;
    assert_eq!(till.send(&token, Method::GET, &[("sec-purpose", "prefetch")], "").await.status, OK);
}

fn strict(paywall: Paywall<FakeNode>) -> Paywall<FakeNode> {
    paywall.gate_policy(GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() })
}

/// The same shop with other terms.
fn reopened(till: &Till, uses: u32, terms: impl FnOnce(Sale) -> Sale) -> Till {
    let nodes = [till.shop.payee.clone(), till.shop.payer.clone()];
    Till::between(nodes, till.store.clone(), uses, terms, strict)
}

#[tokio::test]
async fn t5_l5_terms_that_change_do_not_change_what_was_sold() {
    let before = Till::with(2, |sale| sale, strict);
    let (token, another) = (before.buy().await, before.buy().await);
    assert_eq!(word(&before.get(&token).await), (OK, None, Some("1")));
    // A new service takes the same capability at ten times the price, and sells single uses of it.
    let dearer = |uses| {
        reopened(&before, uses, |_| {
            let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(210)).capability("demo");
            sale.uses(Uses::times(uses).unwrap())
        })
    };
    assert_eq!(
        word(&dearer(1).get(&token).await),
        (OK, Some("spent"), Some("0")),
        "what was sold for 21 sat stays sold"
    );
    assert_eq!(dearer(5).get(&token).await.reason(), "spent", "and is not more than it was");
    // Uses that become unlimited: tokens that are counted stay so.
    let unlimited = reopened(&before, 1, |sale| sale.uses(Uses::Unlimited));
    assert_eq!(word(&unlimited.get(&another).await), (OK, None, Some("1")));
    // And a token without a number opens a route that is sold by number now.
    let endless = unlimited.buy().await;
    for _ in 0..3 {
        assert_eq!(word(&before.get(&endless).await), (OK, None, None));
    }
}

#[tokio::test]
async fn l5_a_use_is_taken_only_once_the_payment_has_arrived() {
    let till = Till::with(1, |sale| sale, strict);
    let unpaid: Purchase = super::minted(1, 5);
    assert_eq!(till.get(&unpaid).await.reason(), "not-settled");
    assert_eq!((till.works().calls(), till.tally(&unpaid).await.reserved), (0, 0));
}
