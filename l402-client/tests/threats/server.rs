//! A server that says what a test wants, and keeps every byte that it is sent.

use core::fmt::Write;
use core::net::SocketAddr;
use l402_core::{ChallengeLine, DerivedKeys, MasterKey, Msat, Name, Offer, PaymentHash, TokenText};
use l402_lightning::Invoice;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Say = dyn Fn(&str) -> String + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers every request, which ends with its head, with these bytes.
    pub(crate) async fn start(say: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, say): (_, Arc<Say>) = (Arc::clone(&server.seen), Arc::new(say));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&say)));
            }
        });
        server
    }

    /// Demands payment of everybody who shows no credential, and serves everybody who shows one.
    pub(crate) async fn sell(demand: String) -> Self {
        Self::start(move |request| if has_credential(request) { ok("sold") } else { demand.clone() }).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The credentials that it was shown.
    pub(crate) fn credentials(&self) -> Vec<String> {
        let seen = self.seen();
        let lines = seen.iter().flat_map(|request| request.lines());
        lines.filter_map(|line| line.strip_prefix("authorization: ")).map(str::to_owned).collect()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, say: Arc<Say>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    seen.lock().unwrap().push(request.clone());
    let _ = stream.write_all(say(&request).as_bytes()).await; // a client may leave
}

pub(crate) fn has_credential(request: &str) -> bool {
    request.contains("\r\nauthorization: ")
}

pub(crate) fn ok(body: &str) -> String {
    answer("200 OK", &[], body)
}

pub(crate) fn moved(status: &str, location: &str) -> String {
    answer(status, &[format!("Location: {location}")], "")
}

/// A 402 that sells a token for this payment, beside this invoice.
pub(crate) fn demand(invoice: &Invoice, bought: &PaymentHash, body: &str) -> String {
    let [lsat, l402] = lines(invoice, bought);
    answer("402 Payment Required", &[lsat, l402], body)
}

/// The two challenge lines.
pub(crate) fn lines(invoice: &Invoice, bought: &PaymentHash) -> [String; 2] {
    let offer = Offer::new(Name::new("a").unwrap(), Msat::new(1));
    let mut text = TokenText::new();
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    let token = keys.mint(&offer, bought, [1; 28], 4_000_000_000.into(), &mut text).unwrap();
    ChallengeLine::both(token, invoice.bolt11()).map(|line| format!("WWW-Authenticate: {line}"))
}

pub(crate) fn answer(status: &str, fields: &[String], body: &str) -> String {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for field in fields {
        write!(head, "{field}\r\n").unwrap();
    }
    head + "\r\n" + body
}
