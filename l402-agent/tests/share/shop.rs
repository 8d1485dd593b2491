//! A shop whose tokens have as many uses as the path says, and a wallet that takes its time.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::{Identifier, Msat, PaymentHash, TokenId};
use l402_lightning::testing::FakeNode;
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, LookupError, Network, Paid, PayError, PayLimit, PaymentSource,
    PaymentStatus,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Sells `/N` with N uses, `/unlimited`, and `/never`, which no token opens.
#[derive(Clone)]
pub(crate) struct Shop {
    address: String,
    inner: Arc<Inner>,
}

struct Inner {
    payee: FakeNode,
    left: Mutex<HashMap<String, u64>>,
    minted: AtomicU64,
    refusals: AtomicUsize,
    served: AtomicUsize,
    keys: Mutex<Vec<String>>,
    tells: Mutex<String>,
    /// How long the answers take.
    takes: Mutex<Duration>,
}

impl Shop {
    pub(crate) async fn open(payee: FakeNode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Inner {
            payee,
            left: Mutex::default(),
            minted: AtomicU64::new(0),
            refusals: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            keys: Mutex::default(),
            tells: Mutex::default(),
            takes: Mutex::new(Duration::from_millis(5)),
        };
        let shop = Self { address: listener.local_addr().unwrap().to_string(), inner: Arc::new(inner) };
        let inner = Arc::clone(&shop.inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&inner)));
            }
        });
        shop
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn refusals(&self) -> usize {
        self.inner.refusals.load(Ordering::SeqCst)
    }

    pub(crate) fn served(&self) -> usize {
        self.inner.served.load(Ordering::SeqCst)
    }

    /// The `Idempotency-Key` of each request with a token.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.inner.keys.lock().unwrap().clone()
    }

    /// What answers say is left from now on.
    pub(crate) fn tells(&self, left: &str) {
        left.clone_into(&mut self.inner.tells.lock().unwrap());
    }

    pub(crate) fn takes(&self, time: Duration) {
        *self.inner.takes.lock().unwrap() = time;
    }
}

async fn answer(mut stream: TcpStream, shop: Arc<Inner>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let field = |name: &str| {
        let line = request.lines().find(|line| line.to_lowercase().starts_with(name))?;
        Some(line.split_once(": ")?.1.to_owned())
    };
    let token = field("authorization").map(|field| field[5..].split(':').next().unwrap().to_owned());
    let response = match token {
        Some(token) => {
            shop.keys.lock().unwrap().push(field("idempotency-key").unwrap_or_default());
            if shop.take(&token) { shop.serve().await } else { shop.refuse(&path).await }
        }
        None => shop.demand(&path).await,
    };
    let _ = stream.write_all(response.as_bytes()).await; // the caller may have gone
}

impl Inner {
    fn take(&self, token: &str) -> bool {
        let mut all = self.left.lock().unwrap();
        let left = all.get_mut(token).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }

    async fn serve(&self) -> String {
        let time = *self.takes.lock().unwrap();
        sleep(time).await;
        self.served.fetch_add(1, Ordering::SeqCst);
        let told = self.tells.lock().unwrap().clone();
        let told = if told.is_empty() { told } else { format!("x-l402-remaining: {told}\r\n") };
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{told}content-length: 5\r\n\r\nsunny")
    }

    async fn refuse(&self, path: &str) -> String {
        self.refusals.fetch_add(1, Ordering::SeqCst);
        self.demand(path).await
    }

    async fn demand(&self, path: &str) -> String {
        let asked = InvoiceRequest { amount_msat: Msat::new(21_000), description: "", expiry: Duration::from_mins(5) };
        let invoice = self.payee.create_invoice(asked).await.unwrap();
        let mut id = [0; 32];
        id[..8].copy_from_slice(&self.minted.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        let id = Identifier::new(invoice.payment_hash(), TokenId::from_bytes(id)).to_bytes();
        let uses: Option<u64> = path[1..].parse().ok();
        let caveat = uses.map(|uses| format!("a_uses={uses}"));
        let caveats: Vec<&[u8]> =
            [&b"services=a:0"[..]].into_iter().chain(caveat.as_deref().map(str::as_bytes)).collect();
        let (mut bytes, mut text) = ([0; 256], [0; 512]);
        let token = mint(&RootKey::new(b"root"), b"", &id, &caveats, &mut bytes).unwrap();
        let token = base64::encode_into(token.as_bytes(), &mut text).unwrap();
        let uses = if path == "/never" { 0 } else { uses.unwrap_or(u64::MAX) };
        self.left.lock().unwrap().insert(token.to_owned(), uses);
        format!(
            "HTTP/1.1 402 Payment Required\r\nconnection: close\r\ncontent-length: 0\r\n\
             www-authenticate: L402 token=\"{token}\", invoice=\"{}\"\r\n\r\n",
            invoice.bolt11()
        )
    }
}

/// A wallet whose payments take a while.
pub(crate) struct Slow {
    node: FakeNode,
    takes: Duration,
    /// How long after the payment its outcome is told.
    tells: Mutex<Duration>,
}

impl Slow {
    pub(crate) fn new(node: FakeNode, takes: Duration) -> Self {
        Self { node, takes, tells: Mutex::default() }
    }

    /// From now on, outcomes are told so late.
    pub(crate) fn tells_after(&self, time: Duration) {
        *self.tells.lock().unwrap() = time;
    }

    pub(crate) fn payments_sent(&self) -> usize {
        self.node.payments_sent()
    }
}

impl PaymentSource for Slow {
    fn network(&self) -> Network {
        self.node.network()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        sleep(self.takes).await;
        let paid = self.node.pay(invoice, limit).await;
        let tells = *self.tells.lock().unwrap();
        sleep(tells).await;
        paid
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.node.payment(hash).await
    }
}
