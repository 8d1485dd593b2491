//! The gateway under test, with everything around it.

pub(crate) mod h2;
pub(crate) mod log;
mod token;
mod upstream;
mod wire;

pub(crate) use token::{Crafted, Purchase};
pub(crate) use upstream::Upstream;
pub(crate) use wire::{Answer, request, to_hex};

use core::net::SocketAddr;
use http::Method;
use l402_core::macaroon::hex;
use l402_core::{DerivedKeys, MasterKey, Msat, Offer};
use l402_gateway::{Payee, Server};
use l402_http::path::CanonicalPath;
use l402_http::policy::Access;
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{Network, PayLimit, PaymentSource};
use l402_server::config::Config;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Mutex;
use tempfile::TempDir;

/// The gateway's master key, which every test knows and no answer may show.
pub(crate) const MASTER: [u8; 32] = [0xca; 32];

/// What the gateway tells the upstream alone.
pub(crate) const UPSTREAM_KEY: &str = "upstream-canary-3f9c";

/// A path for each priced route. The two services share a name's beginning and a capability.
pub(crate) const ROUTES: [(&str, &str); 7] = [
    ("GET", "/v1/now"),
    ("POST", "/v1/now"),
    ("GET", "/v1/past/2024"),
    ("GET", "/v1/gold"),
    ("GET", "/tile/1/2"),
    ("PUT", "/tile/1/2"),
    ("GET", "/gold/tile"),
];

/// A running gateway with its node, its upstream and a buyer.
pub(crate) struct Stand {
    pub(crate) payee: FakeNode,
    pub(crate) wallet: FakeNode,
    pub(crate) upstream: Upstream,
    server: Server,
    config: Config,
    outgoing: Mutex<Vec<u8>>,
    _data: TempDir,
}

impl Stand {
    /// Opens with the usual settings.
    pub(crate) async fn open() -> Self {
        Self::with("").await
    }

    /// Opens with a line of settings at the top of the file.
    pub(crate) async fn with(settings: &str) -> Self {
        Self::open_with(settings, "").await
    }

    /// Opens with further routes of the last service.
    pub(crate) async fn with_routes(routes: &str) -> Self {
        Self::open_with("", routes).await
    }

    async fn open_with(settings: &str, routes: &str) -> Self {
        log::begin();
        let data = tempfile::tempdir().unwrap();
        plant_key(&data.path().join("keys"));
        let upstream = Upstream::start().await;
        let text = format!(
            "{settings}\ndata_dir = \"{}\"\n{}\n{routes}",
            data.path().display(),
            SHOP.replace("{upstream}", upstream.url())
        );
        let secrets = |name: &str| (name == "UPSTREAM_KEY").then(|| UPSTREAM_KEY.to_owned());
        let config = Config::from_text(&text, &secrets).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let network = FakeNetwork::new();
        let (payee, wallet) = (network.node(), network.node());
        let who = Payee::new(payee.clone(), Network::Regtest).id(payee.node_id());
        let server = Server::start(&config.settings, &who).unwrap();
        Self { payee, wallet, upstream, server, config, outgoing: Mutex::default(), _data: data }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Sends these very bytes, and reads until the gateway closes.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Answer {
        let raw = wire::exchange(self.address(), bytes).await;
        self.outgoing.lock().unwrap().extend_from_slice(&raw);
        Answer::of(&raw)
    }

    pub(crate) async fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(request(method, target, fields).as_bytes()).await
    }

    /// Presents a credential.
    pub(crate) async fn present(&self, method: &str, target: &str, credential: &str) -> Answer {
        self.ask(method, target, &[("Authorization", credential)]).await
    }

    pub(crate) async fn buy(&self, method: &str, target: &str) -> Purchase {
        let answer = self.ask(method, target, &[]).await;
        assert_eq!(answer.status, 402, "{}", answer.text());
        self.pay(&answer).await
    }

    /// Pays the invoice of a challenge.
    pub(crate) async fn pay(&self, answer: &Answer) -> Purchase {
        let (token, invoice) = answer.challenge();
        let paid = self.wallet.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
        Purchase { token, preimage: paid.preimage }
    }

    /// What a route sells.
    pub(crate) fn offer(&self, method: &str, path: &str) -> Offer {
        let path = CanonicalPath::parse(path).unwrap();
        match self.config.settings.policy().route(&Method::from_bytes(method.as_bytes()).unwrap(), &path) {
            Access::Priced(_, offer) => Offer::clone(offer),
            other => panic!("{other:?}"),
        }
    }

    /// Every byte that any client was sent.
    pub(crate) fn outgoing(&self) -> Vec<u8> {
        self.outgoing.lock().unwrap().clone()
    }

    /// Demands that the gateway still sells and serves, and that none of its threads has panicked.
    pub(crate) async fn is_well(&self) {
        let bought = self.buy("GET", "/v1/now").await;
        let served = self.present("GET", "/v1/now", &bought.credential()).await;
        assert_eq!((served.status, served.body.as_str()), (200, "served"));
        assert_eq!(log::panics(), [""; 0]);
    }
}

/// The keys that the gateway derives from [`MASTER`].
pub(crate) fn keys() -> DerivedKeys {
    DerivedKeys::new(0, &MasterKey::from_bytes(MASTER))
}

fn plant_key(folder: &Path) {
    use std::io::Write;

    std::fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("root.keys")).unwrap();
    let mut digits = [0; 64];
    let digits = hex::encode_into(&MASTER, &mut digits).unwrap();
    write!(file, "l402 root keys, format 1\n0 {digits}\n").unwrap();
}

const SHOP: &str = r#"
listen = "127.0.0.1:0"
threads = 2
log = { requests = true }

[[service]]
name = "maps"
upstream = "{upstream}"
free = ["/free/*", "/status"]
headers = { X-Api-Key = { env = "UPSTREAM_KEY" }, X-From = "maps" }
paid_headers = { X-L402-Verified = "true" }
uses = "unlimited"

[[service.route]]
methods = ["GET"]
path = "/v1/now"
price = "1 sat"

[[service.route]]
methods = ["POST"]
path = "/v1/now"
price = "2 sat"

[[service.route]]
path = "/v1/past/*"
price = "3 sat"

[[service.route]]
methods = ["GET"]
path = "/v1/gold"
price = "5 sat"
tier = 1

[[service.route]]
methods = ["GET"]
path = "/tile/{x}/{y}"
price = "1 sat"
capability = "tile"

[[service.route]]
methods = ["PUT"]
path = "/tile/{x}/{y}"
price = "1 sat"

[[service]]
name = "maps_gold"
upstream = "{upstream}"
uses = "unlimited"

[[service.route]]
path = "/gold/tile"
price = "1 sat"
capability = "tile"
"#;
