//! Kept tokens that a server refuses, and tokens that cannot be presented.

use crate::shop::{Error, Http, unix_now};
use crate::stall::{Manner, Market, Stall, v2};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use l402_http::pay::{BadChallenge, Purchased, Receipt, ReplayBody, Standing, Token, TokenField, TokenStore};
use std::sync::Arc;
use tower::service_fn;

#[tokio::test]
async fn a_kept_token_that_is_refused_without_a_challenge_is_left_out_once() {
    let broken = "L402 token=\"a\", invoice=\"none\"";
    for bare in [
        (StatusCode::UNAUTHORIZED, ""),
        (StatusCode::PAYMENT_REQUIRED, ""),
        (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\""),
        (StatusCode::UNAUTHORIZED, "L402 error=\"invalid_token\""),
        (StatusCode::PAYMENT_REQUIRED, broken),
    ] {
        let market = Market::new(Manner { bare: Some(bare), ..Manner::default() });
        market.get().await.unwrap();
        market.stall.sold.lock().unwrap().clear();
        let response = market.get().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.extensions().get::<Receipt>().unwrap().purchased, Purchased::Now);
        let shown: Vec<_> = market.seen("authorization").iter().map(Option::is_some).collect();
        assert_eq!(shown, [false, true, true, false, true], "{bare:?}");
        assert_eq!(market.wallet.payments_sent(), 2);
        let kept = market.store.tokens(&"http://stall.example".parse().unwrap()).await.unwrap();
        assert_eq!(kept.len(), 1, "the one that was refused is forgotten");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_again_leaves_the_refusal_to_the_caller() {
    let market = Market::new(Manner { bare: Some((StatusCode::UNAUTHORIZED, "")), ..Manner::default() });
    let request = || Request::get("http://stall.example/").body(Full::from("long")).unwrap();
    market.send(request()).await.unwrap();
    market.stall.sold.lock().unwrap().clear();
    let response = market.send_with(|settings| settings.max_replay = 2, request()).await.unwrap();
    assert_eq!((response.status(), market.seen("authorization").len()), (StatusCode::UNAUTHORIZED, 3));
    assert_eq!(market.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_token_that_does_not_fit_the_macaroon_header_is_not_bought() {
    for (token, is_bought) in [(Manner::default().token, true), ((|_| "any~text".to_owned()) as fn(&_) -> _, false)] {
        let market = Market::new(Manner { token, ..Manner::default() });
        let request = Request::get("http://stall.example/").body(Full::default()).unwrap();
        let result = market.send_with(|settings| settings.token_field = TokenField::Macaroon, request).await;
        let is_refused = matches!(result, Err(Error::BadChallenge(BadChallenge::NoMacaroon)));
        assert_eq!((market.wallet.payments_sent(), is_refused), (usize::from(is_bought), !is_bought), "{result:?}");
    }
}

/// One that cannot be shown was not refused.
#[tokio::test]
async fn a9_a_kept_token_that_the_macaroon_field_cannot_carry_is_not_taken_for_refused() {
    let market = Market::new(Manner { token: |_| "any~text".to_owned(), ..Manner::default() });
    let origin = "http://stall.example".parse().unwrap();
    market.get().await.unwrap();
    let token = market.store.tokens(&origin).await.unwrap().remove(0);
    market.store.put(&origin, &Token { standing: Standing::New, ..token }).await.unwrap();
    let stall = Stall { manner: Manner::default(), ..market.stall };
    let http = Http::new(service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
        let answer = stall.clone().serve(request.map(drop));
        async move { Ok(answer.await) }
    }));
    let market =
        Market { http, stall: Stall { seen: Arc::default(), ..Market::new(Manner::default()).stall }, ..market };
    let request = Request::get("http://stall.example/").body(Full::default()).unwrap();
    let result = market.send_with(|settings| settings.token_field = TokenField::Macaroon, request).await;
    assert!(!matches!(result, Err(Error::NotAccepted(_))), "{result:?}");
    assert_eq!(market.wallet.payments_sent(), 2);
}

/// A server that wants something else than a token: what was paid for is not given up for that.
#[tokio::test]
async fn a_kept_token_outlives_a_server_that_refuses_everything() {
    let market = Market::new(Manner { bare: Some((StatusCode::UNAUTHORIZED, "")), ..Manner::default() });
    market.get().await.unwrap();
    let refusing = Http::new(service_fn(async |_: Request<ReplayBody<Full<Bytes>>>| {
        Ok(Response::builder().status(StatusCode::UNAUTHORIZED).body(Full::default()).unwrap())
    }));
    let elsewhere = Market { http: refusing, ..market };
    assert_eq!(elsewhere.get().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let kept = elsewhere.store.tokens(&"http://stall.example".parse().unwrap()).await.unwrap();
    assert_eq!((kept.len(), elsewhere.wallet.payments_sent()), (1, 1));
}

#[tokio::test]
async fn a_kept_token_that_has_ended_is_not_presented() {
    let market = Market::new(Manner::default());
    market.get().await.unwrap();
    let origin = "http://stall.example".parse().unwrap();
    let mut token = market.store.tokens(&origin).await.unwrap().pop().unwrap();
    for (caveat, is_presented) in [(unix_now() + 600, true), (unix_now(), false)] {
        token.text = v2(token.payment_hash.as_bytes(), &[format!("stall_valid_until={caveat}").as_bytes()]);
        market.stall.sold.lock().unwrap().insert(token.text.clone(), token.payment_hash);
        market.store.put(&origin, &token).await.unwrap();
        let receipt = *market.get().await.unwrap().extensions().get::<Receipt>().unwrap();
        assert_eq!(receipt.purchased == Purchased::Before, is_presented);
    }
    assert_eq!(market.wallet.payments_sent(), 2);
    assert_eq!(
        market.seen("authorization").iter().filter(|shown| shown.is_none()).count(),
        2,
        "asked without the old one"
    );
}
