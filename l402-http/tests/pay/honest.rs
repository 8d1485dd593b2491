//! What an honest shop sells is bought once, and used as often as it holds.

use crate::shop::{Error, Lie, PRICE_MSAT, Shop, World, text};
use core::time::Duration;
use futures_util::future::join_all;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::{Msat, UnixSeconds};
use l402_http::pay::{Origin, Purchased, Quote, Receipt, TokenStore};
use l402_lightning::testing::{FakeFault, FakeNetwork};

fn receipt<B>(response: &Response<B>) -> Receipt {
    *response.extensions().get().unwrap()
}

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_402_is_paid_and_the_request_repeated() {
    let world = World::new();
    let request = Request::post("http://shop.example/a/x?q=1").body(Full::from("the same body")).unwrap();
    let response = world.send(request).await.unwrap();
    let receipt = receipt(&response);
    assert_eq!(
        (receipt.amount_msat, receipt.fee_msat, receipt.purchased),
        (Msat::new(PRICE_MSAT), Msat::ZERO, Purchased::Now)
    );
    assert_eq!(text(response).await, "the same body");

    let seen = world.shop.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].authorization, None);
    let credential = seen[1].authorization.clone().unwrap();
    assert!(credential.starts_with("L402 "), "{credential}");
    assert_eq!(seen[1].uri, "http://shop.example/a/x?q=1");
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn what_is_free_costs_nothing() {
    let world = World::new();
    let response = world.get("http://shop.example/free").await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.extensions().get::<Receipt>().is_none());
    assert_eq!(world.shop.node.invoices_asked(), 0);
}

#[tokio::test]
async fn a_token_is_used_again() {
    let world = World::new();
    let bought = receipt(&world.get("http://shop.example/a").await.unwrap());
    let again = receipt(&world.get("http://shop.example/a?other=query").await.unwrap());
    assert_eq!(again, Receipt { purchased: Purchased::Before, ..bought });
    assert_eq!((world.wallet.payments_sent(), world.shop.seen().len()), (1, 3));
}

#[tokio::test]
async fn a_token_opens_other_paths_of_its_service() {
    let world = World::new();
    world.get("http://shop.example/a/one").await.unwrap();
    assert_eq!(receipt(&world.get("http://shop.example/a/two").await.unwrap()).purchased, Purchased::Before);
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_where_it_was_bought_is_replaced() {
    let world = World::new();
    let first = receipt(&world.get("http://shop.example/a").await.unwrap());
    world.shop.changes_its_key();
    let second = receipt(&world.get("http://shop.example/a").await.unwrap());
    assert_ne!(first.payment_hash, second.payment_hash);
    assert_eq!(second.purchased, Purchased::Now);
    let tokens = world.store.tokens(&origin("http://shop.example")).await.unwrap();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].payment_hash, second.payment_hash);
}

