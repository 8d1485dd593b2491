//! A chain, a payer's node, an upstream, and the gateway as a process with an embedded node of its own.

use crate::esplora::{Esplora, answer};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use l402_core::{Challenge, CredentialLine, Msat};
use l402_ldk::{ChannelRequest, LdkConfig, LdkNode};
use l402_lightning::operate::NodeChannel;
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource as _};
use l402_regtest::chain::Chain;
use l402_regtest::rpc::{Credentials, RpcServer};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// The longest that anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Stand {
    pub(crate) home: TempDir,
    pub(crate) chain: Chain,
    pub(crate) payer: LdkNode,
    pub(crate) payer_address: SocketAddr,
    /// How many requests hang at the upstream, or did.
    pub(crate) hanging: Arc<AtomicUsize>,
    rpc: RpcServer,
    upstream: String,
    esplora: Esplora,
    node_port: u16,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let chain = Chain::in_memory();
        chain.mine(110).expect("mined");
        let rpc = RpcServer::start(chain.clone(), 0, Credentials::random().expect("random")).expect("an RPC server");
        let payer_address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut config = LdkConfig::new(Network::Regtest, rpc.chain_source(), home.path().join("payer"));
        config.listen.push(payer_address);
        let payer = LdkNode::start(config).await.expect("a payer");
        mine_what_comes(chain.clone());
        let hanging = Arc::new(AtomicUsize::new(0));
        let (upstream, esplora, node_port) = (upstream(Arc::clone(&hanging)), Esplora::start(), free_port());
        Self { home, chain, payer, payer_address, hanging, rpc, upstream, esplora, node_port }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Starts the gateway on the chain. It sells any number of uses.
    pub(crate) fn gateway(&self) -> Gateway {
        self.gateway_selling("uses = \"unlimited\"")
    }

    /// Starts the gateway on the chain, with these lines at the top of its file.
    pub(crate) fn gateway_selling(&self, terms: &str) -> Gateway {
        let (address, credentials) = (self.rpc.address(), self.rpc.credentials());
        let chain = format!(
            "bitcoind = {{ host = \"127.0.0.1\", port = {}, user = {:?}, password = {:?} }}",
            address.port(),
            credentials.user(),
            credentials.password()
        );
        self.gateway_on(&chain, terms)
    }

    /// Starts the gateway on an Esplora server that answers 429 to everything.
    pub(crate) fn gateway_on_esplora(&self) -> Gateway {
        self.gateway_on(&format!("esplora = {:?}", self.esplora.url), "uses = \"unlimited\"")
    }

    /// Has the Esplora server answer.
    pub(crate) fn open_esplora(&self) {
        self.esplora.open.store(true, Ordering::Relaxed);
    }

    fn gateway_on(&self, chain: &str, terms: &str) -> Gateway {
        let config = self.home.path().join("gateway.toml");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nthreads = 1\ndata_dir = {:?}\nupstream = {:?}\nprice = \"21 sat\"\n{terms}\n\
             log = {{ format = \"json\" }}\n[lightning]\nbackend = \"ldk\"\nnetwork = \"regtest\"\n\
             listen = [\"127.0.0.1:{}\"]\nchain = {{ {chain} }}\n",
            self.data().display().to_string(),
            self.upstream,
            self.node_port
        );
        fs::write(&config, text).expect("written");
        Gateway::start(config, self.home.path().join("gateway.log"))
    }

    /// Gives the gateway's node money on-chain and a channel with money on both sides.
    pub(crate) async fn open_channel(&self, gateway: &Gateway) {
        let coin = bitcoin::Amount::from_sat(2_000_000);
        let address = gateway.facts("address")["address"].as_str().expect("an address").to_owned();
        let own = gateway_script(&address);
        let payers = self.payer.new_address().await.expect("an address").script_pubkey();
        self.chain.fund(&[(own, coin), (payers, coin)]).expect("funded");
        self.chain.mine(6).expect("mined");
        let spendable = async || {
            self.payer.sync_wallets().await.expect("synced");
            self.payer.balances().await.expect("balances").spendable_onchain_sat > 1_500_000
        };
        until("the payer's coin", spendable).await;
        until("the gateway's coin", async || {
            gateway.facts("balance")["spendable_onchain_sat"].as_u64().expect("a number") >= 2_000_000
        })
        .await;
        let request = ChannelRequest {
            peer: gateway.facts("info")["node_id"].as_str().expect("a key").parse().expect("a key"),
            address: SocketAddr::from(([127, 0, 0, 1], self.node_port)).into(),
            capacity_sat: 1_000_000,
            push_msat: Msat::new(300_000_000),
            announced: false,
        };
        let channel = self.payer.open_channel(request).await.expect("opened");
        let usable = |channel: &NodeChannel| channel.usable;
        self.payer.wait_for_channel(channel, PATIENCE, usable).await.expect("usable");
        until("a ready gateway", async || gateway.ask("/ready", None).is_ok_and(|answer| answer.status == 200)).await;
        // A node holds back what it receives in its first seconds: a payment that has passed proves that the next one will.
        assert_eq!(self.buy(gateway).await.map(|_| ()), Ok(()));
    }

    /// Buys a call. The error is the status of the answer, or 0 where the payment did not pass.
    pub(crate) async fn buy(&self, gateway: &Gateway) -> Result<String, u16> {
        let answer = gateway.ask("/", None).map_err(|_| 1_u16)?;
        if answer.status != 402 {
            return Err(answer.status);
        }
        let lines = answer.fields("www-authenticate");
        let challenge = Challenge::select(lines.iter().map(|line| line.as_bytes())).expect("a challenge");
        let text = |value: l402_core::ParamValue<'_>| value.as_str().expect("plain").to_owned();
        let (token, invoice) =
            (text(challenge.token()), Invoice::parse(&text(challenge.invoice())).expect("an invoice"));
        let limit = PayLimit { timeout: Duration::from_secs(15), ..PayLimit::fee(Msat::ZERO) };
        let paid = self.payer.pay(&invoice, limit).await.map_err(|_| 0_u16)?;
        Ok(CredentialLine { scheme: challenge.scheme(), token: &token, preimage: &paid.preimage }.to_string())
    }
}

