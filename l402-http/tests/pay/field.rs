//! Where the token stands, and bodies that are made again instead of kept.

use crate::shop::{Error, PRICE_MSAT, World, text};
use core::sync::atomic::{AtomicUsize, Ordering};
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use http_body_util::Full;
use l402_http::pay::{Purchased, Receipt, Replay, TokenField};
use std::sync::Arc;

#[tokio::test]
async fn a_token_in_the_macaroon_header_leaves_authorization_free() {
    let world = World::with(|settings| settings.token_field = TokenField::Macaroon);
    for purchased in [Purchased::Now, Purchased::Before] {
        let request = Request::get("http://shop.example/a").header(AUTHORIZATION, "Bearer mine");
        let response = world.send(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.extensions().get::<Receipt>().unwrap().purchased, purchased);
    }
    assert!(world.shop.seen().iter().all(|seen| seen.authorization.as_deref() == Some("Bearer mine")));
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_callers_own_macaroon_header_is_forwarded_unpaid() {
    let world = World::with(|settings| settings.token_field = TokenField::Macaroon);
    let request = Request::get("http://shop.example/a").header("macaroon", "mine").body(Full::default()).unwrap();
    assert_eq!(world.send(request).await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(world.wallet.payments_sent(), 0);
}

fn post(
    make: impl Fn() -> Result<Full<bytes::Bytes>, l402_lightning::Cause> + Send + Sync + 'static,
) -> Request<Full<bytes::Bytes>> {
    let replay = Replay::new(make);
    let body = replay.body().unwrap();
    Request::post("http://shop.example/a").extension(replay).body(body).unwrap()
}

#[tokio::test]
async fn a_body_that_can_be_made_again_may_be_longer_than_what_is_kept() {
    let world = World::with(|settings| settings.max_replay = 8);
    let response = world.send(post(|| Ok(Full::from("longer than eight bytes")))).await.unwrap();
    assert_eq!(text(response).await, "longer than eight bytes");
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn nothing_is_paid_for_a_body_that_is_another_one_by_now() {
    let world = World::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let make = move || match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(Full::from("the first")),
        _ => Err("the file has changed".into()),
    };
    assert!(matches!(world.send(post(make)).await, Err(Error::Body(cause)) if cause.to_string().contains("changed")));
    assert_eq!((world.wallet.payments_sent(), world.shop.seen().len()), (0, 1));
    assert_eq!(world.shop.node.invoices_asked(), 1, "{PRICE_MSAT} msat were asked for, and not paid");
}
