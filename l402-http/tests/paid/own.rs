//! Keys, caveat rules and prices of a service's own.

use crate::support::{Purchase, Shop, Upstream, policy, request};
use bytes::Bytes;
use core::sync::atomic::{AtomicUsize, Ordering};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use l402_core::macaroon::RootKey;
use l402_core::{Caveat, GatePolicy, Identifier, Msat, RootKeySource, Ruling, SettlementRule};
use l402_http::policy::{Policy, Route, Sale};
use l402_http::response::{PaidBody, Rejection};
use l402_http::service::{Paywall, RequestHead};
use l402_lightning::testing::{FakeFault, FakeNetwork};
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt};

/// A key per token, as the specification describes.
#[derive(Default)]
struct Stored(Mutex<HashMap<Identifier, [u8; 32]>>);

impl RootKeySource for Stored {
    fn root_key(&self, identifier: &Identifier) -> Option<RootKey> {
        self.0.lock().unwrap().get(identifier).map(|key| RootKey::new(key))
    }

    fn minting_key(&self, identifier: &Identifier) -> Option<RootKey> {
        self.0.lock().unwrap().insert(*identifier, [9; 32]); // a real one draws it at random
        self.root_key(identifier)
    }
}

#[tokio::test]
async fn a_store_of_keys_sells_and_verifies() {
    let network = FakeNetwork::new();
    let (payee, buyer) = (network.node(), network.node());
    let shop = Paywall::new(policy(), Stored::default(), payee, Network::Regtest).layer().layer(Upstream::default());
    let challenge = json(shop.clone().oneshot(request("/v1/demo", &[])).await.unwrap()).await;
    let text = |name: &str| challenge[name].as_str().unwrap().to_owned();
    let paid = buyer.pay(&Invoice::parse(&text("invoice")).unwrap(), PayLimit::fee(Msat::ZERO)).await.unwrap();
    let bought = Purchase { token: text("token"), preimage: paid.preimage };
    let admitted = request("/v1/demo", &[("authorization", &bought.credential())]);
    assert_eq!(shop.oneshot(admitted).await.unwrap().status(), StatusCode::OK);
}

async fn json(response: Response<PaidBody<Full<Bytes>>>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_closure_is_a_source_of_keys() {
    let keys = |_: &Identifier| Some(RootKey::new(&[7; 32]));
    let shop = Paywall::new(policy(), keys, FakeNetwork::new().node(), Network::Regtest).layer();
    let answer = shop.layer(Upstream::default()).oneshot(request("/v1/demo", &[])).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYMENT_REQUIRED);
}

#[tokio::test]
async fn a_source_without_a_key_for_new_tokens_sells_nothing() {
    let keys = |_: &Identifier| None;
    let shop = Paywall::new(policy(), keys, FakeNetwork::new().node(), Network::Regtest).layer();
    let answer = shop.layer(Upstream::default()).oneshot(request("/v1/demo", &[])).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json(answer).await["reason"], "no-invoice");
}

#[tokio::test]
async fn an_outer_layer_learns_which_responses_are_the_paywalls() {
    let shop = Shop::open();
    let why = |response: Response<PaidBody<Full<Bytes>>>| response.extensions().get::<Rejection>().copied();
    let service = ServiceExt::<Request<String>>::map_response(shop.service.clone(), why);
    let bought = shop.buy("/v1/demo").await.credential();
    for (headers, expected) in [
        (&[][..], Some(("payment-required", 402))),
        (&[("content-type", "application/grpc")], Some(("payment-required", 402))),
        (&[("authorization", "L402 x:y")], Some(("malformed-credential", 400))),
        (&[("authorization", bought.as_str())], None),
    ] {
        let rejection = service.clone().oneshot(request("/v1/demo", headers)).await.unwrap();
        assert_eq!(rejection.map(|rejection| (rejection.reason.code(), rejection.status.as_u16())), expected);
    }
}