fn gateway_script(address: &str) -> bitcoin::ScriptBuf {
    let address: bitcoin::Address<bitcoin::address::NetworkUnchecked> = address.parse().expect("an address");
    address.assume_checked().script_pubkey()
}

/// Asks again and again.
pub(crate) async fn until(what: &str, mut there: impl AsyncFnMut() -> bool) {
    let waits = async {
        while !there().await {
            sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(timeout(PATIENCE, waits).await.is_ok(), "{what} is waited for in vain");
}

/// A gateway's process.
pub(crate) struct Gateway {
    pub(crate) child: Child,
    config: PathBuf,
    log: PathBuf,
}

impl Gateway {
    fn start(config: PathBuf, log: PathBuf) -> Self {
        let file = File::create(&log).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_l402-server"))
            .arg("--config")
            .arg(&config)
            .env("RUST_BACKTRACE", "0")
            .stderr(file)
            .stdout(Stdio::null())
            .spawn()
            .expect("a gateway");
        Self { child, config, log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it serves.
    pub(crate) async fn serving(mut self) -> Self {
        until("the gateway", async || {
            if let Some(ended) = self.child.try_wait().expect("a process") {
                panic!("{ended}: {}", self.log());
            }
            self.address().is_some()
        })
        .await;
        self
    }

    fn address(&self) -> Option<SocketAddr> {
        let log = self.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let served = lines.find(|line| line["message"] == "serving")?;
        served["address"].as_str()?.parse().ok()
    }

    /// Asks for a path.
    pub(crate) fn ask(&self, path: &str, credential: Option<&str>) -> std::io::Result<Answer> {
        self.send("GET", path, credential)
    }

    /// Sends a request without a body.
    pub(crate) fn send(&self, method: &str, path: &str, credential: Option<&str>) -> std::io::Result<Answer> {
        let address = self.address().ok_or(std::io::ErrorKind::NotConnected)?;
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let field = credential.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{field}\r\n")?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.get(9..12).and_then(|digits| digits.parse().ok()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok(Answer { status, text })
    }

    /// Runs a command of the node.
    pub(crate) fn node(&self, words: &[&str]) -> Output {
        self.command("node", words)
    }

    /// Runs a command that prints JSON.
    pub(crate) fn command(&self, command: &str, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_l402-server"))
            .arg("--config")
            .arg(&self.config)
            .args([command, "--json"])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .expect("a command")
    }

    /// What a command that reads tells.
    pub(crate) fn facts(&self, word: &str) -> Value {
        let output = self.node(&[word]);
        assert!(output.status.success(), "{output:?}");
        json(&output)["facts"].clone()
    }

    /// Ends it as a service manager does, and returns its exit code.
    pub(crate) async fn stop(&mut self) -> i32 {
        signal(&self.child, rustix::process::Signal::TERM);
        self.ended().await
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Waits for its exit code.
    pub(crate) async fn ended(&mut self) -> i32 {
        let mut code = None;
        until("the end of the gateway", async || {
            code = self.child.try_wait().expect("a process");
            code.is_some()
        })
        .await;
        code.and_then(|code| code.code()).unwrap_or(-1)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the gateway's log:\n{}", self.log());
        }
    }
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).expect("signalled");
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// Every file below a folder, relative to it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below it").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Mines what enters the mempool, six blocks deep, until the test ends.
fn mine_what_comes(chain: Chain) {
    thread::spawn(move || {
        loop {
            if chain.mempool_size() > 0 {
                thread::park_timeout(Duration::from_millis(300)); // nodes like to see a transaction before its block
                chain.mine(6).expect("mined");
            }
            thread::park_timeout(Duration::from_millis(50));
        }
    });
}

/// A port that is free now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port").port()
}

/// An upstream that says yes to everything, except to a request for `/hang`: it counts these, and never answers.
fn upstream(hanging: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let hanging = Arc::clone(&hanging);
            thread::spawn(move || {
                let mut first = [0; 64];
                let read = stream.peek(&mut first).unwrap_or(0);
                let line = String::from_utf8_lossy(first.get(..read).unwrap_or_default()).into_owned();
                if line.contains(" /hang ") {
                    hanging.fetch_add(1, Ordering::SeqCst);
                    let _ = (&stream).read_to_end(&mut Vec::new());
                } else {
                    answer(stream, "200 OK", "yes\n");
                }
            });
        }
    });
    url
}
