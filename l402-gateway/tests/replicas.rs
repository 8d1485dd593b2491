//! Two gateways with one key file and one ledger, each with a node of its own: what arrived at one node opens both.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use core::net::SocketAddr;
use core::time::Duration;
use l402_core::{CredentialLine, Msat, Name, Offer, PaymentHash, Scheme, SettlementRule, UnixSeconds, Uses};
use l402_gateway::settings::{PricedRoute, Service, Settings};
use l402_gateway::{LedgerKeeper, Payee, Seals, Server};
use l402_http::proxy::UpstreamConfig;
use l402_ledger::{Ledger, LedgerStore as _, testing::FakeStore};
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use l402_lightning::{Invoice, Network, PayLimit, PayeeNode, PaymentSource, unix_now};
use l402_replica::{Address, Desk, GatewayNode, Kept};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Two gateways, the first of which is paid.
struct Stand {
    store: FakeStore,
    network: FakeNetwork,
    node: FakeNode,
    paid: Gateway,
    other: Gateway,
    keys: TempDir,
}

/// A running gateway.
struct Gateway {
    server: Server,
    _keeper: LedgerKeeper,
    _data: TempDir,
}

impl Gateway {
    async fn start(keys: &TempDir, store: &FakeStore, node: &FakeNode) -> Self {
        Self::paid_by(keys, store, Payee::new(PayeeNode::new(node.clone()), Network::Regtest).id(node.node_id())).await
    }

    async fn paid_by(keys: &TempDir, store: &FakeStore, payee: Payee<PayeeNode>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let origin = format!("http://{}", upstream().await);
        let upstream = UpstreamConfig::new(&origin.parse().unwrap()).unwrap();
        let mut service = Service::new("weather".parse().unwrap(), upstream);
        let once = Offer::new(service.name.clone(), Msat::from_sat(21)).capability(Name::new("once").unwrap());
        let offer = once.uses(Uses::times(1).unwrap());
        service.routes.push(PricedRoute::new("/once", offer));
        let mut settings = Settings::new(data.path(), vec![service.sell("/often", Msat::from_sat(21))]).unwrap();
        settings.listen = "127.0.0.1:0".parse().unwrap();
        keys.path().clone_into(&mut settings.key_dir);
        settings.gate.settlement = SettlementRule::Strict;
        let keeper = LedgerKeeper::start(Ledger::new(store.clone()));
        let bound = Server::bind(&settings).unwrap().ledger(&keeper);
        let payee = payee.shared(&keeper, &settings).unwrap();
        Self { server: bound.serve(&settings, &payee).unwrap(), _keeper: keeper, _data: data }
    }

    async fn get(&self, path: &str, fields: &str) -> String {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_mins(1), stream.read_to_string(&mut answer)).await;
        read.expect("an answer in time").unwrap();
        answer
    }

    /// Asks until the answer is no 503.
    async fn gets(&self, path: &str, fields: &str) -> String {
        loop {
            let answer = self.get(path, fields).await;
            if !answer.starts_with("HTTP/1.1 503 ") {
                return answer;
            }
        }
    }
}

impl Stand {
    async fn start() -> Self {
        let (keys, network, store) = (tempfile::tempdir().unwrap(), FakeNetwork::new(), store());
        let node = network.node();
        let paid = Gateway::start(&keys, &store, &node).await;
        let other = Gateway::start(&keys, &store, &FakeNetwork::new().node()).await;
        Self { store, network, node, paid, other, keys }
    }

    /// Buys at the first gateway. Returns the header that opens the path, and the payment.
    async fn buy(&self, path: &str) -> (String, PaymentHash) {
        self.buy_at(&self.paid, path).await
    }

