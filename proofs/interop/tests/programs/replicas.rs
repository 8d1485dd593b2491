//! Two gateways behind nginx with one ledger and one LND, as `docs/operate.md` shows it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use interop::{GOODS, Upstream, Wallet, payee};
use l402_core::Msat;
use l402_lightning::{Invoice, PayLimit, PaymentSource as _};
use l402_regtest::lnd::SELL;
use l402_regtest::{Network, NodeKind};
use serde_json::Value;

use crate::l402_server::{Home, Running, replaced};

/// Everything is as it stands there, but the addresses, the folder that `/etc` and `/var/lib` are in, and TLS.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND, Redis and nginx: just replicas"]
async fn s3_two_gateways_serve_a_use_once_and_one_goes_on_alone() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
    drop(payee(&network, "bob").await); // it has seen the last block
    let (upstream, wallet) = (Upstream::start().await, Wallet::of(&network, "alice").await);
    let (site, bob) = (Site::of(&network, &upstream), network.lnd("bob"));
    site.file("redis.conf", &site.page("conf", 0));
    site.file("gateway.toml", &site.page("toml", 0));
    let _redis = site.redis().await;
    let macaroon = bob.bake("sell", &SELL).await.unwrap();
    let (socket, cert, macaroon) = (bob.rpc_address(), bob.tls_cert().display().to_string(), macaroon.display());
    let lnd = format!("export LND_SOCKET={socket} LND_CERT='{cert}' LND_MACAROON='{macaroon}'\n");
    assert!(site.home.bash(&site.page("sh", 0)).0.wait().unwrap().success());
    let mut replicas = Vec::new();
    for number in [1, 2] {
        replicas.push(site.started(&format!("{lnd}{}", site.page("sh", number))));
    }
    let _nginx = site.nginx().await;

    let token = buy(&site.front, &wallet).await;
    let asks = (0..20).map(|number| {
        let (base, token) = (site.replicas[number % 2].clone(), token.clone());
        tokio::spawn(async move { get(&base, Some(&token)).await })
    });
    let mut served = 0;
    for asked in asks.collect::<Vec<_>>() {
        let answer = asked.await.unwrap();
        match (answer.status, answer.reason().as_deref()) {
            (StatusCode::OK, None) => {
                assert_eq!((answer.body.as_str(), &answer.fields["x-l402"]), (GOODS, &"spent".parse().unwrap()));
                served += 1;
            }
            (StatusCode::PAYMENT_REQUIRED, Some("spent")) | (StatusCode::CONFLICT, Some("uses-reserved")) => {}
            other => panic!("{other:?}: {}", answer.body),
        }
    }
    assert_eq!((served, upstream.served()), (1, 1), "one use was sold");

    let kept = buy(&site.front, &wallet).await;
    replicas.remove(0).kill();
    for token in [kept, buy(&site.front, &wallet).await] {
        let answer = get(&site.front, Some(&token)).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, GOODS));
        let again = get(&site.front, Some(&token)).await;
        assert_eq!((again.status, again.reason().as_deref()), (StatusCode::PAYMENT_REQUIRED, Some("spent")));
    }
    assert_eq!(upstream.served(), 3);

    let unused = buy(&site.front, &wallet).await;
    drop(replicas);
    let first = site.page("sh", 1);
    let (environment, _) = first.split_once("l402-server").unwrap();
    for step in [site.rotate(), format!("{lnd}{environment}{}", site.moved(section("operate.md", RESTORED, "sh", 0)))] {
        assert!(site.home.bash(&step).0.wait().unwrap().success());
    }
    let (_replica, base) = (site.started(&format!("{lnd}{first}")), &site.replicas[0]);
    let answer = get(base, Some(&unused)).await;
    assert_eq!((answer.status, answer.reason().as_deref()), (StatusCode::PAYMENT_REQUIRED, Some("revoked")));
    let anew = buy(base, &wallet).await;
    assert_eq!(get(base, Some(&anew)).await.status, StatusCode::OK);
    network.stop().await;
}

/// The machine of the page, at addresses that are free here.
pub(crate) struct Site {
    pub(crate) home: Home,
    moved: Vec<(String, String)>,
    pub(crate) replicas: [String; 2],
    front: String,
}

impl Site {
    pub(crate) fn of(network: &Network, upstream: &Upstream) -> Self {
        let home = Home::of(network.lnd("bob"));
        for folder in ["etc/l402", "var/lib/l402", "run/l402", "nginx", "redis"] {
            fs::create_dir_all(home.0.path().join(folder)).unwrap();
        }
        let [one, two, redis, front] = free_ports();
        let at = |port: u16| format!("127.0.0.1:{port}");
        let folder = |name: &str| home.0.path().join(name).display().to_string();
        let moved = [
            ("127.0.0.1:8402", at(one)),
            ("127.0.0.1:8403", at(two)),
            ("127.0.0.1:6379", at(redis)),
            ("127.0.0.1:3000", upstream.address().to_string()),
            ("/etc/l402", folder("etc/l402")),
            ("/var/lib/l402", folder("var/lib/l402")),
            ("/run/l402", folder("run/l402")),
        ];
        let moved = moved.map(|(old, new)| (old.to_owned(), new)).to_vec();
        let [one, two, front] = [one, two, front].map(|port| format!("http://{}", at(port)));
        Self { home, moved, replicas: [one, two], front }
    }