/// What was paid for is not given up for a purchase that does not come about.
#[tokio::test]
async fn a_refused_token_is_kept_until_it_is_replaced() {
    let world = World::new();
    let first = receipt(&world.get("http://shop.example/a").await.unwrap());
    world.shop.changes_its_key();
    world.wallet.misbehave(FakeFault::NoRoute);
    assert!(matches!(world.get("http://shop.example/a").await, Err(Error::PaymentFailed(_))));
    world.shop.finds_its_key_again();
    assert_eq!(
        receipt(&world.get("http://shop.example/a").await.unwrap()),
        Receipt { purchased: Purchased::Before, ..first }
    );
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_refused_token_is_forgotten_when_an_older_one_serves() {
    let world = World::new();
    let old = receipt(&world.get("http://shop.example/a").await.unwrap());
    let (shop, elsewhere) = (origin("http://shop.example"), World::new());
    elsewhere.shop.changes_its_key();
    elsewhere.get("http://shop.example/b").await.unwrap(); // every fake node begins with the same payment hash
    elsewhere.get("http://shop.example/a").await.unwrap();
    let mut refused = elsewhere.store.tokens(&shop).await.unwrap().pop().unwrap();
    refused.bought_at = UnixSeconds::new(u64::MAX);
    world.store.put(&shop, &refused).await.unwrap();
    assert_eq!(
        receipt(&world.get("http://shop.example/a").await.unwrap()),
        Receipt { purchased: Purchased::Before, ..old }
    );
    let left = world.store.tokens(&shop).await.unwrap();
    assert_eq!((left.len(), left[0].payment_hash), (1, old.payment_hash));
}

#[tokio::test]
async fn a_token_that_is_refused_elsewhere_is_kept() {
    let world = World::new();
    world.get("http://shop.example/a").await.unwrap();
    assert_eq!(receipt(&world.get("http://shop.example/b").await.unwrap()).purchased, Purchased::Now);
    assert_eq!(receipt(&world.get("http://shop.example/a").await.unwrap()).purchased, Purchased::Before);
    assert_eq!(receipt(&world.get("http://shop.example/b").await.unwrap()).purchased, Purchased::Before);
    assert_eq!(world.wallet.payments_sent(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_the_same_time_buy_once() {
    let world = World::new();
    let answers = join_all((0..50).map(|_| world.get("http://shop.example/a"))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status() == StatusCode::OK));
    let bought = answers.iter().filter(|answer| receipt(answer.as_ref().unwrap()).purchased == Purchased::Now).count();
    assert_eq!((bought, world.wallet.payments_sent()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_uses_are_bought_one_by_one() {
    let world = World::new();
    world.shop.sells_single_uses();
    let one = (0..10).map(|_| world.get("http://shop.example/a/one"));
    let two = (0..10).map(|_| world.get("http://shop.example/a/two"));
    for answer in join_all(one.chain(two)).await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(world.wallet.payments_sent(), 20);
}

/// A token is in the store before its buyer has used it: another request must not use it up meanwhile.
#[tokio::test]
async fn a_single_use_is_not_taken_from_its_buyer() {
    for other in ["http://shop.example/a/one", "http://shop.example/a/two"] {
        let world = World::new();
        world.shop.sells_single_uses();
        world.shop.dawdles_once(Duration::from_millis(100));
        let late = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            world.get(other).await
        };
        let (first, second) = tokio::join!(world.get("http://shop.example/a/one"), late);
        assert_eq!(first.unwrap().status(), StatusCode::OK, "{other}");
        assert_eq!(second.unwrap().status(), StatusCode::OK, "{other}");
        assert_eq!(world.wallet.payments_sent(), 2, "{other}");
    }
}

#[tokio::test]
async fn a_grpc_challenge_is_paid() {
    let world = World::new();
    assert_eq!(receipt(&world.get("http://shop.example/grpc").await.unwrap()).purchased, Purchased::Now);
}

#[tokio::test]
async fn a_request_with_its_own_authorization_is_passed_on_and_not_paid_for() {
    let world = World::new();
    world.get("http://shop.example/a").await.unwrap();
    let with_its_own = |uri: &str| {
        let request = Request::get(uri).header(AUTHORIZATION, "Bearer mine").body(Full::default()).unwrap();
        world.send(request)
    };
    assert_eq!(with_its_own("http://shop.example/free").await.unwrap().status(), StatusCode::OK);
    let refused = with_its_own("http://shop.example/a").await.unwrap();
    assert_eq!(
        (refused.status(), refused.headers().get_all("www-authenticate").iter().count()),
        (StatusCode::PAYMENT_REQUIRED, 2)
    );
    assert!(text(refused).await.contains("Payment Required"), "with its body");
    let seen: Vec<_> = world.shop.seen().into_iter().rev().take(2).map(|seen| seen.authorization.unwrap()).collect();
    assert_eq!(seen, ["Bearer mine", "Bearer mine"]);
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_body_that_cannot_be_repeated_is_sent_but_not_paid_for() {
    let world = World::with(|settings| settings.max_replay = 8);
    let post = |uri: &str| world.send(Request::post(uri).body(Full::from("123456789")).unwrap());
    assert_eq!(text(post("http://shop.example/free").await.unwrap()).await, "123456789");
    assert!(matches!(post("http://shop.example/a").await, Err(Error::BodyTooLong { limit: 8 })));
    assert_eq!(world.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn a_quote_tells_the_price_and_pays_nothing() {
    let shop = Shop::open(&FakeNetwork::new());
    let honest = quote(&shop.show("http://shop.example/a").await);
    assert_eq!(honest.amount_msat(), Some(Msat::new(PRICE_MSAT)));
    assert_eq!(honest.invoice().payee(), shop.node.node_id());
    assert!(honest.is_consistent());

    shop.lies(Lie::SellsNothing);
    assert!(!quote(&shop.show("http://shop.example/a").await).is_consistent());
}

fn quote<B>(response: &Response<B>) -> Quote {
    Quote::of(response.status(), response.headers()).unwrap().unwrap()
}
