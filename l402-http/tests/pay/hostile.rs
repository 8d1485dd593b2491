//! Servers that lie are not paid, and learn nothing that another server sold.

use crate::shop::{Error, Http, Lie, PRICE_MSAT, World, text};
use bytes::Bytes;
use core::future::ready;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::{ChallengeError, Declined, Msat, SpendLimits};
use l402_http::pay::{BadChallenge, PayLayer, PaySettings, ReplayBody, TokenStore};
use l402_lightning::Network;
use l402_lightning::testing::FakeFault;
use tower::{Layer, ServiceExt, service_fn};

/// What the client says when the shop's node makes such an invoice.
async fn offered(fault: FakeFault) -> Error {
    let world = World::new();
    world.shop.node.misbehave(fault);
    let error = world.get("http://shop.example/a").await.unwrap_err();
    assert_eq!(world.wallet.payments_sent(), 0);
    error
}

/// What the client says when the shop tells such a lie.
async fn told(lie: Lie) -> Error {
    let world = World::new();
    world.shop.lies(lie);
    let error = world.get("http://shop.example/a").await.unwrap_err();
    assert_eq!(world.wallet.payments_sent(), 0);
    assert!(world.shop.seen().iter().all(|seen| seen.authorization.is_none()));
    error
}

#[tokio::test]
async fn a1_an_invoice_without_an_amount_is_not_paid() {
    assert!(matches!(offered(FakeFault::NoAmount).await, Error::Declined(Declined::NoAmount)));
}

#[tokio::test]
async fn a1_an_invoice_for_another_network_is_not_paid() {
    let error = offered(FakeFault::WrongNetwork).await;
    assert!(matches!(error, Error::WrongNetwork { expected: Network::Regtest, found: Network::Bitcoin }), "{error:?}");
}

#[tokio::test]
async fn a2_a_declared_price_that_is_not_the_invoices_is_an_error() {
    assert!(matches!(told(Lie::DeclaresLess).await, Error::BadChallenge(BadChallenge::OtherPrice)));
    assert!(matches!(offered(FakeFault::WrongAmount).await, Error::BadChallenge(BadChallenge::OtherPrice)));
    assert!(matches!(told(Lie::DeclaresOtherHash).await, Error::BadChallenge(BadChallenge::OtherHash)));
}