#[tokio::test]
async fn a_caveat_rule_sees_the_request() {
    let shop = Shop::with(policy(), |paywall| {
        paywall.caveat_rule(|request: &RequestHead<'_>| {
            let path = request.uri().path().to_owned();
            move |caveat: Caveat<'_>, _: Option<&str>| match caveat.condition {
                "path" if caveat.value == path => Ruling::Holds,
                "path" => Ruling::Fails,
                _ => Ruling::NotMine,
            }
        })
    });
    let bought = shop.buy("/v1/demo").await;
    let narrowed = bought.attenuated("path=/v1/demo").credential();
    for (path, credential, expected) in [
        ("/v1/demo", bought.credential(), "served"),
        ("/v1/demo", narrowed.clone(), "served"),
        ("/v1/%64emo", narrowed, "served"), // the canonical path counts
        ("/v1/demo", bought.attenuated("path=/v1/other").credential(), "condition-not-met"),
        ("/v1/demo", bought.attenuated("other=1").credential(), "unknown-caveat"),
        ("/v1/demo", bought.attenuated("services=other:0").credential(), "other-service"),
    ] {
        let answer = shop.present(path, &credential).await;
        let said = if answer.status == StatusCode::OK { answer.text().to_owned() } else { answer.reason() };
        assert_eq!(said, expected);
    }
}

#[tokio::test]
async fn p5_a_pricer_is_asked_after_the_verdict_and_sees_no_credential() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let shop = Shop::with(policy(), |paywall| {
        paywall.pricer(move |route: &Route, request: &RequestHead<'_>| {
            count.fetch_add(1, Ordering::Relaxed);
            assert_eq!((request.uri().path(), request.uri().query()), ("/v1/demo", Some("n=2")));
            assert!(!request.headers().contains_key("authorization"));
            Msat::new(route.offer().unwrap().price_msat.get() * 2)
        })
    });
    let bought = shop.buy("/v1/%64emo?n=2").await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let good = bought.credential();
    for (path, credential) in [("/v1/demo", good.as_str()), ("/v1/demo", "L402 x:y"), ("/nothing", &good)] {
        shop.present(path, credential).await;
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1, "asked although nothing is sold");
    let forged = format!("L402 {}:{}", bought.token, "00".repeat(32));
    let answer = shop.present("/v1/demo?n=2", &forged).await;
    assert_eq!(
        (answer.json()["price_msat"].as_u64(), answer.invoice().amount_msat()),
        (Some(42_000), Some(Msat::new(42_000)))
    );
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn t5_a_token_opens_the_same_at_whatever_price_it_was_bought() {
    let rule = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    let policy = || {
        let sale = |path| Sale::new("plannt", path, Msat::from_sat(21));
        Policy::builder().sell(sale("/one")).sell(sale("/two")).build().unwrap()
    };
    let at = |price_msat: u64| move |_: &Route, _: &RequestHead<'_>| Msat::new(price_msat);
    let shop = Shop::with(policy(), |paywall| paywall.gate_policy(rule).pricer(at(50_000)));
    let dear = shop.buy("/one").await.credential();
    // The price of the route is the least, so that strict settlement finds enough.
    let shop = shop.reopened(policy(), |paywall| paywall.gate_policy(rule).pricer(at(1)));
    let cheap = shop.get("/one").await;
    assert_eq!(cheap.invoice().amount_msat(), Some(Msat::new(21_000)));
    let cheap = shop.pay(&cheap).await.credential();
    // Neither loses or gains anything where the price changes.
    for price_msat in [1, 50_000, 100_000] {
        let shop = shop.reopened(policy(), |paywall| paywall.gate_policy(rule).pricer(at(price_msat)));
        for (path, credential) in [("/one", &dear), ("/two", &dear), ("/one", &cheap), ("/two", &cheap)] {
            assert_eq!(shop.present(path, credential).await.text(), "served");
        }
    }
}

#[tokio::test]
async fn a_payment_that_is_too_small_is_priced_again() {
    let rule = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    let shop = Shop::with(policy(), |paywall| paywall.gate_policy(rule));
    let bought = shop.buy("/v1/demo").await.sold_for(42_000).credential();
    let double = |route: &Route, request: &RequestHead<'_>| {
        assert!(!request.headers().contains_key("authorization"));
        Msat::new(route.offer().unwrap().price_msat.get() * 2)
    };
    let shop = shop.reopened(policy(), |paywall| paywall.gate_policy(rule).pricer(double));
    let answer = shop.present("/v1/demo", &bought).await;
    assert_eq!((answer.reason().as_str(), answer.invoice().amount_msat()), ("underpaid", Some(Msat::new(42_000))));
    shop.payee.misbehave(FakeFault::Unreachable);
    assert_eq!(shop.present("/v1/demo", &bought).await.reason(), "settlement-unknown");
}
