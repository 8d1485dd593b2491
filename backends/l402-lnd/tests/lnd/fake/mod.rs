//! An LND that is none: real invoices and no money.

pub(crate) mod server;
pub(crate) mod wire;
mod world;

use bytes::Bytes;
use core::net::SocketAddr;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::macaroon::{RootKey, hex, mint};
use l402_lightning::{Network, NodeId};
use l402_lnd::{Certificate, LndConfig, LndMacaroon};
use prost::Message as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use server::{Refusal, Replies};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

pub(crate) use world::World;

/// One fake node. Clones are the same.
#[derive(Clone)]
pub(crate) struct FakeLnd(Arc<Node>);

struct Node {
    world: World,
    id: NodeId,
    certificate: rcgen::Certificate,
    tls: Arc<ServerConfig>,
    state: Mutex<State>,
    mood: watch::Sender<Mood>,
}

struct State {
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
    asked: HashMap<String, usize>,
    macaroons: Vec<(String, Option<String>)>,
    resumed_from: Vec<u64>,
    last_send: Option<wire::Send>,
    last_added: Option<wire::Invoice>,
}

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// As before `lncli unlock`.
    Locked,
    /// Reads, and answers nothing.
    Hangs,
    /// Begins to pay, then breaks the connection.
    LosesAnswers,
    /// Reads a request to pay, and looks at it only when it is well again.
    Sleeps,
    /// Payments stay in flight until it is well again.
    Holds,
    NotSynced,
    OnMainnet,
    /// As a macaroon that allows too little is answered.
    Denies,
    /// As after the macaroon was revoked.
    Rejects,
    /// Does not pay to itself.
    Refuses,
    /// Invoices ask for one millisatoshi more.
    LiesAboutAmount,
    /// Answers with another hash than that of the invoice.
    LiesAboutHash,
    /// Another key signs.
    LiesAboutPayee,
    LookupFails,
    /// Answers, and refuses to tell of settlements.
    TellsNothing,
}

