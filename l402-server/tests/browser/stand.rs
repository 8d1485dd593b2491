//! A gateway with a fake node, an upstream with opinions of its own about origins, and the server of the page, which is also
//! its wallet.

use crate::chromium::Chromium;
use core::time::Duration;
use l402_core::Msat;
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource};
use l402_server::config::Config;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Everything that one visit of the page needs.
pub(crate) struct Stand {
    server: Server,
    _keeper: LedgerKeeper,
    payee: FakeNode,
    wallet: FakeNode,
    page: TcpListener,
    saw: Arc<Mutex<Vec<String>>>,
    _data: TempDir,
}

impl Stand {
    /// A gateway of `UPSTREAM_URL` alone.
    pub(crate) async fn quick_start() -> Self {
        let unlimited = |name: &str| (name == "L402_USES").then(|| "unlimited".to_owned());
        Self::start(|environment, _| {
            Config::from_environment(&|name: &str| unlimited(name).or_else(|| environment(name))).unwrap()
        })
        .await
    }

    /// The same as it comes: a token serves one request.
    pub(crate) async fn single_use() -> Self {
        Self::start(|environment, _| Config::from_environment(environment).unwrap()).await
    }

    /// A gateway of a file, in which `cors` stands and `{page}` is the page's origin.
    pub(crate) async fn with_cors(cors: &str) -> Self {
        Self::start(|environment, page| {
            let text = format!(
                "upstream = \"http://replaced\"\nuses = \"unlimited\"\ncors = {}",
                cors.replace("{page}", page)
            );
            Config::from_text(&text, environment).unwrap()
        })
        .await
    }

    async fn start(config: impl FnOnce(&dyn Fn(&str) -> Option<String>, &str) -> Config) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (upstream, page) = (listener().await, listener().await);
        let saw = Arc::default();
        let environment = |name: &str| match name {
            "UPSTREAM_URL" => Some(origin(&upstream)),
            "L402_LISTEN" => Some("127.0.0.1:0".to_owned()),
            "L402_SERVER_DATA_DIR" => Some(data.path().display().to_string()),
            _ => None,
        };
        let config = config(&environment, &origin(&page));
        let network = FakeNetwork::new();
        let (payee, wallet) = (network.node(), network.node());
        let keeper = LedgerKeeper::start(config.ledger.open().await.unwrap().ledger);
        let bound = Server::bind(&config.settings).unwrap().ledger(&keeper);
        let server =
            bound.serve(&config.settings, &Payee::new(payee.clone(), Network::Regtest).id(payee.node_id())).unwrap();
        tokio::spawn(serve_upstream(upstream, Arc::clone(&saw)));
        Self { server, _keeper: keeper, payee, wallet, page, saw, _data: data }
    }

    /// Opens the page in a browser and returns what it tells.
    pub(crate) async fn visit(&self) -> Value {
        self.visit_at("/").await
    }

    /// The same of the page at `path`.
    pub(crate) async fn visit_at(&self, path: &str) -> Value {
        let url = format!("{}{path}?shop=http://{}", origin(&self.page), self.server.address());
        let _browser = Chromium::open(&url);
        let (tell, mut told) = mpsc::channel(1);
        let visited = async {
            loop {
                tokio::select! {
                    accepted = self.page.accept() => {
                        let (payee, wallet) = (self.payee.clone(), self.wallet.clone());
                        tokio::spawn(serve_page(accepted.unwrap().0, payee, wallet, tell.clone()));
                    }
                    told = told.recv() => return told.unwrap(),
                }
            }
        };
        timeout(LONG, visited).await.expect("the page tells in time")
    }

    /// Method and path of each request that reached the upstream.
    pub(crate) fn upstream_saw(&self) -> Vec<String> {
        self.saw.lock().unwrap().clone()
    }

    pub(crate) fn invoices_asked(&self) -> usize {
        self.payee.invoices_asked()
    }

    pub(crate) fn payments(&self) -> usize {
        self.wallet.payments_sent()
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn origin(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

/// Answers one request of the page: the page itself, a payment, a node that breaks, and what the page has to tell.
async fn serve_page(stream: TcpStream, payee: FakeNode, wallet: FakeNode, tell: mpsc::Sender<Value>) {
    let mut stream = BufReader::new(stream);
    let Some((line, body)) = read(&mut stream).await else { return };
    let (kind, answer) = match line.as_str() {
        "POST /pay" => {
            let paid = wallet.pay(&Invoice::parse(&body).unwrap(), PayLimit::fee(Msat::ZERO)).await.unwrap();
            ("text/plain", paid.preimage.to_hex().expose().to_string())
        }
        "POST /break" => {
            payee.misbehave(FakeFault::Unreachable);
            ("text/plain", String::new())
        }
        "POST /told" => {
            let _ = tell.send(serde_json::from_str(&body).unwrap()).await; // only the first is waited for
            ("text/plain", String::new())
        }
        line if line.starts_with("GET /?") => ("text/html", include_str!("page.html").to_owned()),
        line if line.starts_with("GET /once?") => ("text/html", include_str!("once.html").to_owned()),
        _ => ("text/plain", String::new()), // such as /favicon.ico
    };
    write(&mut stream, &format!("Content-Type: {kind}"), &answer).await;
}

/// An upstream that would let another page read its answers, and no one else.
async fn serve_upstream(listener: TcpListener, saw: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let saw = Arc::clone(&saw);
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let Some((line, _)) = read(&mut stream).await else { return };
            saw.lock().unwrap().push(line);
            let fields = "Access-Control-Allow-Origin: https://elsewhere.example\r\n\
                Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Left\r\nX-Left: 7";
            write(&mut stream, fields, "sunny").await;
        });
    }
}

/// Reads a request, and returns its method and path, and its body.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let (line, fields) = head.split_once(" HTTP/")?;
    let length = fields.lines().filter_map(|line| line.split_once(": "));
    let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    let mut body = vec![0; length.map_or(Ok(0), str::parse).ok()?];
    stream.read_exact(&mut body).await.ok()?;
    Some((line.to_owned(), String::from_utf8(body).ok()?))
}

async fn write(stream: &mut BufReader<TcpStream>, fields: &str, body: &str) {
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await; // the browser may have gone
}

/// A browser starts slowly on a loaded machine.
const LONG: Duration = Duration::from_mins(2);
