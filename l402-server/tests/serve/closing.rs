//! What a client reads although the connection ends, or although a body looks like the head of an answer (P1).

use crate::support::{Answer, Echo, Gateway};
use core::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(20);

/// What hyper answers by itself to a head that it cannot parse.
const LOOKALIKE: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";

/// An upstream whose body comes a while after its head, in a piece of its own.
async fn slow_body() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while stream.read_u8().await.is_ok_and(|byte| byte != b'\n') {}
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", LOOKALIKE.len());
                let _ = stream.write_all(head.as_bytes()).await;
                sleep(Duration::from_millis(300)).await;
                let _ = stream.write_all(LOOKALIKE.as_bytes()).await;
                let _ = stream.read_u8().await;
            });
        }
    });
    url
}

#[tokio::test]
async fn p1_a_body_that_reads_like_a_refusal_of_hyper_passes_unchanged() {
    let upstream = slow_body().await;
    let gateway = Gateway::start(&format!(
        "[[service]]\nname = \"a\"\nprice = \"1 sat\"\nfree = [\"/free\"]\nupstream = {upstream:?}"
    ));
    let answer = gateway.ask("GET", "/free", &[]).await;
    assert_eq!((answer.status, answer.body()), (200, LOOKALIKE));
}

/// A frame's head may come in one piece and its content in another.
#[tokio::test]
async fn p1_a_tunnel_that_reads_like_a_refusal_of_hyper_passes_unchanged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let gateway = Gateway::start(&format!(
        "[[service]]\nname = \"a\"\nprice = \"1 sat\"\nfree = [\"/free\"]\nupstream = \"http://{}\"",
        listener.local_addr().expect("an address")
    ));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
                stream.write_all(answer).await.expect("sent");
                for piece in ["\u{2}E", LOOKALIKE] {
                    sleep(Duration::from_millis(300)).await;
                    stream.write_all(piece.as_bytes()).await.expect("sent");
                }
            }
        }
    });
    let mut stream = gateway.connect().await;
    let ask = b"GET /free HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(ask).await.expect("sent");
    let mut passed = Vec::new();
    timeout(SOON, stream.read_to_end(&mut passed)).await.expect("the end").expect("no reset");
    let passed = String::from_utf8_lossy(&passed);
    let (_, frames) = passed.split_once("\r\n\r\n").expect("a head");
    assert_eq!(frames, format!("\u{2}E{LOOKALIKE}"));
}

#[tokio::test]
async fn a_431_reaches_a_client_that_sends_all_of_a_large_head_first() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let mut stream = gateway.connect().await;
    let head = format!("GET / HTTP/1.1\r\nHost: gateway\r\nX: {}\r\n\r\n", "x".repeat(8 * 1024 * 1024));
    timeout(SOON, stream.write_all(head.as_bytes())).await.expect("it goes on to be read").expect("no reset");
    stream.shutdown().await.expect("all is sent");
    let answer = Answer::read(&mut stream).await;
    assert_eq!(answer.status, 431);
    assert!(answer.body().contains("header-too-large"), "{}", answer.text);
}

#[tokio::test]
async fn p6_one_place_serves_one_client_after_another_whatever_thread_it_comes_to() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}\nlimits = {{ connections = 1 }}", echo.url));
    for _ in 0..16 {
        assert_eq!(gateway.ask("GET", "/health", &[]).await.status, 200);
    }
}
