//! P8: a WebSocket ends with the token that opened it.

use crate::stand::{Stand, request};
use core::time::Duration;
use std::time::SystemTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw=="),
];

/// Opens a WebSocket and reads the upstream's greeting.
async fn open(stand: &Stand, credential: &str) -> TcpStream {
    let mut stream = TcpStream::connect(stand.address()).await.unwrap();
    let fields: Vec<_> = UPGRADE.into_iter().chain([("Authorization", credential)]).collect();
    let head = request("GET", "/v1/now", &fields).replacen("Connection: close\r\n", "", 1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(b"\x81\x05hello") {
        let byte = timeout(SOON, stream.read_u8()).await.expect("a greeting in time");
        read.push(byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&read))));
    }
    assert!(read.starts_with(b"HTTP/1.1 101 "), "{:?}", String::from_utf8_lossy(&read));
    stream
}

#[tokio::test]
async fn p8_a_websocket_ends_with_its_attenuated_token_and_says_so() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await;
    let mut whole = open(&stand, &bought.credential()).await;
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let short = bought.with(format!("maps_valid_until={}", now + 4));
    let mut shortened = open(&stand, &short.credential()).await;
    let mut rest = Vec::new();
    timeout(SOON, shortened.read_to_end(&mut rest)).await.expect("it ends by itself").unwrap();
    assert_eq!(rest[..4], [0x88, 21, 0x03, 0xf0], "1008 and a reason: {rest:?}");
    assert!(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() >= now + 4, "not before its time");
    drop(shortened);

    // The same token without the caveat is good for an hour.
    whole.write_all(b"\x81\x80\0\0\0\0").await.unwrap();
    let silent = timeout(Duration::from_millis(100), whole.read_u8()).await;
    assert!(silent.is_err(), "{silent:?}");
    let after = stand.present("GET", "/v1/now", &short.credential()).await;
    assert_eq!(after.status, 402, "{}", after.text());
}

#[tokio::test]
async fn p8_a_stream_without_end_ends_some_time_after_its_token() {
    let stand = Stand::with("timeouts = { after_grant = \"1s\" }").await;
    let bought = stand.buy("GET", "/v1/past/endless").await;
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let short = bought.with(format!("maps_valid_until={}", now + 3));
    let answer = timeout(SOON, stand.present("GET", "/v1/past/endless", &short.credential())).await;
    let answer = answer.expect("it ends by itself");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.body.contains("more\n"), "{}", answer.text());
    assert!(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() >= now + 4, "not before its time");
    // Cut short, and not ended as if it were whole.
    assert!(!answer.body.ends_with("0\r\n\r\n"), "{}", answer.text());
}
