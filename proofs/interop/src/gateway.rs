//! The gateway, over a node of a network and in front of an upstream that counts.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use http::{StatusCode, Uri};
use l402_gateway::{Payee, Server};
use l402_lightning::{Network as Chain, PayeeNode};
use l402_regtest::lnd::SELL;
use l402_regtest::{Network, NodeKind};
use l402_server::config::Config;
use l402_server::lightning::Lightning;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::backend::kind;
use crate::http_client::{Http, HttpVersion};

/// What a call costs.
pub const PRICE_MSAT: u64 = 21_000;

/// What is sold: the body of every answer of an [`Upstream`].
pub const GOODS: &str = "sunny";

/// What is sold, at every path. It ends with the runtime that it was started on.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
}

impl Upstream {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(LOOPBACK).await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&served);
        let answer = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            core::future::ready(GOODS)
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        Self { address, served }
    }

    /// Returns where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many requests it has answered.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }
}

/// A gateway with strict settlement that sells every path for [`PRICE_MSAT`].
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    // Dropped after the threads that use it.
    _lightning: Option<Lightning>,
    _keys: TempDir,
}

impl Gateway {
    /// Starts a gateway that is paid to the node `payee`, and waits until it sells.
    ///
    /// To an LND it connects as the program does, from the settings of its environment.
    pub async fn start(network: &Network, payee: &str, upstream: &Upstream) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let mut text = format!(
            "listen = \"{LOOPBACK}\"\nthreads = 2\ndata_dir = \"{}\"\nupstream = \"http://{}\"\nprice = \"{PRICE_MSAT} msat\"\nuses = \"unlimited\"\n\
             [protocol]\nstrict_settlement = true\n",
            keys.path().display(),
            upstream.address,
        );
        let gateway = if kind(network, payee) == NodeKind::Ldk {
            let config = Config::from_text(&text, &|_| None).unwrap();
            let node = network.ldk(payee);
            let payee = Payee::new(PayeeNode::new(node.clone()), Chain::Regtest).id(node.node_id());
            Self { server: Server::start(&config.settings, &payee).unwrap(), _lightning: None, _keys: keys }
        } else {
            text.push_str("[lightning]\nbackend = \"lnd\"\nnetwork = \"regtest\"\n");
            let lnd = network.lnd(payee);
            let macaroon = lnd.bake("sell", &SELL).await.unwrap();
            let environment = |name: &str| match name {
                "LND_SOCKET" => Some(lnd.rpc_address().to_string()),
                "LND_CERT" => lnd.tls_cert().to_str().map(str::to_owned),
                "LND_MACAROON" => macaroon.to_str().map(str::to_owned),
                _ => None,
            };
            let config = Config::from_text(&text, &environment).unwrap();
            let lightning = Lightning::start(&*config.lightning).await.unwrap();
            let server = Server::start(&config.settings, &lightning.payee()).unwrap();
            Self { server, _lightning: Some(lightning), _keys: keys }
        };
        timeout(SOON, gateway.sells()).await.unwrap();
        gateway
    }

    /// Returns where it sells `path`, which begins with a slash.
    pub fn uri(&self, path: &str) -> Uri {
        format!("http://{}{path}", self.server.address()).parse().unwrap()
    }

    /// Waits until it answers with a challenge.
    pub async fn sells(&self) {
        let (http, uri) = (Http::new(HttpVersion::One), self.uri("/"));
        while http.get(&uri).await.unwrap().status() != StatusCode::PAYMENT_REQUIRED {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it, and waits for requests under way.
    pub async fn stop(self) {
        self.server.shutdown().await;
    }
}

const LOOPBACK: &str = "127.0.0.1:0";

/// The longest that it may take until a gateway sells.
const SOON: Duration = Duration::from_mins(1);
