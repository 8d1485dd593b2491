//! What a client may not do to the gateway (P4), and the two versions of HTTP.

use crate::support::{Answer, Echo, Gateway, send};
use bytes::Bytes;
use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

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
async fn p6_an_idle_connection_of_http_2_is_closed_though_it_answers_pings() {
    let echo = Echo::start().await;
    let timeouts = "timeouts = { request_head = \"200ms\", idle = \"400ms\" }";
    let gateway = Gateway::start(&format!("upstream = {:?}\n{timeouts}", echo.url));
    let stream = TokioIo::new(gateway.connect().await);
    let (mut sender, connection) = handshake(TokioExecutor::new(), stream).await.expect("a handshake");
    let connection = tokio::spawn(connection);
    let uri = format!("http://{}/health", gateway.address());
    let ask = Request::get(&uri).body(Empty::<&[u8]>::new()).expect("a request");
    assert_eq!(sender.send_request(ask).await.expect("an answer").status(), StatusCode::OK);
    timeout(SOON, connection).await.expect("closed").expect("no panic").ok();
}

#[tokio::test]
async fn p6_a_client_has_only_so_many_connections() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}\nlimits = {{ connections_per_client = 2 }}", echo.url));
    let (first, _second) = (gateway.connect().await, gateway.connect().await);
    let refused = async {
        loop {
            let mut third = gateway.connect().await;
            let mut read = Vec::new();
            // The first two may not have been accepted yet.
            let _ = third.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
            let _ = third.read_to_end(&mut read).await;
            if read.is_empty() {
                return;
            }
        }
    };
    timeout(SOON, refused).await.expect("the third is closed unheard");
    drop(first);
    let served = async {
        loop {
            let mut third = gateway.connect().await;
            let mut read = Vec::new();
            let _ = third.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
            let _ = third.read_to_end(&mut read).await;
            if !read.is_empty() {
                return;
            }
        }
    };
    timeout(SOON, served).await.expect("its place is free again");
}

#[tokio::test]
async fn p6_a_client_has_only_so_many_requests_under_way() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!(
        "limits = {{ requests_per_client = 1 }}\n[[service]]\nname = \"a\"\nprice = \"1 sat\"\nfree = [\"/slow\"]\nupstream = {:?}",
        echo.url
    ));
    let mut slow = gateway.connect().await;
    send(&mut slow, "GET", "/slow", &[]).await;
    timeout(SOON, echo.arrived.notified()).await.expect("it is under way");
    let refused = gateway.ask("GET", "/", &[]).await;
    assert_eq!((refused.status, refused.fields("retry-after")), (429, vec!["5"]), "{}", refused.text);
    assert_eq!(gateway.ask("GET", "/health", &[]).await.status, 200, "the gateway's own paths are not counted");
    echo.release.notify_one();
    assert_eq!(Answer::read(&mut slow).await.status, 200);
    let free_again = async { while gateway.ask("GET", "/", &[]).await.status != 402 {} };
    timeout(SOON, free_again).await.expect("its place is free again");
}

#[tokio::test]
async fn a_402_reaches_a_client_that_sends_all_of_a_large_body_first() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    for length in [1, 20 * 1024 * 1024] {
        let mut stream = gateway.connect().await;
        let head = format!("POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let body = vec![b'x'; length];
        timeout(SOON, stream.write_all(&body)).await.expect("it goes on to be read").expect("no reset");
        let mut answer = vec![0; 12];
        timeout(SOON, stream.read_exact(&mut answer)).await.expect("an answer").expect("no reset");
        assert_eq!(answer, b"HTTP/1.1 402", "{length} bytes");
    }
}

#[tokio::test]
async fn p6_a_client_that_never_stops_to_send_is_not_listened_to_for_ever() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let mut stream = gateway.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n").await.expect("sent");
    let sending = async {
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            sleep(SOON / 100).await;
        }
    };
    timeout(4 * SOON, sending).await.expect("it is closed at last");
}

