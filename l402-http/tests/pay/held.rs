//! A9: what is held is used before anything is bought, and who takes money for nothing is not paid again.

use crate::shop::{Error, Http, Lie, PRICE_MSAT, World, connect};
use bytes::Bytes;
use core::time::Duration;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::{Identifier, Msat, PaymentHash, Preimage, Scheme, SpendLimits, TokenId, UnixSeconds};
use l402_http::pay::{
    AfterRefusal, AttemptLog, Consents, Leases, MemoryStore, Origin, PaidBefore, PayLayer, PayService, PaySettings,
    Purchased, Receipt, Standing, Token, TokenStore, Turn, Turns,
};
use l402_lightning::testing::{FakeFault, FakeNode};
use tower::{Layer, ServiceExt};

fn receipt<B>(response: &Response<B>) -> Receipt {
    *response.extensions().get().unwrap()
}

fn origin() -> Origin {
    "http://shop.example".parse().unwrap()
}

async fn tokens(world: &World) -> Vec<Token> {
    let mut tokens = world.store.tokens(&origin()).await.unwrap();
    tokens.sort_by_key(|token| token.bought_at);
    tokens
}

/// The client of another run: all that it knows is in the store.
fn next_run(world: &World, change: impl FnOnce(&mut PaySettings)) -> PayService<Http, FakeNode, MemoryStore> {
    let mut settings =
        PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
    change(&mut settings);
    PayLayer::new(world.wallet.clone(), world.store.clone(), settings).layer(connect(&world.shop))
}

