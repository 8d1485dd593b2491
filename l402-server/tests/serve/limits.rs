//! What a client may not do to the gateway (P4), and the two versions of HTTP.

use crate::support::{Answer, Echo, Gateway};
use core::time::Duration;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

async fn impatient() -> (Echo, Gateway) {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}\ntimeouts = {{ request_head = \"200ms\" }}", echo.url));
    (echo, gateway)
}

#[tokio::test]
async fn p4_a_client_that_asks_for_nothing_is_dropped() {
    let (_echo, gateway) = impatient().await;
    for begun in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHo"] {
        let mut stream = gateway.connect().await;
        stream.write_all(begun.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        timeout(SOON, stream.read_to_end(&mut rest)).await.expect("closed").ok(); // or reset
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{begun:?}");
    }
}

#[tokio::test]
async fn p4_an_idle_connection_is_dropped() {
    let (_echo, gateway) = impatient().await;
    let mut stream = gateway.connect().await;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n").await.expect("sent");
    let mut all = Vec::new();
    timeout(SOON, stream.read_to_end(&mut all)).await.expect("closed").expect("an answer");
    assert!(all.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn p4_a_head_has_a_greatest_length() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let mut stream = gateway.connect().await;
    let head = format!("GET / HTTP/1.1\r\nHost: gateway\r\nX: {}\r\n\r\n", "x".repeat(80 * 1024));
    stream.write_all(head.as_bytes()).await.ok(); // it may be cut off in the middle
    assert_eq!(Answer::read(&mut stream).await.status, 431);
}

#[tokio::test]
async fn http_2_without_tls_is_served_on_the_same_port() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let stream = TokioIo::new(gateway.connect().await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.expect("a handshake");
    tokio::spawn(connection);
    let uri = format!("http://{}/", gateway.address());
    let ask = |uri: &str| Request::get(uri).body(Empty::<&[u8]>::new()).expect("a request");
    let unpaid = sender.send_request(ask(&uri)).await.expect("an answer");
    assert_eq!(unpaid.status(), StatusCode::PAYMENT_REQUIRED);
    assert_eq!(unpaid.headers().get_all("www-authenticate").iter().count(), 2);
    let mut paid = ask(&uri);
    let credential = gateway.buy("GET", "/").await;
    paid.headers_mut().insert("authorization", credential.parse().expect("a value"));
    assert_eq!(sender.send_request(paid).await.expect("an answer").status(), StatusCode::OK);
}
