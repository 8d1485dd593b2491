//! Kept answers behind a real gateway: over real sockets, in real files, and over a restart.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use l402_core::{CredentialLine, Msat, Offer, Preimage, Scheme, Uses};
use l402_gateway::settings::{PricedRoute, Service, Settings};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_http::proxy::UpstreamConfig;
use l402_ledger::{Ledger, testing::FakeStore};
use l402_lightning::testing::FakeNetwork;
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource, unix_now};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// An upstream that sends the second half of an answer when it may.
#[derive(Clone)]
struct Upstream {
    calls: Arc<AtomicUsize>,
    may: Arc<Semaphore>,
}

impl Upstream {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, this) = (listener.local_addr().unwrap(), self.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(this.clone().answer(stream));
            }
        });
        address
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return, // the gateway connected in advance
            }
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\nset-cookie: a=b\r\ncontent-length: 10\r\n\r\nfirst";
        stream.write_all(head.as_bytes()).await.unwrap();
        self.may.acquire().await.unwrap().forget();
        stream.write_all(b" last").await.unwrap();
    }
}

/// A gateway that can be started again on the same directory.
struct Stand {
    data: tempfile::TempDir,
    network: FakeNetwork,
    store: FakeStore,
    upstream: SocketAddr,
    total: u64,
}

impl Stand {
    async fn new(upstream: &Upstream, total: u64) -> Self {
        let (store, now) = (FakeStore::new(), unix_now().get());
        store.turn_back(Duration::from_secs(1_800_000_000_u64.saturating_sub(now)));
        store.pass(Duration::from_secs(now.saturating_sub(1_800_000_000)));
        let (data, network) = (tempfile::tempdir().unwrap(), FakeNetwork::new());
        Self { data, network, store, upstream: upstream.start().await, total }
    }

    fn start(&self) -> (Server, LedgerKeeper) {
        let origin = format!("http://{}", self.upstream).parse().unwrap();
        let mut service = Service::new("plannt".parse().unwrap(), UpstreamConfig::new(&origin).unwrap());
        let offer = Offer::new(service.name.clone(), Msat::from_sat(21)).uses(Uses::times(2).unwrap());
        let mut route = PricedRoute::new("/seed", offer);
        route.keep_answer = Some(Duration::from_mins(10));
        service.routes.push(route);
        let mut settings = Settings::new(self.data.path(), vec![service]).unwrap();
        settings.listen = "127.0.0.1:0".parse().unwrap();
        settings.limits.keep_total = self.total;
        let payee = Payee::new(self.network.node(), Network::Regtest);
        let keeper = LedgerKeeper::start(Ledger::new(self.store.clone()));
        (Server::bind(&settings).unwrap().ledger(&keeper).serve(&settings, &payee).unwrap(), keeper)
    }

    /// Buys a token, and returns its line.
    async fn buy(&self, gateway: SocketAddr) -> String {
        let challenge = send(gateway, "").await;
        let terms: serde_json::Value = serde_json::from_str(challenge.split_once("\r\n\r\n").unwrap().1).unwrap();
        let invoice = Invoice::parse(terms["invoice"].as_str().unwrap()).unwrap();
        let preimage: Preimage = self.network.node().pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap().preimage;
        let token = terms["token"].as_str().unwrap();
        format!("authorization: {}\r\n", CredentialLine { scheme: Scheme::L402, token, preimage: &preimage })
    }

