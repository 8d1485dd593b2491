//! An upstream that resets streams over HTTP/2.

use core::net::SocketAddr;

use http::{Request, StatusCode};
use l402_core::ledger::Attempted;
use l402_http::proxy::Upstream;

use crate::http2::{forward, origin};
use crate::support::{listen, whole};

/// RFC 9113 §8.7: what the upstream refuses to begin with has had no effect, also with a body.
#[tokio::test]
async fn a_refused_stream_counts_as_not_sent() {
    for (reason, attempted) in
        [(h2::Reason::REFUSED_STREAM, Attempted::NotSent), (h2::Reason::INTERNAL_ERROR, Attempted::Unanswered)]
    {
        let upstream = Upstream::new(&origin("h2c", resets(reason).await)).unwrap();
        for method in ["GET", "POST"] {
            let request = Request::builder().method(method).uri("/").header("host", "a").body(whole("once")).unwrap();
            let answer = forward(&upstream, request).await;
            assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
            assert_eq!(answer.extensions().get(), Some(&attempted), "{method} {reason:?}");
        }
    }
}

/// An upstream that resets every stream for this reason.
async fn resets(reason: h2::Reason) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, mut answer))) = connection.accept().await {
                    answer.send_reset(reason);
                }
            });
        }
    });
    address
}
