//! Who gets no use, and why; and what tells requests apart.

use super::{Till, word};
use http::{Method, StatusCode};
use l402_core::ledger::DoubtRule;

const CONFLICT: StatusCode = StatusCode::CONFLICT;

#[tokio::test]
async fn s2_what_is_in_doubt_is_409_without_an_invoice() {
    let till = Till::with(1, |sale| sale.doubt(DoubtRule::Hold), |paywall| paywall);
    let token = till.buy().await;
    let asked = till.shop.payee.invoices_asked();
    till.works().says(500);
    let failed = till.send(&token, Method::POST, &[], "").await;
    assert_eq!(word(&failed), (StatusCode::INTERNAL_SERVER_ERROR, Some("in-doubt"), None));
    for method in [Method::POST, Method::GET, Method::HEAD] {
        let answer = till.send(&token, method, &[], "").await;
        assert_eq!((answer.status, answer.reason().as_str()), (CONFLICT, "in-doubt"));
        assert_eq!((answer.field("x-l402-remaining"), answer.field("x-should-retry")), (Some("0"), Some("false")));
        assert!(answer.challenges().is_empty());
    }
    assert_eq!((till.works().calls(), till.shop.payee.invoices_asked()), (1, asked));
}

#[tokio::test]
async fn s2_the_same_request_is_not_made_twice_and_another_takes_another_use() {
    let till = Till::of(2);
    let token = till.buy().await;
    let key = |key| [("idempotency-key", key)];
    till.works().says(500);
    till.send(&token, Method::POST, &key("one"), "").await;
    till.works().says(200);
    let again = till.send(&token, Method::POST, &key("one"), "").await;
    assert_eq!((again.reason().as_str(), again.field("x-l402-remaining")), ("in-doubt", Some("1")));
    assert_eq!(
        till.send(&token, Method::PUT, &key("one"), "").await.reason(),
        "key-held",
        "another request with its key"
    );
    assert_eq!(till.send(&token, Method::POST, &key("two"), "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn s2_a_key_that_is_under_way_takes_no_other_use() {
    let till = Till::of(2);
    let token = till.buy().await;
    let gate = till.works().waits();
    let (this, first) = (till.clone(), token.clone());
    let under_way =
        tokio::spawn(async move { this.send(&first, Method::POST, &[("idempotency-key", "one")], "").await });
    till.works().called(1).await;
    let again = till.send(&token, Method::POST, &[("idempotency-key", "one")], "").await;
    assert_eq!((again.status, again.reason().as_str()), (CONFLICT, "uses-reserved"));
    assert_eq!((again.field("x-l402-remaining"), again.field("x-should-retry")), (Some("1"), None));
    gate.add_permits(1);
    assert_eq!(under_way.await.unwrap().status, StatusCode::OK);
    assert_eq!(till.works().calls(), 1);
}

#[tokio::test]
async fn s2_the_upstream_gets_a_key_of_the_gateways() {
    let till = Till::of(3);
    let token = till.buy().await;
    till.works().says(503); // given back each time
    for (method, fields) in [
        (Method::POST, &[][..]),
        (Method::POST, &[]),
        (Method::POST, &[("idempotency-key", "mine")]),
        (Method::POST, &[("idempotency-key", "mine")]),
        (Method::PUT, &[("idempotency-key", "mine")]),
        (Method::GET, &[]),
    ] {
        till.send(&token, method, fields, "").await;
    }
    let seen = till.works().seen();
    let keys: Vec<_> =
        seen.iter().map(|head| head.headers.get("idempotency-key").map(|key| key.to_str().unwrap())).collect();
    assert_eq!((keys[0], keys[2]), (keys[1], keys[3]), "the same use for the same request has the same key");
    assert!(keys[2] != keys[4], "another request for the same use");
    assert!(keys[0].is_some() && keys[0] != keys[2] && keys[2] != Some("mine"));
    assert_eq!(keys[0].unwrap().len(), 64);
    assert_eq!(keys[5], None, "what only reads needs none");
    assert!(seen.iter().all(|head| !head.headers.contains_key("authorization")));
}

#[tokio::test]
async fn a_key_that_is_too_long_or_doubled_is_400() {
    let till = Till::of(1);
    let token = till.buy().await;
    let (longest, longer) = ("k".repeat(256), "k".repeat(257));
    for fields in [&[("idempotency-key", longer.as_str())][..], &[("idempotency-key", "a"), ("idempotency-key", "b")]] {
        let answer = till.send(&token, Method::POST, fields, "").await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "request-refused"));
    }
    assert_eq!(till.works().calls(), 0);
    assert_eq!(till.send(&token, Method::POST, &[("idempotency-key", &longest)], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn too_many_branches_are_429() {
    let till = Till::of(2_000);
    let token = till.buy().await;
    for number in 0..1_000 {
        assert_eq!(till.get(&token.attenuated(&format!("plannt_uses=1:{number}"))).await.status, StatusCode::OK);
    }
    let answer = till.get(&token.attenuated("plannt_uses=1:more")).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-many-branches"));
    assert!(answer.field("retry-after").is_some());
    assert_eq!(till.get(&token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn p9_pages_of_other_origins_can_read_what_is_left() {
    let till = Till::with(1, |sale| sale.cors(l402_http::cors::Cors::any()), |paywall| paywall);
    let token = till.buy().await;
    let answer = till.send(&token, Method::GET, &[("origin", "https://page.example")], "").await;
    let exposed = answer.field("access-control-expose-headers").unwrap();
    assert!(exposed.contains("X-L402,") && exposed.contains("X-L402-Remaining"), "{exposed}");
}
