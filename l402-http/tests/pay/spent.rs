//! Tokens that can be used so many times: what is spent is not shown again, and what may have been used is not bought again.

use crate::shop::{Error, Http, World, connect};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::{Msat, SpendLimits};
use l402_http::pay::{
    AfterRefusal, MemoryStore, PayLayer, PayService, PaySettings, Purchased, Receipt, Repeated, Standing, Token,
    TokenStore, Unanswered,
};
use l402_lightning::testing::FakeNode;
use tower::{Layer, ServiceExt};

const URL: &str = "http://shop.example/a";

fn next_run(world: &World, max_price_msat: u64) -> PayService<Http, FakeNode, MemoryStore> {
    run_with(world, settings(max_price_msat))
}

fn run_with(world: &World, settings: PaySettings) -> PayService<Http, FakeNode, MemoryStore> {
    PayLayer::new(world.wallet.clone(), world.store.clone(), settings).layer(connect(&world.shop))
}

fn settings(max_price_msat: u64) -> PaySettings {
    PaySettings::new(SpendLimits { max_price_msat: Msat::new(max_price_msat), max_fee_msat: Msat::new(1_000) })
}

async fn get(client: PayService<Http, FakeNode, MemoryStore>) -> Result<Response<Full<Bytes>>, Error> {
    client.oneshot(Request::get(URL).body(Full::default()).unwrap()).await
}

async fn tokens(world: &World) -> Vec<Token> {
    world.store.tokens(&"http://shop.example".parse().unwrap()).await.unwrap()
}

fn is_shown(world: &World, from: usize) -> bool {
    world.shop.seen()[from..].iter().any(|seen| seen.authorization.is_some())
}

#[tokio::test]
async fn a9_what_is_spent_is_not_shown_and_is_forgotten_once_it_is_replaced() {
    let world = World::new();
    world.shop.sells_single_uses();
    world.shop.tells(&[("x-l402", "spent"), ("x-l402-remaining", "0")]);
    let mut hashes = Vec::new();
    for round in 1..=3 {
        let before = world.shop.seen().len();
        let response = get(next_run(&world, 100_000)).await.unwrap();
        assert_eq!(response.extensions().get::<Receipt>().unwrap().purchased, Purchased::Now);
        assert_eq!(world.shop.seen().len() - before, 2, "{round}: without a token, and with the new one");
        assert!(world.shop.seen()[before].authorization.is_none(), "{round}");
        let [token] = &tokens(&world).await[..] else { panic!("{round}: one is kept") };
        assert!(token.is_spent() && token.standing == Standing::Served && !hashes.contains(&token.payment_hash));
        hashes.push(token.payment_hash);
    }
    assert_eq!(world.wallet.payments_sent(), 3);
}

#[tokio::test]
async fn a9_what_was_refused_as_spent_is_not_shown_again() {
    let world = World::new();
    world.shop.sells_single_uses();
    get(next_run(&world, 100_000)).await.unwrap();
    assert!(!tokens(&world).await[0].is_spent(), "nobody has said so");
    let before = world.shop.seen().len();
    assert!(matches!(get(next_run(&world, 1)).await, Err(Error::Declined(_))));
    assert!(is_shown(&world, before) && tokens(&world).await[0].is_spent());
    let before = world.shop.seen().len();
    assert!(matches!(get(next_run(&world, 1)).await, Err(Error::Declined(_))));
    assert!(!is_shown(&world, before));
    assert_eq!(get(next_run(&world, 100_000)).await.unwrap().status(), StatusCode::OK);
    assert_eq!(world.wallet.payments_sent(), 2);
}