    async fn buy_at(&self, gateway: &Gateway, path: &str) -> (String, PaymentHash) {
        let challenge = gateway.get(path, "").await;
        let terms: serde_json::Value = serde_json::from_str(challenge.split_once("\r\n\r\n").unwrap().1).unwrap();
        let invoice = Invoice::parse(terms["invoice"].as_str().unwrap()).unwrap();
        let preimage = self.network.node().pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap().preimage;
        let token = terms["token"].as_str().unwrap();
        let line = CredentialLine { scheme: Scheme::L402, token, preimage: &preimage };
        (format!("authorization: {line}\r\n"), invoice.payment_hash())
    }

    /// Starts a gateway whose invoices come from the first one's node.
    async fn without_a_node(&self) -> (Gateway, Desk) {
        let address: Address = format!("unix:{}", self.keys.path().join("node.sock").display()).parse().unwrap();
        let seals = || Arc::new(Seals::open(self.keys.path(), Seals::REPLICAS).unwrap());
        let kept = Kept::new(PayeeNode::new(self.node.clone()), Network::Regtest).id(self.node.node_id());
        let desk = Desk::open(&address, kept, seals()).await.unwrap();
        let node = GatewayNode::new(address, Network::Regtest, Some(self.node.node_id()), seals());
        let payee = Payee::new(PayeeNode::new(node), Network::Regtest).id(self.node.node_id());
        (Gateway::paid_by(&self.keys, &self.store, payee).await, desk)
    }

    /// Waits until the first gateway has told of a payment.
    async fn told(&self, payment: &PaymentHash) -> Vec<u8> {
        let shared = self.store.settlements().unwrap();
        loop {
            if let Ok(Some(record)) = shared.get(payment).await {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A ledger whose clock says what ours does.
fn store() -> FakeStore {
    let (store, now) = (FakeStore::new(), unix_now().get());
    store.turn_back(Duration::from_secs(1_800_000_000_u64.saturating_sub(now)));
    store.pass(Duration::from_secs(now.saturating_sub(1_800_000_000)));
    store
}

/// An upstream that serves everything.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return }; // the gateway connected in advance
                    head.push(byte);
                }
                let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\nserved";
                let _ = stream.write_all(answer).await;
            });
        }
    });
    address
}

fn is_served(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("served")
}

#[tokio::test]
async fn l5_what_arrived_at_one_node_is_used_at_another_gateway_once() {
    let stand = Stand::start().await;
    let (token, _) = stand.buy("/once").await;
    let first = stand.other.get("/once", &token).await;
    assert!(is_served(&first) && first.contains("x-l402: spent"), "{first}");
    for gateway in [&stand.paid, &stand.other] {
        let again = gateway.get("/once", &token).await;
        assert!(again.starts_with("HTTP/1.1 402 ") && again.contains("\"spent\""), "{again}");
    }
}

#[tokio::test]
async fn l5_a_late_settlement_is_waited_for() {
    let stand = Stand::start().await;
    stand.node.misbehave(FakeFault::SettlesLate(Duration::from_millis(300)));
    let (token, _) = stand.buy("/often").await;
    let answer = stand.other.get("/often", &token).await;
    assert!(is_served(&answer), "{answer}");
}

#[tokio::test]
async fn l5_what_arrived_nowhere_opens_nothing() {
    let stand = Stand::start().await;
    stand.node.misbehave(FakeFault::SettlesLate(Duration::from_hours(1)));
    let (token, payment) = stand.buy("/often").await;
    let answer = stand.other.get("/often", &token).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"not-settled\""), "{answer}");
    assert_eq!(stand.store.settlements().unwrap().get(&payment).await.unwrap(), None);
}

