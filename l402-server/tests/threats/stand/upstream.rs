//! An upstream that keeps every byte that it is sent.

use core::time::Duration;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

pub(crate) struct Upstream {
    url: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self { url: format!("http://{}", listener.local_addr().unwrap()), seen: Arc::default() };
        let seen = Arc::clone(&upstream.seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen)));
            }
        });
        upstream
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What came on each connection so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// What came since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        let seen = self.seen();
        self.seen.lock().unwrap().clear();
        seen
    }
}

/// Serves one request, and notes all that came with it before it answers.
async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Vec<u8>>>>) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while !is_whole(&bytes) {
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    if bytes.is_empty() {
        return; // the gateway connected in advance
    }
    let wants_websocket = String::from_utf8_lossy(&bytes).to_ascii_lowercase().contains("upgrade: websocket");
    let wants_all = bytes.starts_with(b"GET /v1/past/endless ");
    seen.lock().unwrap().push(bytes);
    if wants_websocket {
        let _ = stream.write_all(WEBSOCKET).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
        return;
    }
    if wants_all {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
        while stream.write_all(b"more\n").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
        return;
    }
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nserved").await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    if !rest.is_empty() {
        seen.lock().unwrap().push(rest); // what no answer was waited for is seen too
    }
}

/// Agrees to a WebSocket, and greets.
const WEBSOCKET: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n\x81\x05hello";

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.contains("transfer-encoding: chunked") {
        return (body.starts_with("0\r\n") || body.contains("\r\n0\r\n")) && body.ends_with("\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