    fn files(&self) -> Vec<PathBuf> {
        files(&self.data.path().join("answers"))
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

async fn begin(to: SocketAddr, fields: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!("POST /seed HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n{fields}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn send(to: SocketAddr, fields: &str) -> String {
    let (mut stream, mut answer) = (begin(to, fields).await, String::new());
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_string(&mut answer)).await;
    read.expect("an answer in time").unwrap();
    answer
}

fn upstream(permits: usize) -> Upstream {
    Upstream { calls: Arc::default(), may: Arc::new(Semaphore::new(permits)) }
}

fn is_kept(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 ") && answer.contains("x-l402: kept\r\n") && answer.ends_with("\r\n\r\nfirst last")
}

#[tokio::test]
async fn s4_a_client_that_left_in_the_middle_gets_the_whole_also_after_a_restart() {
    let upstream = upstream(0);
    let stand = Stand::new(&upstream, 1 << 20).await;
    let (server, keeper) = stand.start();
    let paid = stand.buy(server.address()).await + "idempotency-key: one\r\n";
    let (mut leaves, mut read) = (begin(server.address(), &paid).await, Vec::new());
    while !read.ends_with(b"first") {
        read.push(leaves.read_u8().await.unwrap());
    }
    drop(leaves);
    upstream.may.add_permits(1);
    let again = send(server.address(), &paid).await;
    assert!(is_kept(&again) && !again.contains("set-cookie"), "{again}");
    let [file] = &stand.files()[..] else { panic!("{:?}", stand.files()) };
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(file).unwrap();
    assert!(!bytes.windows(5).any(|part| part == b"first"), "sealed");
    server.shutdown().await;
    drop(keeper);

    let folder = stand.data.path().join("answers");
    fs::write(folder.join("0".repeat(64)), &bytes[..10]).unwrap();
    fs::write(folder.join("torn.new"), b"").unwrap();
    let (server, _keeper) = stand.start();
    assert_eq!(stand.files().len(), 1, "what is torn is gone");
    for _ in 0..2 {
        let again = send(server.address(), &paid).await;
        assert!(is_kept(&again), "{again}");
    }
    let fourth = send(server.address(), &paid).await;
    assert!(fourth.starts_with("HTTP/1.1 409 ") && fourth.contains("\"key-held\""), "{fourth}");
    assert_eq!(upstream.calls.load(Ordering::SeqCst), 1);
    server.shutdown().await;
}

#[tokio::test]
async fn s4_where_nothing_can_be_kept_answers_come_all_the_same() {
    for total in [0, 1 << 20] {
        let upstream = upstream(2);
        let stand = Stand::new(&upstream, total).await;
        let (server, _keeper) = stand.start();
        if total > 0 {
            fs::remove_dir(stand.data.path().join("answers")).unwrap(); // every write fails
        }
        let paid = stand.buy(server.address()).await + "idempotency-key: one\r\n";
        for left in [1, 0] {
            let answer = send(server.address(), &paid).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("first last"), "{answer}");
            assert!(answer.contains(&format!("x-l402-remaining: {left}\r\n")), "{answer}");
        }
        assert_eq!(upstream.calls.load(Ordering::SeqCst), 2, "none was kept");
        server.shutdown().await;
    }
}

/// Serves a request whose answer is kept in a file, and starts again without that file. Returns the credential and the path that the
/// writer begins its next file at.
async fn forgotten(stand: &Stand) -> (String, PathBuf) {
    let (server, keeper) = stand.start();
    let paid = stand.buy(server.address()).await + "idempotency-key: one\r\n";
    assert!(send(server.address(), &paid).await.contains("x-l402-remaining: 1\r\n"));
    assert!(is_kept(&send(server.address(), &paid).await));
    server.shutdown().await;
    drop(keeper);
    let [file] = &stand.files()[..] else { panic!("{:?}", stand.files()) };
    fs::remove_file(file).unwrap();
    (paid, file.with_extension("new"))
}

#[tokio::test]
async fn s4_a_full_disk_costs_nobody_an_answer() {
    let stand = Stand::new(&upstream(2), 1 << 20).await;
    let (paid, next) = forgotten(&stand).await;
    symlink("/dev/full", &next).unwrap(); // every write says ENOSPC
    let (server, _keeper) = stand.start();
    let second = send(server.address(), &paid).await;
    assert!(second.starts_with("HTTP/1.1 200 ") && second.ends_with("first last"), "{second}");
    assert!(second.contains("x-l402: spent\r\n"), "{second}");
    let third = send(server.address(), &paid).await;
    assert!(third.starts_with("HTTP/1.1 402 ") && third.contains("\"spent\""), "nothing was kept: {third}");
    assert_eq!(stand.files(), [] as [PathBuf; 0], "what could not be written is gone");
    server.shutdown().await;
}

/// More requests than the writer's queue has places, each of a token of its own.
#[tokio::test]
async fn s4_a_disk_that_hangs_delays_no_answer() {
    let stand = Stand::new(&upstream(400), 1 << 20).await;
    let (paid, next) = forgotten(&stand).await;
    assert!(Command::new("mkfifo").arg(&next).status().unwrap().success()); // the writer waits until somebody reads
    let (server, _keeper) = stand.start();
    assert!(send(server.address(), &paid).await.contains("x-l402: spent\r\n"));
    for _ in 0..300 {
        let paid = stand.buy(server.address()).await + "idempotency-key: one\r\n";
        let answer = send(server.address(), &paid).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("first last"), "{answer}");
        assert!(answer.contains("x-l402-remaining: 1\r\n"), "{answer}");
    }
    assert_eq!(stand.files(), core::slice::from_ref(&next), "the writer has not come past its first file");
    fs::read(&next).unwrap(); // it goes on
    server.shutdown().await;
}
