//! A real gateway, which may keep its answers, before an upstream that sends the second half of an answer when it may.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use l402_core::{Msat, Offer, Uses};
use l402_gateway::settings::{PricedRoute, Service, Settings};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_http::proxy::UpstreamConfig;
use l402_ledger::{Ledger, testing::FakeStore};
use l402_lightning::testing::FakeNode;
use l402_lightning::{Network, unix_now};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// A running gateway. It ends with the runtime.
pub(crate) struct Gateway {
    server: Server,
    calls: Arc<AtomicUsize>,
    may: Arc<Semaphore>,
    _keeper: LedgerKeeper,
    _data: tempfile::TempDir,
}

impl Gateway {
    /// Sells `/seed` so many times for 21 sat.
    pub(crate) async fn open(payee: &FakeNode, uses: u32, keeps: bool) -> Self {
        let (calls, may) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let upstream = upstream(Arc::clone(&calls), Arc::clone(&may)).await;
        let origin = format!("http://{upstream}").parse().unwrap();
        let mut service = Service::new("plannt".parse().unwrap(), UpstreamConfig::new(&origin).unwrap());
        let offer = Offer::new(service.name.clone(), Msat::from_sat(21)).uses(Uses::times(uses).unwrap());
        let mut route = PricedRoute::new("/seed", offer);
        route.keep_answer = keeps.then_some(Duration::from_mins(10));
        service.routes.push(route);
        let data = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(data.path(), vec![service]).unwrap();
        settings.listen = "127.0.0.1:0".parse().unwrap();
        let keeper = LedgerKeeper::start(Ledger::new(store()));
        let payee = Payee::new(payee.clone(), Network::Regtest);
        let server = Server::bind(&settings).unwrap().ledger(&keeper).serve(&settings, &payee).unwrap();
        Self { server, calls, may, _keeper: keeper, _data: data }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/seed", self.server.address())
    }

    /// Lets the upstream end so many of its answers.
    pub(crate) fn may_end(&self, answers: usize) {
        self.may.add_permits(answers);
    }

    /// How many requests the upstream has seen.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Returns a URL whose connections break off after the first half of an answer, so many times.
    pub(crate) async fn through_a_bad_line(&self, breaks: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, to) = (listener.local_addr().unwrap(), self.server.address());
        let left = Arc::new(AtomicUsize::new(breaks));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(relay(near, to, Arc::clone(&left)));
            }
        });
        format!("http://{address}/seed")
    }
}

/// A store whose clock is that of the machine.
fn store() -> FakeStore {
    let (store, now) = (FakeStore::new(), unix_now().get());
    store.turn_back(Duration::from_secs(1_800_000_000_u64.saturating_sub(now)));
    store.pass(Duration::from_secs(now.saturating_sub(1_800_000_000)));
    store
}

async fn upstream(calls: Arc<AtomicUsize>, may: Arc<Semaphore>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&calls), Arc::clone(&may)));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, calls: Arc<AtomicUsize>, may: Arc<Semaphore>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return, // the gateway connected in advance
        }
    }
    let number = calls.fetch_add(1, Ordering::SeqCst) + 1;
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 12\r\n\r\n";
    stream.write_all(format!("{head}first {number}").as_bytes()).await.unwrap();
    may.acquire().await.unwrap().forget();
    let _ = stream.write_all(b" last").await; // a gateway that keeps nothing has gone
}

/// Passes bytes on; on a bad line, until the first half of an answer has come.
async fn relay(mut near: TcpStream, to: SocketAddr, left: Arc<AtomicUsize>) {
    let mut far = TcpStream::connect(to).await.unwrap();
    let (mut out, mut back) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = near.read(&mut out) => match read {
                Ok(length @ 1..) => far.write_all(&out[..length]).await.unwrap(),
                _ => return,
            },
            read = far.read(&mut back) => match read {
                Ok(length @ 1..) => {
                    let half = back[..length].windows(HALF).position(|text| text.starts_with(b"first "));
                    let take = |left: usize| left.checked_sub(1);
                    let breaks = half.filter(|_| left.try_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok());
                    let length = breaks.map_or(length, |start| start + HALF);
                    if near.write_all(&back[..length]).await.is_err() || breaks.is_some() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

/// The length of the first half of an answer.
const HALF: usize = "first 1".len();
