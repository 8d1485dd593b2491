//! Bodies tell requests apart where an outer layer can hash them.

use super::{Till, asks};
use core::sync::atomic::{AtomicUsize, Ordering};
use http::{Method, StatusCode};
use l402_http::service::{BodyDigest, Digested};
use std::sync::Arc;

#[tokio::test]
async fn s2_a_body_tells_requests_apart_once_the_verdict_is_there() {
    let till = Till::of(3);
    let token = till.buy().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let send = async |token: &crate::support::Purchase, digested: Digested| {
        let mut request = asks(token, Method::POST, &[], "a body");
        let asked = Arc::clone(&asked);
        request.extensions_mut().insert(BodyDigest::new(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { digested })
        }));
        till.shop.ask(request).await
    };
    let mut forged = token.clone();
    forged.preimage = super::minted(1, 1).preimage;
    assert_eq!(send(&forged, Digested::Sha256([1; 32])).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nothing is read before the verdict");

    till.works().says(500);
    send(&token, Digested::Sha256([1; 32])).await;
    till.works().says(200);
    assert_eq!(send(&token, Digested::Sha256([1; 32])).await.reason(), "in-doubt", "the same request");
    assert_eq!(send(&token, Digested::Sha256([2; 32])).await.status, StatusCode::OK, "another body");
    assert_eq!(send(&token, Digested::Unknown).await.status, StatusCode::OK, "one that is too long to be told apart");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert!(till.works().seen().iter().all(|head| head.extensions.get::<BodyDigest>().is_none()));
}

#[tokio::test]
async fn s2_a_body_that_its_client_broke_off_takes_no_use() {
    let till = Till::of(1);
    let token = till.buy().await;
    let send = async |digested: Digested| {
        let mut request = asks(&token, Method::POST, &[], "a body");
        request.extensions_mut().insert(BodyDigest::new(move || Box::pin(async move { digested })));
        till.shop.ask(request).await
    };
    let broken = send(Digested::Aborted).await;
    assert_eq!((broken.status, &*broken.reason()), (StatusCode::BAD_REQUEST, "request-aborted"));
    assert!(till.works().seen().is_empty(), "nothing was sent");
    assert_eq!(send(Digested::Sha256([1; 32])).await.status, StatusCode::OK, "the use is free");
}
