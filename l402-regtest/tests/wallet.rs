//! The wallet server: who may use it, and that nothing of a payment's outcome is lost on the way.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, too")]
#![expect(clippy::similar_names, reason = "payee and payer are the field's own words")]

use core::time::Duration;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use l402_core::{Msat, PaymentHash};
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode, conformance};
use l402_lightning::{Invoice, InvoiceRequest, InvoiceSource as _, NodeId, PayError, PayLimit, PaymentSource as _};
use l402_regtest::wallet::WalletServer;
use l402_sandbox::{DiscoverError, ErrorKind, ErrorReply, SandboxFile, SandboxWallet};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A wallet of a fake node behind a real server.
struct Bench {
    payee: FakeNode,
    payer: FakeNode,
    server: WalletServer,
    wallet: SandboxWallet,
    dir: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let network = FakeNetwork::new();
        let (payee, payer) = (network.node(), network.node());
        let dir = tempfile::tempdir().unwrap();
        let server = serve(&payer, dir.path().join("wallet.json"));
        let wallet = SandboxWallet::discover(Some(server.path())).await.unwrap();
        Self { payee, payer, server, wallet, dir }
    }

    fn file(&self) -> SandboxFile {
        SandboxFile::read(self.server.path()).unwrap()
    }

    async fn invoice(&self) -> Invoice {
        let request =
            InvoiceRequest { amount_msat: Msat::new(21_000), description: "l402", expiry: Duration::from_mins(5) };
        self.payee.create_invoice(request).await.unwrap()
    }

    /// Sends `head` and `body` as they are; returns the status and the error in the answer.
    async fn raw(&self, head: &str, body: &str) -> (u16, ErrorKind) {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let length = body.len();
        let request = format!("{head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(!answer.contains(self.file().secret.as_str()));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let reply: ErrorReply = serde_json::from_str(body).unwrap();
        (head[9..12].parse().unwrap(), reply.error)
    }
}

fn serve(payer: &FakeNode, path: PathBuf) -> WalletServer {
    WalletServer::start(payer.clone(), payer.node_id(), path).unwrap()
}

impl conformance::Harness for Bench {
    type Payee = FakeNode;
    type Payer = SandboxWallet;

    fn payee(&self) -> &FakeNode {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        Some(self.payee.node_id())
    }

    fn payer(&self) -> &SandboxWallet {
        &self.wallet
    }

    fn too_much_msat(&self) -> Option<Msat> {
        None
    }
}

#[tokio::test]
async fn the_wallet_keeps_every_promise_of_a_payment_source() {
    let bench = Bench::new().await;
    assert_eq!(bench.wallet.node_id(), bench.payer.node_id());
    conformance::all(&bench).await;
}

#[tokio::test]
async fn a_failure_is_the_same_on_both_sides() {
    let bench = Bench::new().await;
    let limit = PayLimit { timeout: Duration::from_millis(50), ..PayLimit::fee(Msat::ZERO) };
    for fault in [FakeFault::NoRoute, FakeFault::Unreachable, FakeFault::LoseOutcome, FakeFault::Hang] {
        bench.payer.misbehave(fault);
        let direct = bench.payer.pay(&bench.invoice().await, limit).await.unwrap_err();
        let served = bench.wallet.pay(&bench.invoice().await, limit).await.unwrap_err();
        assert_eq!(ErrorKind::of(&direct), ErrorKind::of(&served), "{fault:?}");
        assert_eq!(direct.is_unknown(), served.is_unknown(), "{fault:?}");
    }
    let hash = PaymentHash::from_bytes([1; 32]);
    bench.payer.misbehave(FakeFault::Unreachable);
    bench.wallet.payment(&hash).await.unwrap_err();
}

#[tokio::test]
async fn o1_only_the_secret_opens_the_wallet() {
    let bench = Bench::new().await;
    let mut file = bench.file();
    assert_eq!(file.secret.len(), 64);
    for wrong in ["0".repeat(64), file.secret[..63].to_owned(), format!("{}0", *file.secret)] {
        file.secret = wrong.into();
        assert!(SandboxWallet::connect(&file).await.is_err());
    }
    let host = format!("host: {}", bench.server.address());
    let refused = (401, ErrorKind::Unauthorized);
    assert_eq!(bench.raw(&format!("GET /v1/info HTTP/1.1\r\n{host}"), "").await, refused);
    assert_eq!(bench.raw(&format!("POST /v1/pay HTTP/1.1\r\n{host}"), "{}").await, refused);
    assert_eq!(bench.payer.payments_sent(), 0);
}

#[tokio::test]
async fn o1_another_host_is_refused() {
    let bench = Bench::new().await;
    let bearer = format!("authorization: Bearer {}", *bench.file().secret);
    let port = bench.server.address().port();
    for host in ["example.com".to_owned(), format!("localhost:{port}"), "127.0.0.1".to_owned()] {
        let head = format!("GET /v1/info HTTP/1.1\r\nhost: {host}\r\n{bearer}");
        assert_eq!(bench.raw(&head, "").await, (400, ErrorKind::BadRequest), "{host}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    let bench = Bench::new().await;
    let access = format!("host: {}\r\nauthorization: Bearer {}", bench.server.address(), *bench.file().secret);
    let send = |request: &str, body: &'static str| {
        let head = format!("{request} HTTP/1.1\r\n{access}");
        let bench = &bench;
        async move { bench.raw(&head, body).await }
    };
    let bad = (400, ErrorKind::BadRequest);
    let missing = (404, ErrorKind::NotFound);
    assert_eq!(send("GET /", "").await, missing);
    assert_eq!(send("GET /v1/pay", "").await, missing);
    assert_eq!(send("POST /v1/pay", "").await, bad);
    let invoice = r#"{"invoice":"lnbcrt1","max_fee_msat":0,"max_cltv_expiry_delta":0,"timeout_ms":0}"#;
    assert_eq!(send("POST /v1/pay", invoice).await, bad);
    assert_eq!(send("GET /v1/payments/00", "").await, bad);
}

#[tokio::test]
async fn o2_the_secret_is_its_owners_and_goes_with_the_server() {
    let bench = Bench::new().await;
    let path = bench.server.path().to_owned();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A younger server takes the place; the elder leaves its file alone.
    let younger = serve(&bench.payer, path.clone());
    drop(bench.server);
    let wallet = SandboxWallet::discover(Some(&path)).await.unwrap();
    assert_eq!(wallet.node_id(), bench.payer.node_id());
    drop(younger);
    assert!(!path.exists());
    let gone = SandboxWallet::discover(Some(&path)).await;
    assert!(matches!(gone, Err(DiscoverError::File(_))));
    assert_eq!(std::fs::read_dir(bench.dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_server_that_ends_leaves_the_payment_unknown() {
    let bench = Bench::new().await;
    bench.payer.misbehave(FakeFault::Hang);
    let invoice = bench.invoice().await;
    let wallet = bench.wallet.clone();
    let payment = tokio::spawn(async move { wallet.pay(&invoice, PayLimit::fee(Msat::ZERO)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let server = bench.server;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
    assert!(matches!(payment.await.unwrap(), Err(PayError::Unknown(_))));
}