/// A body whose pieces are sent by hand.
struct Pieces(mpsc::Receiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// The answer to a request over HTTP/2 whose body has not begun, what sends that body, and what keeps the connection.
async fn upload_over_http2(gateway: &Gateway) -> (Response<Incoming>, mpsc::Sender<Bytes>, SendRequest<Pieces>) {
    let stream = TokioIo::new(gateway.connect().await);
    let (mut sender, connection) = handshake(TokioExecutor::new(), stream).await.expect("a handshake");
    tokio::spawn(connection);
    let (pieces, body) = mpsc::channel(1);
    let ask = Request::post(format!("http://{}/a", gateway.address())).body(Pieces(body)).expect("a request");
    let answer = timeout(SOON, sender.send_request(ask)).await.expect("in time").expect("an answer");
    (answer, pieces, sender)
}

/// Some clients take an answer for lost when a reset comes with it.
#[tokio::test]
async fn a_402_over_http_2_does_not_reset_a_client_that_still_sends() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let (answer, pieces, _sender) = upload_over_http2(&gateway).await;
    assert_eq!(answer.status(), StatusCode::PAYMENT_REQUIRED);
    let told = answer.into_body().collect().await.expect("a body").to_bytes();
    assert!(told.starts_with(b"{"), "{told:?}");
    for piece in 0..256 {
        // More than the window of the stream, so that somebody must be reading.
        let sent = timeout(SOON, pieces.send(Bytes::from_static(&[b'x'; 16 * 1024]))).await.expect("in time");
        sent.unwrap_or_else(|_| panic!("the stream was reset at piece {piece}"));
    }
}

#[tokio::test]
async fn p6_a_client_of_http_2_that_never_stops_to_send_is_reset() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let (answer, pieces, _sender) = upload_over_http2(&gateway).await;
    drop(answer.into_body().collect().await.expect("a body"));
    let sending = async { while pieces.send(Bytes::from_static(&[b'x'; 16 * 1024])).await.is_ok() {} };
    timeout(Duration::from_secs(30), sending).await.expect("a reset");
}

#[tokio::test]
async fn http_2_without_tls_is_served_on_the_same_port() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let stream = TokioIo::new(gateway.connect().await);
    let (mut sender, connection) = handshake(TokioExecutor::new(), stream).await.expect("a handshake");
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

fn with_fields(count: usize) -> String {
    let fields = "X: 1\r\n".repeat(count.saturating_sub(2));
    format!("GET /health HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{fields}\r\n")
}

#[tokio::test]
async fn p4_a_head_has_so_many_fields_and_a_refusal_says_why() {
    let echo = Echo::start().await;
    let usual = Gateway::start(&format!("upstream = {:?}", echo.url));
    let wide = Gateway::start(&format!("upstream = {:?}\nlimits = {{ header_fields = 300 }}", echo.url));
    for (gateway, fields, status) in [
        (&usual, 100, 200),
        (&usual, 101, 431),
        (&usual, 1000, 431),
        (&wide, 101, 200),
        (&wide, 300, 200),
        (&wide, 301, 431),
    ] {
        let mut stream = gateway.connect().await;
        stream.write_all(with_fields(fields).as_bytes()).await.expect("sent");
        let mut all = Vec::new();
        timeout(SOON, stream.read_to_end(&mut all)).await.expect("closed").ok();
        let text = String::from_utf8_lossy(&all);
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{fields}: {text}");
        assert_eq!(text.contains("\"reason\":\"header-too-large\""), status == 431, "{fields}: {text}");
    }
    let malformed = "GET / HTTP/1.1\r\nHost : gateway\r\n\r\n";
    for before in ["", "GET / HTTP/1.1\r\nHost: gateway\r\n\r\n", "GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n"] {
        let mut stream = usual.connect().await;
        stream.write_all(format!("{before}{malformed}").as_bytes()).await.expect("sent");
        let mut all = Vec::new();
        timeout(SOON, stream.read_to_end(&mut all)).await.expect("closed").ok();
        let text = String::from_utf8_lossy(&all);
        assert!(text.contains("HTTP/1.1 400 ") && text.contains("\"reason\":\"malformed-request\""), "{text}");
    }
}

/// A tunnel holds a connection to its upstream like a request, for longer.
#[tokio::test]
async fn p6_a_tunnel_counts_as_a_request_under_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let gateway = Gateway::start(&format!(
        "limits = {{ requests_per_client = 2 }}\n[[service]]\nname = \"a\"\nprice = \"1 sat\"\nfree = [\"/ws\"]\nupstream = \"http://{}\"",
        listener.local_addr().expect("an address")
    ));
    let upstream = tokio::spawn(async move {
        let mut tunnels = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            if stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
                stream.write_all(answer).await.expect("sent");
                tunnels.push(stream);
            }
        }
    });
    let open = async || {
        let mut stream = gateway.connect().await;
        let ask = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(ask).await.expect("sent");
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("an answer");
        (stream, String::from_utf8_lossy(&status).into_owned())
    };
    let (first, second) = (open().await, open().await);
    assert_eq!((&*first.1, &*second.1), ("HTTP/1.1 101", "HTTP/1.1 101"));
    assert_eq!(open().await.1, "HTTP/1.1 429");
    drop(first);
    let free_again = async { while open().await.1 != "HTTP/1.1 101" {} };
    timeout(SOON, free_again).await.expect("its place is free again");
    upstream.abort();
}