impl FakeLnd {
    pub(crate) async fn start(world: &World) -> Self {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained); // as LND's own
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let state = State {
            address: ([127, 0, 0, 1], 0).into(),
            serving: None,
            asked: HashMap::new(),
            macaroons: Vec::new(),
            resumed_from: Vec::new(),
            last_send: None,
            last_added: None,
        };
        let (tls, state) = (Arc::new(tls), Mutex::new(state));
        let (world, id, mood) = (world.clone(), world.new_node(), watch::Sender::new(Mood::Well));
        let lnd = Self(Arc::new(Node { world, id, certificate, tls, state, mood }));
        lnd.come_back().await;
        lnd
    }

    /// Listens, on the same address as before.
    pub(crate) async fn come_back(&self) {
        let address = self.state().address;
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(server::serve(listener, self.0.tls.clone(), self.clone()));
        let mut state = self.state();
        (state.address, state.serving) = (address, Some(serving));
    }

    /// As if the process had ended.
    pub(crate) async fn go_away(&self) {
        let serving = self.state().serving.take().unwrap();
        serving.abort();
        let _ = serving.await;
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.0.mood.send_replace(mood);
    }

    pub(crate) fn id(&self) -> NodeId {
        self.0.id
    }

    /// How to reach it, with a macaroon that allows everything.
    pub(crate) fn config(&self) -> LndConfig {
        self.config_allowing(&[("info", &["read"]), ("invoices", &["read", "write"]), ("offchain", &["read", "write"])])
    }

    pub(crate) fn config_allowing(&self, ops: &[(&str, &[&str])]) -> LndConfig {
        let certificate = Certificate::find(&self.0.certificate.pem(), Path::new("")).unwrap();
        let macaroon = LndMacaroon::find(&macaroon(ops), Path::new("")).unwrap();
        let mut config = LndConfig::new(self.address().to_string().parse().unwrap(), certificate, macaroon);
        config.deadline = Duration::from_secs(2);
        config
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.state().address
    }

    pub(crate) fn certificate(&self) -> &rcgen::Certificate {
        &self.0.certificate
    }

    /// How often a method was asked for.
    pub(crate) fn asked(&self, method: &str) -> usize {
        self.state().asked.iter().filter(|(path, _)| path.ends_with(method)).map(|(_, times)| times).sum()
    }

    /// Each path with the macaroon that came along.
    pub(crate) fn macaroons(&self) -> Vec<(String, Option<String>)> {
        self.state().macaroons.clone()
    }

    /// The settle indices that subscriptions began from.
    pub(crate) fn resumed_from(&self) -> Vec<u64> {
        self.state().resumed_from.clone()
    }

    pub(crate) fn last_send(&self) -> wire::Send {
        self.state().last_send.clone().unwrap()
    }

    pub(crate) fn last_added(&self) -> wire::Invoice {
        self.state().last_added.clone().unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn mood(&self) -> Mood {
        *self.0.mood.borrow()
    }

    pub(crate) async fn handle(
        &self,
        path: &str,
        macaroon: Option<String>,
        message: &Bytes,
        replies: &mut Replies,
    ) -> Result<(), Refusal> {
        *self.state().asked.entry(path.to_owned()).or_default() += 1;
        self.state().macaroons.push((path.to_owned(), macaroon));
        let mood = self.mood();
        if mood == Mood::Hangs {
            return core::future::pending().await;
        }
        if path == "/lnrpc.State/GetState" {
            let state = if mood == Mood::Locked { wire::LOCKED } else { wire::SERVER_ACTIVE };
            replies.send(&wire::State { state }).await;
            return Ok(());
        }
        match mood {
            Mood::Locked => return Err(Refusal(2, "wallet locked, unlock it to enable full RPC access")),
            Mood::Denies if path != "/lnrpc.Lightning/GetInfo" => return Err(Refusal(2, "permission denied")),
            Mood::Rejects => return Err(Refusal(2, "cannot get macaroon: root key with id 7 doesn't exist")),
            _ => {}
        }
        match path {
            "/lnrpc.Lightning/GetInfo" => self.info(replies).await,
            "/lnrpc.Lightning/AddInvoice" => self.add(&wire::Invoice::decode(message.clone()).unwrap(), replies).await,
            "/lnrpc.Lightning/LookupInvoice" => {
                self.lookup(&hash(&wire::Hash::decode(message.clone()).unwrap().r_hash), replies).await
            }
            "/lnrpc.Lightning/ListInvoices" => {
                replies.send(&self.0.world.page(self.0.id, &wire::List::decode(message.clone()).unwrap())).await;
                Ok(())
            }
            "/lnrpc.Lightning/SubscribeInvoices" => {
                self.subscribe(wire::Subscription::decode(message.clone()).unwrap().settle_index, replies).await
            }
            "/routerrpc.Router/SendPaymentV2" => self.send(wire::Send::decode(message.clone()).unwrap(), replies).await,
            "/routerrpc.Router/TrackPaymentV2" => {
                self.track(&hash(&wire::Hash::decode(message.clone()).unwrap().payment_hash), replies).await
            }
            _ => Err(Refusal(12, "unknown method")),
        }
    }

    async fn info(&self, replies: &mut Replies) -> Result<(), Refusal> {
        let mood = self.mood();
        let network = if mood == Mood::OnMainnet { "mainnet" } else { "regtest" };
        let info = wire::Info {
            identity_pubkey: self.0.id.to_string(),
            alias: "fake".to_owned(),
            synced_to_chain: mood != Mood::NotSynced,
            version: "0.0.0-fake".to_owned(),
            chains: vec![wire::Chain { chain: "bitcoin".to_owned(), network: network.to_owned() }],
        };
        replies.send(&info).await;
        Ok(())
    }

    async fn add(&self, request: &wire::Invoice, replies: &mut Replies) -> Result<(), Refusal> {
        self.state().last_added = Some(request.clone());
        let (hash, payment_request) = self.0.world.add(self.0.id, request, self.mood());
        let r_hash = if self.mood() == Mood::LiesAboutHash { vec![1; 32] } else { hash.as_bytes().to_vec() };
        replies.send(&wire::Added { r_hash, payment_request, add_index: 1 }).await;
        Ok(())
    }

    async fn lookup(&self, hash: &PaymentHash, replies: &mut Replies) -> Result<(), Refusal> {
        if self.mood() == Mood::LookupFails {
            return Err(Refusal(2, "database is closed"));
        }
        let invoice = self.0.world.invoice(self.0.id, hash).ok_or(Refusal(5, "unable to locate invoice"))?;
        replies.send(&invoice).await;
        Ok(())
    }

    async fn subscribe(&self, from: u64, replies: &mut Replies) -> Result<(), Refusal> {
        if self.mood() == Mood::TellsNothing {
            return Err(Refusal(2, "too many subscriptions"));
        }
        self.state().resumed_from.push(from);
        let mut news = self.0.world.news();
        let mut told = if from == 0 { self.0.world.last_settled() } else { from };
        loop {
            for invoice in self.0.world.settled_after(self.0.id, told) {
                told = told.max(invoice.settle_index);
                replies.send(&invoice).await;
            }
            news.changed().await.unwrap();
        }
    }

    async fn send(&self, request: wire::Send, replies: &mut Replies) -> Result<(), Refusal> {
        self.no_longer(Mood::Sleeps).await;
        if self.mood() == Mood::Refuses {
            return Err(Refusal(2, "self-payments not allowed"));
        }
        self.state().last_send = Some(request.clone());
        let hash = self.0.world.begin(self.0.id, &request.payment_request)?;
        let lnd = self.clone();
        tokio::spawn(async move { lnd.carry_out(&hash).await }); // even if the caller is gone
        if self.mood() == Mood::LosesAnswers {
            self.break_connections();
        }
        self.track(&hash, replies).await
    }

    async fn carry_out(&self, hash: &PaymentHash) {
        self.no_longer(Mood::Holds).await;
        sleep(Duration::from_millis(20)).await;
        self.0.world.settle(self.0.id, hash);
    }

    async fn track(&self, hash: &PaymentHash, replies: &mut Replies) -> Result<(), Refusal> {
        let mut news = self.0.world.news();
        loop {
            let payment = self.0.world.payment(self.0.id, hash).ok_or(Refusal(5, "payment isn't initiated"))?;
            replies.send(&payment).await;
            if payment.status != wire::IN_FLIGHT {
                return Ok(());
            }
            news.changed().await.unwrap();
        }
    }

    async fn no_longer(&self, mood: Mood) {
        let _ = self.0.mood.subscribe().wait_for(|now| *now != mood).await.unwrap();
    }

    fn break_connections(&self) {
        let lnd = self.clone();
        tokio::spawn(async move {
            lnd.go_away().await;
            lnd.come_back().await;
        });
    }
}

fn hash(bytes: &[u8]) -> PaymentHash {
    PaymentHash::from_bytes(bytes.try_into().unwrap())
}

/// A macaroon as LND bakes it, in hexadecimal digits.
pub(crate) fn macaroon(ops: &[(&str, &[&str])]) -> String {
    let field = |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let mut identifier = [vec![3], field(0x0a, b"nonce"), field(0x12, b"0")].concat();
    for (entity, actions) in ops {
        let actions: Vec<u8> = actions.iter().flat_map(|action| field(0x12, action.as_bytes())).collect();
        identifier.extend(field(0x1a, &[field(0x0a, entity.as_bytes()), actions].concat()));
    }
    let (mut bytes, mut text) = ([0; 1024], [0; 2048]);
    let macaroon = mint(&RootKey::new(b"fake"), b"lnd", &identifier, &[], &mut bytes).unwrap();
    hex::encode_into(macaroon.as_bytes(), &mut text).unwrap().to_owned()
}

pub(crate) const NETWORK: Network = Network::Regtest;
