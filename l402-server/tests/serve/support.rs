//! A gateway with a fake node, upstreams that say what they were sent, and a client that shows every byte.

use core::net::SocketAddr;
use core::time::Duration;
use l402_core::{Challenge, CredentialLine, Msat};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_ledger::Ledger;
use l402_ledger::embedded::{Durability, Embedded};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource};
use l402_server::config::Config;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A gateway under test.
pub(crate) struct Gateway {
    pub(crate) server: Server,
    pub(crate) keeper: LedgerKeeper,
    wallet: FakeNode,
    data: TempDir,
}

impl Gateway {
    /// Starts a gateway from the text of a configuration.
    pub(crate) fn start(text: &str) -> Self {
        Self::start_with(text, false)
    }

    /// Starts one whose node stores its invoices, or not.
    pub(crate) fn start_with(text: &str, stores_invoices: bool) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let text = format!("listen = \"127.0.0.1:0\"\nthreads = 2\ndata_dir = \"{}\"\n{text}", data.path().display());
        let secrets = |name: &str| (name == "UPSTREAM_KEY").then(|| "upstream-canary".to_owned());
        let config = Config::from_text(&text, &secrets).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let network = FakeNetwork::new();
        let node = network.node();
        node.store_invoices(stores_invoices);
        let payee = Payee::new(node.clone(), Network::Regtest).id(node.node_id());
        let ledger = Embedded::open_or_create(&data.path().join("ledger"), Durability::Process).expect("a ledger");
        let keeper = LedgerKeeper::start(Ledger::new(ledger));
        let bound = Server::bind(&config.settings).expect("bound").ledger(&keeper);
        let server = bound.serve(&config.settings, &payee).expect("a server");
        Self { server, keeper, wallet: network.node(), data }
    }

    /// Stops, and returns its directory.
    pub(crate) async fn stop(self) -> TempDir {
        self.server.shutdown().await;
        self.data
    }

    /// The directory of the key file.
    pub(crate) fn key_dir(&self) -> std::path::PathBuf {
        self.data.path().join("keys")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Sends a request with these fields and reads the answer to its end.
    pub(crate) async fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)]) -> Answer {
        let mut stream = self.connect().await;
        send(&mut stream, method, target, fields).await;
        Answer::read(&mut stream).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.expect("a connection")
    }

    /// Buys a token for a route, and returns the value of `Authorization`.
    pub(crate) async fn buy(&self, method: &str, target: &str) -> String {
        let answer = self.ask(method, target, &[]).await;
        assert_eq!(answer.status, 402, "{}", answer.text);
        let lines = answer.fields("www-authenticate");
        let challenge = Challenge::select(lines.iter().map(|line| line.as_bytes())).expect("a challenge");
        let text = |value: l402_core::ParamValue<'_>| value.as_str().expect("plain").to_owned();
        let invoice = Invoice::parse(&text(challenge.invoice())).expect("an invoice");
        let paid = self.wallet.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.expect("paid");
        let token = text(challenge.token());
        CredentialLine { scheme: challenge.scheme(), token: &token, preimage: &paid.preimage }.to_string()
    }
}

/// Sends the head of a request whose connection ends with the answer.
pub(crate) async fn send(stream: &mut TcpStream, method: &str, target: &str, fields: &[(&str, &str)]) {
    let fields: String = fields.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
}

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
        read.expect("the answer ends").expect("an answer");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{text:?}"));
        Self { status, text }
    }

    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// An upstream that answers with what it was sent, in lower case; a request for a path with `slow` waits for the test.
pub(crate) struct Echo {
    pub(crate) url: String,
    pub(crate) arrived: Arc<Notify>,
    pub(crate) release: Arc<Notify>,
    task: Option<JoinHandle<()>>,
}

impl Echo {
    /// Listens no more.
    pub(crate) async fn stop(mut self) {
        let task = self.task.take().expect("not stopped yet");
        task.abort();
        let _ = task.await;
    }

    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut echo = Self { url, arrived: Arc::default(), release: Arc::default(), task: None };
        let (arrived, release) = (Arc::clone(&echo.arrived), Arc::clone(&echo.release));
        echo.task = Some(tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(echo_one(stream, Arc::clone(&arrived), Arc::clone(&release)));
            }
        }));
        echo
    }
}

async fn echo_one(mut stream: TcpStream, arrived: Arc<Notify>, release: Arc<Notify>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let body = String::from_utf8_lossy(&head).to_ascii_lowercase();
    if body.lines().next().is_some_and(|line| line.contains("slow")) {
        arrived.notify_one();
        release.notified().await;
    }
    let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes()).await;
}
