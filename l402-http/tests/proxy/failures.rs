//! What goes wrong at the upstream, or at the client: each with its status, its reason and its deadline (P4).

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use http::StatusCode;
use hyper::body::Incoming;
use l402_http::proxy::{Timeouts, Upstream, UpstreamConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    PATIENCE, echo, exchange, gateway, get, listen, origin, raw_upstream, read_until, respond, upstream,
};

const SHORT: Duration = Duration::from_millis(100);

fn short(config: UpstreamConfig) -> UpstreamConfig {
    within(config, SHORT)
}

fn within(config: UpstreamConfig, deadline: Duration) -> UpstreamConfig {
    let mut timeouts = Timeouts::default();
    timeouts.connect = deadline;
    timeouts.response = deadline;
    timeouts.idle = deadline;
    config.timeouts(timeouts)
}

fn assert_refused(answer: &str, status: &str, reason: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
    assert!(answer.contains(&format!("\"reason\":\"{reason}\"")), "{answer}");
}

#[tokio::test]
async fn an_unreachable_upstream_is_a_502() {
    let (listener, address) = listen().await;
    drop(listener);
    let gateway = gateway(origin(address)).await;
    assert_refused(&get(gateway, "").await, "502", "upstream-unreachable");
    let answer = get(gateway, "content-type: application/grpc+proto\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("grpc-status: 14\r\n"), "{answer}");
}

#[tokio::test]
async fn an_upstream_without_a_response_is_a_504() {
    let address = raw_upstream(|mut stream| async move { while stream.read_u8().await.is_ok() {} }).await;
    let gateway = gateway(short(origin(address))).await;
    assert_refused(&get(gateway, "").await, "504", "upstream-timeout");
    let answer = get(gateway, "content-type: application/grpc\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("grpc-status: 4\r\n"), "{answer}");
    assert!(answer.contains("grpc-message: "), "{answer}");
}

#[tokio::test]
async fn a_broken_exchange_is_not_repeated() {
    let cases: [(&[u8], &str); 3] = [
        (b"", "upstream-reset"),
        (b"HTTP/1.1 2", "upstream-reset"),
        (b"\x15\x03\x01 oops\r\n\r\n", "upstream-malformed"),
    ];
    for (bytes, reason) in cases {
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let address = raw_upstream(move |mut stream| {
            let counter = Arc::clone(&counter);
            async move {
                read_until(&mut stream, "\r\n\r\n").await;
                counter.fetch_add(1, Ordering::SeqCst);
                stream.write_all(bytes).await.unwrap();
            }
        })
        .await;
        assert_refused(&get(gateway(origin(address)).await, "").await, "502", reason);
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{reason}");
    }
}

#[tokio::test]
async fn an_unrequested_protocol_change_is_not_forwarded() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    assert_refused(&get(gateway(origin(address)).await, "").await, "502", "upstream-upgrade");
}

#[tokio::test]
async fn a_body_that_breaks_off_does_not_look_complete() {
    for head in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
        let address = raw_upstream(move |mut stream| async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n4\r\nhalf\r\n").as_bytes()).await.unwrap();
        })
        .await;
        let answer = get(gateway(origin(address)).await, "").await;
        assert!(answer.contains("half") && !answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn p4_a_stalled_body_is_cut_off() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
        // Open until the gateway closes it.
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let answer = get(gateway(short(origin(address))).await, "").await;
    assert!(answer.ends_with("half"), "{answer}");
}

#[tokio::test]
async fn p4_a_client_that_stops_sending_gets_a_408() {
    let (address, _) = echo().await;
    let request = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhalf";
    assert_refused(&exchange(gateway(short(origin(address))).await, request).await, "408", "request-timeout");
}

#[tokio::test]
async fn p4_deadlines_do_not_cut_bodies_that_move() {
    let (address, _) = upstream(|request| async move {
        let mut body = request.into_body();
        let mut count = 0;
        while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
            count += frame.unwrap().into_data().map_or(0, |data| data.len());
        }
        respond(StatusCode::OK, &format!("[{count} bytes]"))
    })
    .await;
    // It takes longer than a deadline in all, and has much more time for each byte than a busy machine needs.
    let deadlines = within(origin(address), Duration::from_secs(4)).slowest_upload(0);
    let mut stream = TcpStream::connect(gateway(deadlines).await).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\nconnection: close\r\n\r\n").await.unwrap();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(450)).await;
        stream.write_all(b"x").await.unwrap();
    }
    read_until(&mut stream, "[10 bytes]").await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request() {
    let (left, mut noticed) = tokio::sync::mpsc::channel(1);
    let address = raw_upstream(move |mut stream| {
        let left = left.clone();
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            while stream.read_u8().await.is_ok() {}
            left.send(()).await.unwrap();
        }
    })
    .await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(SHORT).await;
    drop(stream);
    tokio::time::timeout(PATIENCE, noticed.recv()).await.expect("the upstream's connection closes").unwrap();
}

#[tokio::test]
async fn a_response_with_too_many_headers_has_its_own_reason() {
    let address = raw_upstream(|mut stream| async move {
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).await;
        let fields = "x: 1\r\n".repeat(120);
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{fields}\r\nok");
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let seen = get(gateway(origin(address)).await, "").await;
    assert!(seen.starts_with("HTTP/1.1 502 ") && seen.contains("upstream-header-too-large"), "{seen}");
    // The client of the test has room for no more itself, but does not parse.
    let seen = get(gateway(origin(address).max_header_fields(200)).await, "").await;
    assert!(seen.starts_with("HTTP/1.1 200 ") && seen.ends_with("ok"), "{seen}");
}

#[tokio::test]
async fn who_watched_is_replaced_when_that_thread_ends() {
    let (listener, address) = listen().await;
    let mut timeouts = Timeouts::default();
    timeouts.probe = SHORT;
    let config = origin(address).timeouts(timeouts);
    let watch = || tokio::spawn(Upstream::<Incoming>::new(&config).unwrap().watch());
    let (first, second) = (watch(), watch());
    listener.accept().await.unwrap();
    // Only one of them tries at a time.
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    tokio::time::sleep(SHORT).await;
    while tokio::time::timeout(SHORT / 2, listener.accept()).await.is_ok() {} // what the first has begun
    for _ in 0..3 {
        tokio::time::timeout(PATIENCE, listener.accept()).await.expect("another tries").unwrap();
    }
    second.abort();
}

#[tokio::test]
async fn an_upstream_that_a_request_finds_down_is_tried_again_long_before_the_next_probe() {
    let (listener, address) = listen().await;
    let mut timeouts = Timeouts::default();
    timeouts.probe = Duration::from_hours(1);
    let config = origin(address).timeouts(timeouts);
    let upstream = Upstream::<Incoming>::new(&config).unwrap();
    let watch = tokio::spawn(upstream.watch());
    listener.accept().await.unwrap();
    drop(listener);
    let gateway = gateway(config.clone()).await;
    while config.health().down().is_none() {
        assert_refused(&get(gateway, "").await, "502", "upstream-unreachable");
    }
    let _listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let back = async {
        while config.health().down().is_some() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("it is known to be back");
    watch.abort();
}
