//! P1, P2 and P8 for upgrades: a tunnel exists only after the upstream's 101, and is told when it ends.

use core::time::Duration;
use std::sync::Arc;

use l402_http::proxy::{Session, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::support::{PATIENCE, gateway, gateway_with, origin, raw_upstream, read_until};

const ASK: &str = "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
    sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\nsec-websocket-version: 13\r\n\r\n";
const AGREE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n";

async fn upper_case_echo(mut stream: TcpStream) {
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("sec-websocket-key: x3JJ"), "{head}");
    stream.write_all(AGREE).await.unwrap();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        buffer[..count].make_ascii_uppercase();
        stream.write_all(&buffer[..count]).await.unwrap();
    }
}

#[tokio::test]
async fn a_websocket_passes_both_ways_and_closes() {
    let address = raw_upstream(upper_case_echo).await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    stream.write_all(ASK.as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("sec-websocket-accept: HSmr"), "{head}");
    assert!(head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"), "{head}");
    for (word, echoed) in [("hello", "HELLO"), ("again", "AGAIN")] {
        stream.write_all(word.as_bytes()).await.unwrap();
        read_until(&mut stream, echoed).await;
    }
    stream.shutdown().await.unwrap();
    let end = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 8])).await.expect("the upstream's close in time");
    assert_eq!(end.unwrap(), 0);
}

#[tokio::test]
async fn p1_nothing_passes_before_the_upstreams_101() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let early = stream.try_read(&mut [0; 64]);
        assert!(early.is_err(), "the upstream saw {early:?} bytes before its 101");
        stream.write_all(AGREE).await.unwrap();
        let seen = read_until(&mut stream, "early").await;
        assert_eq!(seen, "early");
        stream.write_all(b"seen after").await.unwrap();
    })
    .await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    stream.write_all(format!("{ASK}early").as_bytes()).await.unwrap();
    read_until(&mut stream, "seen after").await;
}

#[tokio::test]
async fn a_declined_upgrade_is_an_ordinary_response() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
    })
    .await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    stream.write_all(ASK.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\nno").await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("upgrade"), "{answer}");
}

#[tokio::test]
async fn p4_an_idle_tunnel_is_closed() {
    let address = raw_upstream(upper_case_echo).await;
    let mut timeouts = Timeouts::default();
    timeouts.tunnel = Duration::from_millis(150);
    let mut stream = TcpStream::connect(gateway(origin(address).timeouts(timeouts)).await).await.unwrap();
    stream.write_all(ASK.as_bytes()).await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(75)).await;
        stream.write_all(b"still here").await.unwrap();
        read_until(&mut stream, "STILL HERE").await;
    }
    let end = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 8])).await.expect("the close in time");
    assert_eq!(end.unwrap(), 0);
}

/// Says two halves of a text frame, the second when it is told to.
async fn in_two_halves(mut stream: TcpStream, go_on: Arc<Notify>) {
    read_until(&mut stream, "\r\n\r\n").await;
    stream.write_all(AGREE).await.unwrap();
    stream.write_all(b"\x81\x06first").await.unwrap();
    go_on.notified().await;
    stream.write_all(b"!\x81\x04more").await.unwrap();
    let mut told = Vec::new();
    stream.read_to_end(&mut told).await.unwrap();
    assert_eq!(told[..8], [0x88, 0x92, 0, 0, 0, 0, 0x03, 0xe9], "the upstream is told too, masked as from a client");
    go_on.notify_one();
}

#[tokio::test]
async fn p8_a_tunnel_is_told_between_two_frames_that_the_server_stops() {
    let go_on = Arc::new(Notify::new());
    let halves = Arc::clone(&go_on);
    let address = raw_upstream(move |stream| in_two_halves(stream, Arc::clone(&halves))).await;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let session = Session::new(stopping);
    let edit = move |request: &mut http::Request<_>| drop(request.extensions_mut().insert(session.clone()));
    let mut stream = TcpStream::connect(gateway_with(origin(address), edit).await).await.unwrap();
    stream.write_all(ASK.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n\x81\x06first") {
        head.push(stream.read_u8().await.unwrap());
    }
    stop.send_replace(true);
    go_on.notify_one();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the end in time").unwrap();
    assert_eq!(rest[..5], *b"!\x88\x12\x03\xe9", "the frame is whole, the next does not come, and 1001 says why");
    drop(stream);
    go_on.notified().await;
}
