//! Bodies tell requests apart where an outer layer can hash them.

use super::{Till, asks};
use core::sync::atomic::{AtomicUsize, Ordering};
use http::{Method, StatusCode};
use l402_http::service::BodyDigest;
use std::sync::Arc;

#[tokio::test]
async fn s2_a_body_tells_requests_apart_once_the_verdict_is_there() {
    let till = Till::of(3);
    let token = till.buy().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let send = async |token: &crate::support::Purchase, digest: Option<[u8; 32]>| {
        let mut request = asks(token, Method::POST, &[], "a body");
        let asked = Arc::clone(&asked);
        request.extensions_mut().insert(BodyDigest::new(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move { digest })
        }));
        till.shop.ask(request).await
    };
    let mut forged = token.clone();
    forged.preimage = super::minted(1, 1).preimage;
    assert_eq!(send(&forged, Some([1; 32])).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nothing is read before the verdict");

    till.works().says(500);
    send(&token, Some([1; 32])).await;
    till.works().says(200);
    assert_eq!(send(&token, Some([1; 32])).await.reason(), "in-doubt", "the same request");
    assert_eq!(send(&token, Some([2; 32])).await.status, StatusCode::OK, "another body");
    assert_eq!(send(&token, None).await.status, StatusCode::OK, "one that is too long to be told apart");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert!(till.works().seen().iter().all(|head| head.extensions.get::<BodyDigest>().is_none()));
}
