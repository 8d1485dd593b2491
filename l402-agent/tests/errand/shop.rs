//! A server that sells, and the buyer's folder and wallet.

use core::time::Duration;
use l402_agent::Agent;
use l402_agent::store::budget::{MAIN, NewBudget};
use l402_core::Msat;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::purchase::Limits;
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{InvoiceRequest, InvoiceSource};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server, and what it has received.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) origin: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    /// Sells everything but `/free` for 21 sat, to who presents some token of it.
    pub(crate) async fn open(payee: FakeNode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let shop = Self { origin, seen: Arc::default() };
        let selling = shop.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(selling.clone().serve(stream, payee.clone()));
            }
        });
        shop
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Returns the requests, in lower case.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn serve(self, mut stream: TcpStream, payee: FakeNode) {
        let Some(request) = read(&mut stream).await else { return };
        self.seen.lock().unwrap().push(request.clone());
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let is_paid = request.contains("authorization: l402 ");
        let (response, stays) = match path.as_str() {
            "/free" => (ok("free"), false),
            away if away.starts_with("/away?") => {
                let location = &away["/away?".len()..];
                (format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"), false)
            }
            _ if !is_paid => (self.charge(&payee).await, false),
            "/refuses" => (self.charge(&payee).await, false),
            "/echo" => (ok(request.split_once("\r\n\r\n").unwrap_or_default().1), false),
            "/moved" => ("HTTP/1.1 302 Found\r\nlocation: /free\r\ncontent-length: 0\r\n\r\n".to_owned(), false),
            "/long" => (ok(&"x".repeat(100_000)), false),
            "/endless" => ("HTTP/1.1 200 OK\r\n\r\n".to_owned() + &"x".repeat(100_000), false),
            "/broken" => ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsunny".to_owned(), false),
            "/hangs" => ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsunny".to_owned(), true),
            _ => (ok("sunny"), false),
        };
        let _ = stream.write_all(response.as_bytes()).await; // who asked may have gone
        if stays {
            let _ = stream.read(&mut [0]).await;
        }
    }

    async fn charge(&self, payee: &FakeNode) -> String {
        let asked =
            InvoiceRequest { amount_msat: Msat::from_sat(21), description: "weather", expiry: Duration::from_mins(5) };
        let invoice = payee.create_invoice(asked).await.unwrap();
        let (mut bytes, mut text) = ([0; 256], [0; 512]);
        let token = mint(&RootKey::new(b"root"), b"", b"some id", &[], &mut bytes).unwrap();
        let token = base64::encode_into(token.as_bytes(), &mut text).unwrap();
        format!(
            "HTTP/1.1 402 Payment Required\r\nconnection: close\r\ncontent-length: 0\r\n\
             www-authenticate: L402 token=\"{token}\", invoice=\"{}\"\r\n\r\n",
            invoice.bolt11()
        )
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\nx-a: 1\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
}

/// A buyer's folder and wallet, beside a shop.
pub(crate) struct World {
    pub(crate) wallet: FakeNode,
    pub(crate) shop: Shop,
    pub(crate) data: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let network = FakeNetwork::new();
        let shop = Shop::open(network.node()).await;
        Self { wallet: network.node(), shop, data: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn agent(&self) -> Agent<FakeNode> {
        let builder = Agent::builder(self.data.path().join("data"), self.wallet.clone(), "fake");
        builder.max_fee(Msat::ZERO).build().unwrap()
    }

    /// Makes a budget, and returns an agent that pays from it.
    pub(crate) fn budget(&self, name: &str, total_sat: u64) -> Agent<FakeNode> {
        let agent = self.agent();
        let limits = Limits { total_msat: Some(Msat::from_sat(total_sat)), ..Limits::default() };
        let new = NewBudget { name: name.parse().unwrap(), parent: MAIN.to_owned(), limits, expires_in: None };
        agent.with_budget(agent.budgets().make(&new).unwrap())
    }
}
