//! Stopping.

use crate::support::{Answer, Echo, Gateway, send};
use core::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

async fn with_slow_request(shutdown: &str) -> (Echo, Gateway, TcpStream) {
    let echo = Echo::start().await;
    let text = "[[service]]\nname = \"a\"\nprice = \"1 sat\"\nfree = [\"/slow\"]";
    let gateway =
        Gateway::start(&format!("timeouts = {{ shutdown = \"{shutdown}\" }}\n{text}\nupstream = {:?}", echo.url));
    let mut stream = gateway.connect().await;
    send(&mut stream, "GET", "/slow", &[]).await;
    timeout(SOON, echo.arrived.notified()).await.expect("the upstream has the request");
    (echo, gateway, stream)
}

#[tokio::test]
async fn a_request_under_way_ends_and_no_other_begins() {
    let (echo, gateway, mut stream) = with_slow_request("10s").await;
    let address = gateway.address();
    let stopped = tokio::spawn(gateway.server.shutdown());
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(SOON, refused).await.expect("nothing is accepted any more");
    assert!(!stopped.is_finished(), "the request is waited for");
    echo.release.notify_one();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
    timeout(SOON, stopped).await.expect("it has stopped").expect("without a panic");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_at_the_deadline() {
    let (_echo, gateway, _stream) = with_slow_request("100ms").await;
    timeout(SOON, gateway.server.shutdown()).await.expect("it has stopped");
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_stop() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let _idle = gateway.connect().await;
    timeout(SOON, gateway.server.shutdown()).await.expect("it has stopped");
}

/// An upstream that agrees to a WebSocket, says nothing, and ends when the other side does.
async fn silent_websocket() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.expect("a head"));
                }
                let agree = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
                stream.write_all(agree.as_bytes()).await.expect("sent");
                let _ = stream.read_to_end(&mut head).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn p8_a_websocket_is_counted_and_is_told_that_the_server_stops() {
    let service = "[[service]]\nname = \"a\"\nprice = \"1 sat\"\nfree = [\"/chat\"]";
    let limits = "limits = { connections_per_client = 1 }\ntimeouts = { shutdown = \"1h\" }";
    let gateway = Gateway::start(&format!("{limits}\n{service}\nupstream = {:?}", silent_websocket().await));
    let mut socket = gateway.connect().await;
    let fields =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n";
    socket.write_all(format!("GET /chat HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, socket.read_u8()).await.expect("in time").expect("a head"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    let mut other = gateway.connect().await;
    let closed = timeout(SOON, other.read(&mut [0; 1])).await.expect("in time");
    assert!(
        closed.is_err() || matches!(closed, Ok(0)),
        "its client has the one connection that it may have: {closed:?}"
    );

    let stopped = tokio::spawn(gateway.server.shutdown());
    let mut rest = Vec::new();
    timeout(SOON, socket.read_to_end(&mut rest)).await.expect("it ends").expect("without a reset");
    assert_eq!(rest[..4], [0x88, 18, 0x03, 0xe9], "1001 and a reason: {rest:?}");
    drop(socket);
    timeout(SOON, stopped).await.expect("it is not waited for until the deadline").expect("no panic");
}

#[tokio::test]
async fn the_same_keys_serve_after_a_restart() {
    let echo = Echo::start().await;
    let keys = tempfile::tempdir().expect("a folder");
    let text =
        format!("upstream = {:?}\nkey_dir = {:?}\nprotocol = {{ strict_settlement = false }}", echo.url, keys.path());
    let first = Gateway::start(&text);
    let credential = first.buy("GET", "/").await;
    first.server.shutdown().await;
    let second = Gateway::start(&text);
    assert_eq!(second.ask("GET", "/", &[("Authorization", &credential)]).await.status, 200);
}