#[tokio::test]
async fn l5_a_record_that_does_not_verify_opens_nothing() {
    let stand = Stand::start().await;
    let shared = stand.store.settlements().unwrap();
    let end = UnixSeconds::new(unix_now().get() + 3_600);
    let (_, another) = stand.buy("/often").await;
    let (token, payment) = stand.buy("/often").await;
    let (foreign, own) = (stand.told(&another).await, stand.told(&payment).await);
    let mut higher = own.clone();
    higher[8] ^= 0xff;
    for record in [&foreign[..], &higher, b"", b"{\"paid\":true}"] {
        shared.put(&payment, record, end).await.unwrap();
        let answer = stand.other.get("/often", &token).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"settlement-unknown\""), "{answer}");
        assert!(is_served(&stand.paid.get("/often", &token).await), "the gateway that was paid knows by itself");
    }
    shared.put(&payment, &own, end).await.unwrap();
    assert!(is_served(&stand.other.get("/often", &token).await));
}

#[tokio::test]
async fn s1_a_store_that_was_away_is_told_when_it_is_back() {
    let stand = Stand::start().await;
    let (earlier, _) = stand.buy("/often").await;
    for gateway in [&stand.paid, &stand.other] {
        assert!(is_served(&gateway.gets("/often", &earlier).await), "it has read what is revoked");
    }
    stand.store.set_away(true);
    let (token, _) = stand.buy("/often").await;
    let away = stand.other.get("/often", &token).await;
    assert!(away.starts_with("HTTP/1.1 503 ") && away.contains("\"settlement-unknown\""), "{away}");
    stand.store.set_away(false);
    assert!(is_served(&stand.other.gets("/often", &token).await));
    stand.store.set_away(true);
    assert!(is_served(&stand.other.get("/often", &token).await), "what was found once is known without the store");
}

#[tokio::test]
async fn l5_a_store_that_lost_its_data_is_told_again() {
    let stand = Stand::start().await;
    let (token, payment) = stand.buy("/often").await;
    stand.told(&payment).await;
    let empty = store();
    let node = stand.network.node(); // another node: it must not be this one that tells
    let other = Gateway::start(&stand.keys, &empty, &node).await;
    assert!(other.get("/often", &token).await.starts_with("HTTP/1.1 503 "));
    let _again = Gateway::start(&stand.keys, &empty, &stand.node).await; // the first gateway, after a restart
    assert!(is_served(&other.gets("/often", &token).await));
}

/// Without a restart: a store that was away may have lost what it was told long before.
#[tokio::test]
async fn l5_a_store_that_is_back_is_told_again_of_all() {
    let stand = Stand::start().await;
    let shared = stand.store.settlements().unwrap();
    let (token, payment) = stand.buy("/often").await;
    stand.told(&payment).await;
    let end = UnixSeconds::new(unix_now().get() + 3_600);
    shared.put(&payment, b"damaged", end).await.unwrap();
    assert!(!is_served(&stand.other.get("/often", &token).await));
    while stand.told(&payment).await == b"damaged" {
        stand.store.set_away(true);
        stand.buy("/often").await; // sooner or later the gateway notices that the store is away
        tokio::time::sleep(Duration::from_millis(200)).await;
        stand.store.set_away(false);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(is_served(&stand.other.gets("/often", &token).await));
}

#[tokio::test]
async fn l5_bought_where_there_is_no_node_and_used_at_each_gateway_once() {
    let stand = Stand::start().await;
    let (replica, desk) = stand.without_a_node().await;
    let (token, _) = stand.buy_at(&replica, "/once").await;
    assert!(is_served(&stand.paid.get("/once", &token).await));
    assert!(replica.get("/once", &token).await.contains("\"spent\""));
    let (token, _) = stand.buy_at(&replica, "/once").await;
    assert!(is_served(&replica.get("/once", &token).await));
    assert!(stand.paid.get("/once", &token).await.contains("\"spent\""));

    let (token, _) = stand.buy_at(&replica, "/often").await;
    drop(desk);
    assert!(
        is_served(&replica.get("/often", &token).await),
        "what is settled is served without the gateway with the node"
    );
    let unsold = replica.get("/often", "").await;
    assert!(unsold.starts_with("HTTP/1.1 503 ") && unsold.contains("\"no-invoice\""), "{unsold}");
}