#[tokio::test]
async fn a3_an_invoice_that_does_not_buy_the_token_is_not_paid() {
    assert!(matches!(told(Lie::SellsNothing).await, Error::BadChallenge(BadChallenge::OtherHash)));
    // The same without a body that gives it away.
    let world = World::new();
    world.shop.lies(Lie::SellsNothingQuietly);
    let error = world.get("http://shop.example/a").await.unwrap_err();
    assert!(matches!(error, Error::Declined(Declined::OtherPayment)), "{error:?}");
    assert_eq!(world.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn a3_a_preimage_that_proves_nothing_is_not_used() {
    let world = World::new();
    world.wallet.misbehave(FakeFault::WrongHash);
    assert!(matches!(world.get("http://shop.example/a").await, Err(Error::PaymentUnknown { .. })));
    assert!(world.shop.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn a_price_above_the_limit_is_not_paid() {
    let world = World::with(|settings| {
        settings.limits = SpendLimits { max_price_msat: Msat::new(PRICE_MSAT - 1), max_fee_msat: Msat::new(0) };
    });
    let error = world.get("http://shop.example/a").await.unwrap_err();
    assert!(
        matches!(error, Error::Declined(Declined::OverLimit { amount_msat, .. }) if amount_msat.get() == PRICE_MSAT),
        "{error:?}"
    );
    assert_eq!(world.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn an_expired_invoice_is_not_paid() {
    assert!(matches!(offered(FakeFault::WrongExpiry).await, Error::Declined(Declined::Expired)));
}

#[tokio::test]
async fn what_cannot_be_read_is_not_paid() {
    let error = told(Lie::HalfAChallenge).await;
    let half = BadChallenge::Challenge(ChallengeError::MissingInvoice);
    assert!(matches!(&error, Error::BadChallenge(fault) if *fault == half), "{error:?}");
}

#[tokio::test]
async fn a_402_without_l402_goes_to_the_caller() {
    for (lie, status) in [
        (Lie::NoChallenge, StatusCode::PAYMENT_REQUIRED),
        (Lie::OtherScheme, StatusCode::PAYMENT_REQUIRED),
        (Lie::NoChallenge401, StatusCode::UNAUTHORIZED),
    ] {
        let world = World::new();
        world.shop.lies(lie);
        let response = world.get("http://shop.example/a").await.unwrap();
        assert_eq!(response.status(), status);
        assert!(text(response).await.contains("Payment Required"), "with its body");
        assert_eq!((world.wallet.payments_sent(), world.shop.seen().len()), (0, 1));
    }
}

#[tokio::test]
async fn a_shop_that_takes_money_for_nothing_is_paid_once() {
    let world = World::new();
    world.shop.lies(Lie::AcceptsNothing);
    match world.get("http://shop.example/a").await {
        Err(Error::StillRefused { status: StatusCode::PAYMENT_REQUIRED, receipt }) => {
            assert_eq!(receipt.amount_msat, Msat::new(PRICE_MSAT));
            let kept = world.store.tokens(&"http://shop.example".parse().unwrap()).await.unwrap();
            assert_eq!(kept[0].payment_hash, receipt.payment_hash);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((world.wallet.payments_sent(), world.shop.seen().len()), (1, 2));
}

#[tokio::test]
async fn a6_a_token_goes_to_its_own_origin_only() {
    let world = World::new();
    world.get("https://shop.example/a").await.unwrap();
    let elsewhere = [
        "http://shop.example/free",
        "https://shop.example:8402/free",
        "https://other.example/free",
        "https://www.shop.example/free",
        "https://shop.example.other.example/free",
        "https://shop.example@other.example/free",
    ];
    for uri in elsewhere {
        world.get(uri).await.unwrap();
        assert_eq!(world.shop.seen().pop().unwrap().authorization, None, "{uri}");
    }
    for uri in ["https://shop.example/free", "https://SHOP.example:443/free"] {
        world.get(uri).await.unwrap();
        assert!(world.shop.seen().pop().unwrap().authorization.is_some(), "{uri}");
    }
}

/// A client that follows a redirect sends a new request: the credential of the first hop is not in it.
#[tokio::test]
async fn a6_a_redirect_to_another_origin_takes_no_token_along() {
    let world = World::new();
    let first = world.get("https://shop.example/a").await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    let followed = world.get("https://other.example/a").await.unwrap();
    assert_eq!(followed.status(), StatusCode::OK);
    let credentials: Vec<_> = world.shop.seen().into_iter().map(|seen| (seen.uri, seen.authorization)).collect();
    assert_eq!(credentials[2].1, None, "the other origin is asked without");
    assert_ne!(credentials[1].1, credentials[3].1, "and sold a token of its own");
    assert_eq!(world.wallet.payments_sent(), 2);
}

#[tokio::test]
async fn a6_a_challenge_that_was_paid_at_one_origin_buys_nothing_for_another() {
    let world = World::new();
    let challenge = world.shop.show("https://shop.example/a").await;
    let everywhere = Http::new(service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
        let shown = request.headers().contains_key("authorization");
        assert!(!shown || request.uri().host() == Some("shop.example"), "another origin is shown the token");
        ready(Ok(if shown { Response::new(Full::from("sold")) } else { challenge.clone() }))
    }));
    let settings = PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(0) });
    let client = PayLayer::new(world.wallet.clone(), world.store.clone(), settings).layer(everywhere);
    let ask = |uri| client.clone().oneshot(Request::get(uri).body(Full::<Bytes>::default()).unwrap());
    assert_eq!(ask("https://shop.example/a").await.unwrap().status(), StatusCode::OK);
    // The wallet would find that it has paid, and tell the preimage again.
    assert!(matches!(ask("https://copycat.example/a").await, Err(Error::Store(_))));
    assert_eq!(ask("https://shop.example/a").await.unwrap().status(), StatusCode::OK);
}