    /// Returns a block of the page, with the addresses and folders of this machine.
    fn page(&self, language: &str, number: usize) -> String {
        self.moved(section("operate.md", BOTH, language, number))
    }

    pub(crate) fn moved(&self, text: String) -> String {
        self.moved.iter().fold(text, |text, (old, new)| text.replace(old, new))
    }

    /// The command that rotates the key, with the folder of this machine.
    fn rotate(&self) -> String {
        let command = section("gateway/keys-and-backup.md", "## Rotate the master key", "sh", 1);
        self.moved(replaced(&command, "/var/lib/l402/keys", "/etc/l402/keys"))
    }

    /// Starts a gateway, and waits until it sells.
    pub(crate) fn started(&self, script: &str) -> Running {
        let mut replica = self.home.bash(script);
        let mut said = BufReader::new(replica.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        said.find(|line| line.contains(" sells")).unwrap();
        std::thread::spawn(move || said.for_each(drop)); // a full pipe would stop it
        replica
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.home.0.path().join("etc/l402").join(name), text).unwrap();
    }

    pub(crate) async fn redis(&self) -> Running {
        let home = self.home.0.path();
        let port = self.moved[2].1.rsplit(':').next().unwrap().to_owned();
        let mut redis = Command::new("redis-server");
        redis.arg(home.join("etc/l402/redis.conf")).arg("--port").arg(&port).arg("--dir").arg(home.join("redis"));
        listening(spawn(&mut redis), &self.moved[2].1).await
    }

    /// The whole configuration of nginx: the page about it, changed as the other page says.
    async fn nginx(&self) -> Running {
        let whole = section("gateway/nginx.md", "# Behind nginx", "nginx", 0);
        let [both, next] = [0, 1].map(|number| section("operate.md", BOTH, "nginx", number));
        let upstream = whole.split("upstream l402 {").nth(1).unwrap().split_inclusive('}').next().unwrap();
        let text = replaced(&whole, &format!("upstream l402 {{{upstream}"), &both);
        let text = replaced(&text, "proxy_next_upstream off;", &next.replace(';', ";\n"));
        let at = self.front.strip_prefix("http://").unwrap();
        let text = replaced(&text, "443 ssl http2", at);
        let text: String = text.lines().filter(|line| !line.contains("ssl_")).flat_map(|line| [line, "\n"]).collect();
        let text = self.moved(text);
        let folder = self.home.0.path().join("nginx");
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary: String =
            temporary.map(|name| format!("{name}_temp_path {}/{name};\n", folder.display())).concat();
        let head = format!("daemon off;\npid {}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n", folder.display());
        fs::write(folder.join("nginx.conf"), format!("{head}{temporary}{text}\n}}\n")).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(&folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(folder.join("nginx.conf"));
        listening(spawn(&mut nginx), at).await
    }
}

/// Begins to run a server in a process group of its own.
fn spawn(command: &mut Command) -> Running {
    use std::os::unix::process::CommandExt as _;
    let child: Child = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    Running(child)
}

/// Waits until a server can be connected to.
async fn listening(mut server: Running, address: &str) -> Running {
    while std::net::TcpStream::connect(address).is_err() {
        assert!(server.0.try_wait().unwrap().is_none(), "{address}: it has ended");
        tokio::time::sleep(core::time::Duration::from_millis(50)).await;
    }
    server
}

/// Returns the block of this language and number in a section of a page.
pub(crate) fn section(page: &str, heading: &str, language: &str, number: usize) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let page = fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once(&format!("{heading}\n")).unwrap();
    let block = section.split(&format!("```{language}\n")).nth(number + 1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

pub(crate) const BOTH: &str = "## Two gateways behind nginx";
const RESTORED: &str = "## After you have restored an old ledger";

/// Ports that nobody listens on.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    fields: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    pub(crate) fn reason(&self) -> Option<String> {
        Some(self.json()?["reason"].as_str()?.to_owned())
    }
}

pub(crate) async fn get(base: &str, credential: Option<&str>) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("{base}/weather"));
    let request = credential.into_iter().fold(request, |request, value| request.header(AUTHORIZATION, value));
    let (head, body) = client.request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, fields: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// Buys a token, and returns the credential.
pub(crate) async fn buy(base: &str, wallet: &Wallet) -> String {
    let asked = get(base, None).await;
    assert_eq!(asked.status, StatusCode::PAYMENT_REQUIRED, "{}", asked.body);
    let offer = asked.json().unwrap();
    let invoice = Invoice::parse(offer["invoice"].as_str().unwrap()).unwrap();
    let paid = wallet.pay(&invoice, PayLimit::fee(Msat::new(10_000))).await.unwrap();
    offer["format"].as_str().unwrap().replace("<preimage>", paid.preimage.to_hex().expose())
}