#[tokio::test]
async fn a9_what_is_spent_is_shown_for_a_response_that_did_not_come_whole() {
    let world = World::new();
    world.shop.sells_single_uses();
    world.shop.tells(&[("x-l402", "spent")]);
    get(next_run(&world, 100_000)).await.unwrap();
    let [token] = &tokens(&world).await[..] else { panic!("one is kept") };
    assert!(token.is_spent());
    let ask = async |hash| {
        let before = world.shop.seen().len();
        let request = Request::get(URL).extension(Unanswered(hash)).body(Full::default()).unwrap();
        let answer = next_run(&world, 100_000).oneshot(request).await.unwrap();
        (is_shown(&world, before).then(|| world.shop.seen()[before].authorization.is_some()), answer.status())
    };
    assert_eq!(ask(token.payment_hash).await, (Some(true), StatusCode::OK), "refused, and bought anew");
    assert_eq!(world.wallet.payments_sent(), 2);
    let gone = token.payment_hash;
    assert_eq!(ask(gone).await, (Some(false), StatusCode::OK), "who is not there is not asked with");
    assert_eq!(world.wallet.payments_sent(), 3);
}

/// Its response was lost, or there was none: a server that only says `spent` is not paid again by itself.
#[tokio::test]
async fn a9_what_is_spent_before_it_has_served_is_not_bought_again() {
    let world = World::new();
    world.shop.sells_single_uses();
    get(next_run(&world, 100_000)).await.unwrap();
    let token = Token { standing: Standing::New, ..tokens(&world).await.remove(0) };
    world.store.put(&"http://shop.example".parse().unwrap(), &token).await.unwrap();
    for round in 1..=2 {
        assert!(matches!(get(next_run(&world, 100_000)).await, Err(Error::NotAccepted(_))), "{round}");
        let kept = tokens(&world).await.remove(0);
        assert!(kept.is_spent() && kept.standing == Standing::Refused, "{round}");
    }
    assert_eq!(world.wallet.payments_sent(), 1);
}

/// Who was told to buy again after a loss is not stopped at each later purchase.
#[tokio::test]
async fn a9_what_was_lost_is_forgotten_once_something_else_was_bought_and_has_served() {
    let world = World::new();
    world.shop.sells_single_uses();
    get(next_run(&world, 100_000)).await.unwrap();
    let lost = Token { standing: Standing::New, uses_left: Some(0), ..tokens(&world).await.remove(0) };
    world.store.put(&"http://shop.example".parse().unwrap(), &lost).await.unwrap();
    let before = world.shop.seen().len();
    assert!(matches!(get(next_run(&world, 100_000)).await, Err(Error::NotAccepted(_))));
    assert!(!is_shown(&world, before));

    world.shop.tells(&[("x-l402", "spent"), ("x-l402-remaining", "0")]);
    let mut buys_again = settings(100_000);
    buys_again.after_refusal = AfterRefusal::BuyAgain;
    get(run_with(&world, buys_again)).await.unwrap();
    for _ in 0..2 {
        get(next_run(&world, 100_000)).await.unwrap();
    }
    assert_eq!((world.wallet.payments_sent(), tokens(&world).await.len()), (4, 1));
}

#[tokio::test]
async fn a9_a_remainder_that_is_a_lie_does_no_harm() {
    let world = World::new();
    for (told, left) in [("4294967296", u32::MAX.into()), ("5", 5), ("9", 5), ("many", 5), ("0", 5), ("3", 3)] {
        world.shop.tells(&[("x-l402-remaining", told)]);
        get(next_run(&world, 100_000)).await.unwrap();
        assert_eq!(tokens(&world).await[0].uses_left, Some(left), "{told}");
    }
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a9_nothing_is_bought_for_a_request_that_may_have_been_served() {
    let world = World::new();
    world.shop.sells_single_uses();
    let repeated = || Request::get(URL).extension(Repeated).body(Full::default()).unwrap();
    let bare = next_run(&world, 100_000).oneshot(repeated()).await;
    assert!(matches!(bare, Err(Error::MayHaveServed { payment_hash: None, .. })), "{bare:?}");
    get(next_run(&world, 100_000)).await.unwrap();
    let hash = tokens(&world).await[0].payment_hash;
    let refused = next_run(&world, 100_000).oneshot(repeated()).await;
    let Err(Error::MayHaveServed { status, payment_hash }) = refused else { panic!("{refused:?}") };
    assert_eq!((status, payment_hash), (StatusCode::PAYMENT_REQUIRED, Some(hash)));
    assert!(tokens(&world).await[0].is_spent());
    assert_eq!(world.wallet.payments_sent(), 1);
}