async fn get(client: PayService<Http, FakeNode, MemoryStore>, path: &str) -> Result<Response<Full<Bytes>>, Error> {
    client.oneshot(Request::get(format!("http://shop.example{path}")).body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn a9_every_token_that_is_held_and_fits_is_tried_before_anything_is_bought() {
    let world = World::new();
    for round in 0..5 {
        for service in ["a", "b"] {
            let path = format!("/{service}/{round}");
            assert_eq!(get(next_run(&world, |_| ()), &path).await.unwrap().status(), StatusCode::OK, "{path}");
        }
    }
    assert_eq!(world.wallet.payments_sent(), 2, "one for each service");
}

#[tokio::test]
async fn a9_a_token_for_something_else_is_not_shown_in_vain() {
    let world = World::new();
    for service in ["a", "b", "c", "d", "e"] {
        world.get(&format!("http://shop.example/{service}")).await.unwrap();
    }
    let before = world.shop.seen().len();
    world.get("http://shop.example/f").await.unwrap();
    assert_eq!(world.shop.seen().len() - before, 2, "the newest of the origin, and the new one");
}

#[tokio::test]
async fn a9_the_tries_are_bounded() {
    let world = World::new();
    world.shop.sells_single_uses();
    world.get("http://shop.example/a/0").await.unwrap();
    let spent = tokens(&world).await.remove(0);
    for number in 1..=20_u8 {
        let payment_hash = PaymentHash::from_bytes([number; 32]);
        world
            .store
            .put(&origin(), &Token { payment_hash, path: format!("/a/{number}"), ..spent.clone() })
            .await
            .unwrap();
    }
    let before = world.shop.seen().len();
    assert_eq!(receipt(&world.get("http://shop.example/a/new").await.unwrap()).purchased, Purchased::Now);
    assert_eq!(world.shop.seen().len() - before, 5, "four that are held, and the new one");
}

/// A request that has tried in vain what is held waits for its turn to buy, and finds what another has bought meanwhile.
#[tokio::test]
async fn a9_what_was_bought_while_a_request_waited_is_tried_however_many_were_before() {
    let world = World::new();
    world.get("http://shop.example/a/0").await.unwrap();
    let held = tokens(&world).await.remove(0);
    for number in 1..=5_u8 {
        let payment_hash = PaymentHash::from_bytes([number; 32]);
        world
            .store
            .put(&origin(), &Token { payment_hash, path: format!("/a/{number}"), ..held.clone() })
            .await
            .unwrap();
    }
    world.shop.changes_its_key();
    let get = || async { world.get("http://shop.example/a/new").await.unwrap().status() };
    let answers = tokio::join!(get(), get(), get());
    assert_eq!(answers, (StatusCode::OK, StatusCode::OK, StatusCode::OK));
    assert_eq!(world.wallet.payments_sent(), 2, "one before the key changed, and one for all three");
}

#[tokio::test]
async fn a9_who_does_not_accept_what_was_bought_is_not_paid_by_the_next_run() {
    let world = World::new();
    world.shop.lies(Lie::AcceptsNothing);
    let Error::StillRefused { receipt: lost, .. } = world.get("http://shop.example/a").await.unwrap_err() else {
        panic!("it was not refused")
    };
    for path in ["/a", "/a", "/a?other=query", "/b"] {
        let error = get(next_run(&world, |_| ()), path).await.unwrap_err();
        let Error::NotAccepted(Receipt { amount_msat, payment_hash, .. }) = error else { panic!("{path}: {error:?}") };
        assert_eq!((amount_msat, payment_hash), (Msat::new(PRICE_MSAT), lost.payment_hash), "{path}");
    }
    assert_eq!(world.wallet.payments_sent(), 1);

    let again =
        get(next_run(&world, |settings| settings.after_refusal = AfterRefusal::BuyAgain), "/a").await.unwrap_err();
    assert!(matches!(again, Error::StillRefused { .. }), "{again:?}");
    assert_eq!(world.wallet.payments_sent(), 2, "as the caller asked for");
    assert!(matches!(get(next_run(&world, |_| ()), "/a").await, Err(Error::NotAccepted(_))));
}

#[tokio::test]
async fn a9_a_bare_401_is_no_acceptance() {
    let world = World::new();
    world.shop.lies(Lie::RejectsBarely);
    assert_eq!(world.get("http://shop.example/a").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(tokens(&world).await[0].standing, Standing::Refused);
    world.shop.lies(Lie::AcceptsNothing);
    assert!(matches!(world.get("http://shop.example/a").await, Err(Error::NotAccepted(_))));
    assert_eq!(world.wallet.payments_sent(), 1);
}

/// A refusal in gRPC has the status 200.
#[tokio::test]
async fn a9_a_bare_refusal_by_grpc_is_no_acceptance() {
    let world = World::new();
    world.shop.lies(Lie::RejectsBarely);
    assert_eq!(world.get("http://shop.example/grpc").await.unwrap().status(), StatusCode::OK);
    assert_eq!(tokens(&world).await[0].standing, Standing::Refused);
    assert!(matches!(get(next_run(&world, |_| ()), "/grpc").await, Err(Error::NotAccepted(_))));
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a9_a_server_that_is_out_of_order_has_accepted_nothing() {
    for path in ["/a", "/grpc"] {
        let world = World::new();
        world.shop.lies(Lie::IsOutOfOrder);
        world.get(&format!("http://shop.example{path}")).await.unwrap();
        assert_eq!(tokens(&world).await[0].standing, Standing::New, "{path}");
        world.shop.lies(Lie::AcceptsNothing);
        assert!(matches!(get(next_run(&world, |_| ()), path).await, Err(Error::NotAccepted(_))), "{path}");
        assert_eq!(world.wallet.payments_sent(), 1, "{path}");
    }
}

#[tokio::test]
async fn a9_what_was_refused_is_shown_unasked_only_where_it_was_bought() {
    let world = World::new();
    world.shop.lies(Lie::AcceptsNothing);
    world.get("http://shop.example/a").await.unwrap_err();
    for (path, is_shown) in [("/free", false), ("/a", true)] {
        let before = world.shop.seen().len();
        let _ = get(next_run(&world, |_| ()), path).await; // what comes of it is shown elsewhere
        assert_eq!(world.shop.seen()[before].authorization.is_some(), is_shown, "{path}");
    }
}

/// Puts a token of the origin into the store, of which only its server could know what it opens.
async fn keep_silent_token(world: &World, number: u8) {
    let preimage = Preimage::from_bytes([number; 32]);
    let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([number; 32])).to_bytes();
    let (mut bytes, mut text) = ([0; 256], [0; 512]);
    let token = mint(&RootKey::new(b"another key"), b"", &identifier, &[], &mut bytes).unwrap();
    let text = base64::encode_into(token.as_bytes(), &mut text).unwrap().to_owned();
    let token = Token {
        scheme: Scheme::L402,
        text,
        payment_hash: preimage.hash(),
        preimage: Some(preimage),
        amount_msat: Msat::new(PRICE_MSAT),
        fee_msat: Msat::new(0),
        method: Method::GET,
        path: format!("/silent/{number}"),
        bought_at: UnixSeconds::new(u64::MAX - 255 + u64::from(number)),
        standing: Standing::Served,
        uses_left: None,
        is_under_way: false,
        order: None,
    };
    world.store.put(&origin(), &token).await.unwrap();
}

#[tokio::test]
async fn a9_what_fits_is_tried_before_what_does_not_say_and_that_before_anything_is_bought() {
    let world = World::new();
    world.get("http://shop.example/a/1").await.unwrap();
    keep_silent_token(&world, 1).await;
    keep_silent_token(&world, 2).await;
    for (path, tries, bought) in [("/a/2", 2, 0), ("/b/1", 3, 1)] {
        let (seen, paid) = (world.shop.seen().len(), world.wallet.payments_sent());
        get(next_run(&world, |_| ()), path).await.unwrap();
        let more = (world.shop.seen().len() - seen, world.wallet.payments_sent() - paid);
        assert_eq!(more, (tries, bought), "{path}: the newest of the origin first, then by rank");
        for number in [1, 2] {
            keep_silent_token(&world, number).await; // what was refused is forgotten only where it was bought
        }
    }
}

/// A store in which another process has the turn to buy `/a/1`.
struct Shared(MemoryStore);

impl TokenStore for Shared {
    type Error = PaidBefore;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, PaidBefore> {
        self.0.tokens(origin).await
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), PaidBefore> {
        self.0.put(origin, token).await
    }

    async fn forget(&self, origin: &Origin, hash: &PaymentHash) -> Result<(), PaidBefore> {
        self.0.forget(origin, hash).await
    }
}

impl AttemptLog for Shared {}

impl Consents for Shared {}

impl Leases for Shared {}

impl Turns for Shared {
    async fn enter(&self, _: &Origin, _: &Method, path: &str, _: Duration) -> Result<Option<Turn>, PaidBefore> {
        Ok((path != "/a/1").then(Turn::default))
    }
}

#[tokio::test]
async fn a9_a_token_that_its_buyer_in_another_process_has_not_used_is_left_to_it() {
    for (standing, is_used) in [(Standing::New, false), (Standing::Served, true)] {
        let world = World::new();
        world.get("http://shop.example/a/1").await.unwrap();
        let token = tokens(&world).await.remove(0);
        world.store.put(&origin(), &Token { standing, ..token }).await.unwrap();
        let settings =
            PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
        let layer = PayLayer::new(world.wallet.clone(), Shared(world.store.clone()), settings);
        let request = |path| Request::get(format!("http://shop.example{path}")).body(Full::default()).unwrap();
        let response = layer.layer(connect(&world.shop)).oneshot(request("/a/2")).await.unwrap();
        assert_eq!(receipt(&response).purchased == Purchased::Before, is_used, "{standing:?}");
        let response = layer.layer(connect(&world.shop)).oneshot(request("/a/1")).await;
        assert!(matches!(response, Err(Error::Busy)), "{standing:?}");
    }
}

/// A process that died between the payment and the answer knows no more than that it was paid.
#[tokio::test]
async fn a9_what_a_run_that_died_has_bought_must_be_accepted_before_more_is() {
    let world = World::new();
    world.get("http://shop.example/a").await.unwrap();
    let token = tokens(&world).await.remove(0);
    assert_eq!(token.standing, Standing::Served);
    world.store.put(&origin(), &Token { standing: Standing::New, ..token }).await.unwrap();
    world.shop.changes_its_key();
    assert!(matches!(get(next_run(&world, |_| ()), "/a").await, Err(Error::NotAccepted(_))));
    assert_eq!(tokens(&world).await[0].standing, Standing::Refused);
    assert_eq!(world.wallet.payments_sent(), 1);
}

/// A token that ends before it has served is lost money too: a server that sells such tokens would be paid by each run.
#[tokio::test]
async fn a9_what_ended_before_it_was_accepted_is_not_bought_again() {
    let ended = {
        let identifier = Identifier::new(PaymentHash::from_bytes([1; 32]), TokenId::from_bytes([2; 32]));
        let (mut bytes, mut text) = ([0; 256], [0; 512]);
        let caveats: [&[u8]; 2] = [b"services=a:0", b"a_valid_until=1700000000"];
        let key = RootKey::new(b"key");
        let token = mint(&key, b"", &identifier.to_bytes(), &caveats, &mut bytes).unwrap();
        base64::encode_into(token.as_bytes(), &mut text).unwrap().to_owned()
    };
    for (standing, is_bought) in [(Standing::New, false), (Standing::Refused, false), (Standing::Served, true)] {
        let world = World::new();
        world.get("http://shop.example/a").await.unwrap();
        let token = tokens(&world).await.remove(0);
        world.store.put(&origin(), &Token { standing, text: ended.clone(), ..token }).await.unwrap();
        let result = get(next_run(&world, |_| ()), "/a").await;
        assert_eq!(matches!(result, Err(Error::NotAccepted(_))), !is_bought, "{standing:?}: {result:?}");
        assert_eq!(world.wallet.payments_sent(), 1 + usize::from(is_bought), "{standing:?}");
    }
}

#[tokio::test]
async fn a9_who_accepts_it_after_all_is_paid_again_when_it_has_ended() {
    let world = World::new();
    world.shop.lies(Lie::AcceptsNothing);
    world.get("http://shop.example/a").await.unwrap_err();
    world.shop.is_honest_again();
    assert_eq!(receipt(&get(next_run(&world, |_| ()), "/a").await.unwrap()).purchased, Purchased::Before);
    assert_eq!(tokens(&world).await[0].standing, Standing::Served);
    world.shop.changes_its_key();
    assert_eq!(receipt(&get(next_run(&world, |_| ()), "/a").await.unwrap()).purchased, Purchased::Now);
    assert_eq!(world.wallet.payments_sent(), 2);
}

#[tokio::test]
async fn a9_what_is_bought_again_and_accepted_opens_the_rest_of_the_origin() {
    let world = World::new();
    world.shop.lies(Lie::AcceptsNothing);
    world.get("http://shop.example/a").await.unwrap_err();
    world.shop.changes_its_key();
    world.shop.is_honest_again();
    assert!(matches!(get(next_run(&world, |_| ()), "/b").await, Err(Error::NotAccepted(_))));
    get(next_run(&world, |settings| settings.after_refusal = AfterRefusal::BuyAgain), "/b").await.unwrap();
    get(next_run(&world, |_| ()), "/c").await.unwrap();
    assert!(
        matches!(get(next_run(&world, |_| ()), "/a").await, Err(Error::NotAccepted(_))),
        "that is still not served"
    );
    assert_eq!(world.wallet.payments_sent(), 3);
}

#[tokio::test]
async fn a9_waiting_for_another_purchase_has_a_deadline() {
    let world = World::with(|settings| {
        settings.payment_timeout = Duration::from_mins(1);
        settings.patience = Duration::from_millis(100);
    });
    world.wallet.misbehave(FakeFault::Hang);
    let stuck = tokio::spawn(
        world.client.clone().oneshot(Request::get("http://shop.example/a").body(Full::<Bytes>::default()).unwrap()),
    );
    while world.store.tokens(&origin()).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(matches!(world.get("http://shop.example/a").await, Err(Error::Busy)));
    assert_eq!(world.wallet.payments_sent(), 0);
    stuck.abort();
}
