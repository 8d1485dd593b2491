//! An Esplora server, and the little of HTTP that the servers of these tests speak.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// An Esplora server that has had too many requests.
pub(crate) struct Esplora {
    pub(crate) url: String,
    pub(crate) open: Arc<AtomicBool>,
}

impl Esplora {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let open = Arc::new(AtomicBool::new(false));
        let opened = Arc::clone(&open);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (status, body) = if opened.load(Ordering::Relaxed) {
                    ("200 OK", "{\"1\":2.0,\"6\":1.5,\"144\":1.0}")
                } else {
                    ("429 Too Many Requests", "slow down")
                };
                thread::spawn(move || answer(stream, status, body));
            }
        });
        Self { url, open }
    }
}

/// Reads the head of a request and answers it.
pub(crate) fn answer(mut stream: TcpStream, status: &str, body: &str) {
    let begun = Instant::now();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && begun.elapsed() < MOST {
        match stream.read(&mut byte) {
            Ok(1) => head.extend(byte),
            _ => return,
        }
    }
    let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes());
}

/// The longest that a client may take.
const MOST: Duration = Duration::from_mins(2);
