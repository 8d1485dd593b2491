//! Clients that see each byte: HTTP/1.1 by hand, so that a client knows whether a head has come, and whether its body is whole.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a client was left with.
#[derive(Debug, Clone)]
pub(crate) enum Got {
    /// Nobody took the request.
    Refused,
    /// No head has come: the client went, or the gateway did.
    Nothing,
    /// A head has come.
    Answer(Answer),
}

/// A response.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The header, in small letters.
    head: String,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The `reason` of a response of the gateway's own.
    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the upstream has answered, and not the gateway.
    pub(crate) fn is_served(&self) -> bool {
        self.field("x-served").is_some()
    }

    /// How many bytes of the body have come.
    pub(crate) const fn received(&self) -> usize {
        self.body.len()
    }

    /// Whether all of the body has come.
    pub(crate) fn is_whole(&self) -> bool {
        self.field("content-length").and_then(|length| length.parse().ok()) == Some(self.body.len())
    }
}

#[cfg(test)]
impl Answer {
    /// One of the upstream, of which so many bytes have come.
    pub(crate) fn served(received: usize, length: usize) -> Self {
        Self { status: 200, head: format!("x-served: 1\ncontent-length: {length}\n"), body: vec![b'.'; received] }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.field("x-l402").unwrap_or_default();
        write!(f, "{} {word} {} served: {}", self.status, self.reason(), self.is_served())
    }
}

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Lines of the header, each with its end.
    pub(crate) fields: String,
    pub(crate) body: String,
    /// After so long the client goes.
    pub(crate) goes: Option<Duration>,
}

impl Asking {
    pub(crate) fn get(path: &'static str) -> Self {
        Self { method: "GET", path, fields: String::new(), body: String::new(), goes: None }
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields = format!("{}{name}: {value}\r\n", self.fields);
        self
    }

    /// Sends it, and calls back once the head of the response has come.
    pub(crate) async fn send(&self, to: SocketAddr, at_head: impl FnOnce() + Send) -> Got {
        let Ok(stream) = TcpStream::connect(to).await else { return Got::Refused };
        let asked = self.ask(stream, at_head);
        match self.goes {
            Some(goes) => timeout(goes, asked).await.unwrap_or(Got::Nothing),
            None => asked.await,
        }
    }

    async fn ask(&self, mut stream: TcpStream, at_head: impl FnOnce() + Send) -> Got {
        let Self { method, path, fields, body, .. } = self;
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let text = format!("{method} {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{length}{fields}\r\n{body}");
        if stream.write_all(text.as_bytes()).await.is_err() {
            return Got::Nothing;
        }
        let Some((head, mut body)) = read_head(&mut stream).await else { return Got::Nothing };
        at_head();
        let _ = stream.read_to_end(&mut body).await; // what is missing shows in the length
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Got::Answer(Answer { status, head, body })
    }
}

/// Reads up to the end of a header: that, and what has come of the body; [`None`] where it ends before.
pub(crate) async fn read_head(stream: &mut TcpStream) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Some((read, rest));
        }
        match stream.read_buf(&mut read).await {
            Ok(1..) => {}
            _ => return None,
        }
    }
}
