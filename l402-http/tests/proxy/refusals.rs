//! P1: requests that two parsers could read differently do not reach the upstream, and what does is framed anew.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{echo, exchange, gateway, get, origin, raw_upstream, read_until};

#[tokio::test]
async fn p1_ambiguous_requests_are_refused() {
    let (address, connections) = echo().await;
    let gateway = gateway(origin(address)).await;
    let cases = [
        "CONNECT shop.example:80 HTTP/1.1\r\nhost: shop.example:80\r\nconnection: close\r\n\r\n",
        "GET http://other.example/ HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n",
        "GET http://shop.example/ HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: user@shop.example\r\nconnection: close\r\n\r\n",
        "GET http://user@a/ HTTP/1.1\r\nhost: user@a\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a/b\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a, b\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: http://a\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a:b\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a:80:80\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: [::1\r\nconnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 5\r\nconnection: close\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\nconnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\nconnection: close\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +4\r\nconnection: close\r\n\r\nabcd",
    ];
    for request in cases {
        let answer = exchange(gateway, request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
    assert_eq!(connections.load(core::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_absolute_target_on_the_same_host_is_served() {
    let (address, _) = echo().await;
    let gateway = gateway(origin(address)).await;
    let seen =
        exchange(gateway, "GET http://shop.example/a HTTP/1.1\r\nhost: Shop.example\r\nconnection: close\r\n\r\n")
            .await;
    assert!(seen.contains("GET /a HTTP/1.1\n"), "{seen}");
}

#[tokio::test]
async fn a_host_of_any_form_is_served() {
    let (address, _) = echo().await;
    let gateway = gateway(origin(address)).await;
    for (head, seen_host) in [
        ("HTTP/1.1\r\nhost: shop.example:8402", Some("shop.example:8402")),
        ("HTTP/1.1\r\nhost: 192.0.2.1", Some("192.0.2.1")),
        ("HTTP/1.1\r\nhost: [2001:db8::1]:80", Some("[2001:db8::1]:80")),
        ("HTTP/1.1\r\nhost: a:", Some("a:")),
        ("HTTP/1.0", None),
    ] {
        let seen = exchange(gateway, &format!("GET / {head}\r\nconnection: close\r\n\r\n")).await;
        assert!(seen.contains("GET / HTTP/1.1\n"), "{head}: {seen}");
        let host = seen.lines().find_map(|line| line.strip_prefix("x-forwarded-host: "));
        assert_eq!(host, seen_host, "{head}");
    }
}

/// Framings that a client may choose, what the upstream gets for each, and what it does not.
const FRAMINGS: [(&str, &str, &str); 7] = [
    ("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nend", "content-length: 3\r\n", "transfer-encoding"),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;ext=1\r\nend\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length",
    ),
    (
        "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nend\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length",
    ),
    // hyper reads these as chunked, as RFC 9112 §6.3 allows; the length that lost must not be passed on.
    (
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 30\r\ntransfer-encoding: chunked\r\n\r\n3\r\nend\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length",
    ),
    (
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 30\r\n\r\n3\r\nend\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length",
    ),
    ("POST /end HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", "content-length: 0\r\n", "transfer-encoding"),
    ("GET /end HTTP/1.1\r\nhost: a\r\n\r\n", "host: ", "content-length"),
];

#[tokio::test]
async fn p1_the_upstream_gets_one_framing_and_it_is_ours() {
    for (request, present, absent) in FRAMINGS {
        let (address, seen) = capture().await;
        let request = request.replacen("host: a\r\n", "host: a\r\nconnection: close\r\n", 1);
        let answer = exchange(gateway(origin(address)).await, &request).await;
        let seen = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 "), "{request:?}: {answer}");
        assert!(seen.contains(present) && !seen.contains(absent), "{request:?}: {seen}");
        if present.contains("chunked") {
            assert!(seen.ends_with("\r\n\r\n3\r\nend\r\n0\r\n\r\n"), "{seen}");
        }
    }
}

/// An upstream that keeps the bytes of one request, up to the mark `end` and what follows it at once.
async fn capture() -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let captured = Arc::clone(&seen);
    let address = raw_upstream(move |mut stream| {
        let captured = Arc::clone(&captured);
        async move {
            let mut bytes = Vec::new();
            while !String::from_utf8_lossy(&bytes).contains("end") {
                stream.read_buf(&mut bytes).await.unwrap();
            }
            // What follows the mark, if anything.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut rest = [0; 256];
            let count = stream.try_read(&mut rest).unwrap_or(0);
            bytes.extend_from_slice(&rest[..count]);
            captured.lock().unwrap().extend_from_slice(&bytes);
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        }
    })
    .await;
    (address, seen)
}

#[tokio::test]
async fn p1_other_transfer_codings_are_refused_and_end_the_connection() {
    let (address, connections) = echo().await;
    let gateway = gateway(origin(address)).await;
    for (codings, status) in [
        ("transfer-encoding: gzip, chunked\r\n", "501"),
        ("transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", "501"),
        ("transfer-encoding: identity, chunked\r\n", "501"),
        ("transfer-encoding: chunked, chunked\r\n", "400"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: Chunked\r\n", "400"),
        ("transfer-encoding: chunked, gzip\r\n", "400"),
        ("transfer-encoding: identity\r\n", "400"),
        ("transfer-encoding: \"chunked\"\r\n", "400"),
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: a\r\n{codings}\r\n3\r\nend\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        let answer = exchange(gateway, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{codings:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "the connection ends: {answer}");
    }
    assert_eq!(connections.load(core::sync::atomic::Ordering::SeqCst), 0);
}

/// RFC 9112 §6.3: a server that reads the body as chunked must end the connection.
#[tokio::test]
async fn p1_a_length_beside_a_transfer_coding_ends_the_connection() {
    let (address, _) = echo().await;
    let gateway = gateway(origin(address)).await;
    for both in
        ["content-length: 6\r\ntransfer-encoding: chunked\r\n", "transfer-encoding: chunked\r\ncontent-length: 6\r\n"]
    {
        let request =
            format!("POST / HTTP/1.1\r\nhost: a\r\n{both}\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n");
        let answer = exchange(gateway, &request).await;
        assert!(answer.contains("[0 bytes]") && !answer.contains("smuggled"), "{both:?}: {answer}");
    }
}

/// What is tolerated of chunks, since the body is framed anew: blanks behind a size. Everything else is refused.
#[tokio::test]
async fn p1_chunks_are_read_strictly_but_for_blanks_behind_a_size() {
    for (body, passes) in [
        ("3\r\nend\r\n0\r\n\r\n", true),
        ("3  \r\nend\r\n0\r\n\r\n", true),
        ("3\t;a=b\r\nend\r\n0\r\n\r\n", true),
        ("003\r\nend\r\n000\r\n\r\n", true),
        ("3\nend\r\n0\r\n\r\n", false),
        ("3\r\nend\n0\r\n\r\n", false),
        (" 3\r\nend\r\n0\r\n\r\n", false),
        ("3 3\r\nend\r\n0\r\n\r\n", false),
        ("3;a\n=b\r\nend\r\n0\r\n\r\n", false),
        ("0x3\r\nend\r\n0\r\n\r\n", false),
        ("+3\r\nend\r\n0\r\n\r\n", false),
        ("3\r\nend\r\n0\n\r\n", false),
        ("3\r\nend0\r\n\r\n", false),
        ("fffffffffffffffff\r\nend\r\n0\r\n\r\n", false),
        ("\r\n", false),
    ] {
        let (address, connections) = echo().await;
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let next = "GET /next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let answer = exchange(gateway(origin(address)).await, &format!("{head}{body}{next}")).await;
        assert_eq!(answer.contains("[3 bytes]"), passes, "{body:?}: {answer}");
        assert_eq!(answer.contains("GET /next"), passes, "{body:?}: {answer}");
        assert!(connections.load(core::sync::atomic::Ordering::SeqCst) <= 1, "{body:?}");
    }
}

/// Its body would go on with the coding, and without the field that names it.
#[tokio::test]
async fn p1_an_answer_with_another_transfer_coding_is_a_502() {
    let address = raw_upstream(async |mut stream: TcpStream| {
        read_until(&mut stream, "\r\n\r\n").await;
        let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    let answer = get(gateway(origin(address)).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("upstream-transfer-coding"), "{answer}");
}
