//! The reverse proxy behind the layer, over real sockets: what became of a request is told by whoever sent it.

use super::store;
use crate::support::{Purchase, demo, keys};
use core::net::SocketAddr;
use core::time::Duration;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use l402_core::ledger::Tally;
use l402_core::{Msat, Tariff, Uses};
use l402_http::policy::{Meter, Policy, Sale, TokenTariff};
use l402_http::proxy::{Upstream, UpstreamConfig};
use l402_http::service::Paywall;
use l402_ledger::testing::FakeStore;
use l402_ledger::{Ledger, LedgerStore};
use l402_lightning::Network;
use l402_lightning::testing::FakeNetwork;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tower::Layer;

const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that counts, before an upstream that is somewhere.
struct Gateway {
    address: SocketAddr,
    store: FakeStore,
}

impl Gateway {
    async fn before(upstream: SocketAddr) -> Self {
        Self::selling(upstream, |sale| sale.uses(Uses::ONCE)).await
    }

    async fn selling(upstream: SocketAddr, terms: impl FnOnce(Sale) -> Sale) -> Self {
        let sale = terms(Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo"));
        let policy = Policy::builder().sell(sale).build().unwrap();
        let (store, node) = (store(), FakeNetwork::new().node());
        let paywall = Paywall::new(policy, keys(), node, Network::Regtest)
            .ledger(Ledger::new(store.clone()))
            .ledger_deadline(Duration::from_millis(100));
        let config = UpstreamConfig::new(&format!("http://{upstream}").parse().unwrap()).unwrap();
        let service = paywall.layer().layer(Upstream::<Incoming>::new(&config).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                let http =
                    http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
                tokio::spawn(http.with_upgrades());
            }
        });
        Self { address, store }
    }

    /// Sends a request, and returns the connection.
    async fn send(&self, token: &Purchase, method: &str, fields: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{method} /v1/demo HTTP/1.1\r\nhost: shop.example\r\nauthorization: {}\r\n{fields}\r\n",
            token.credential()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn ask(&self, token: &Purchase, method: &str) -> String {
        let mut stream = self.send(token, method, "connection: close\r\n").await;
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        answer
    }

    async fn tally(&self, token: &Purchase) -> Tally {
        let uses = self.store.uses(&token.preimage.hash()).await.unwrap();
        uses.and_then(|uses| uses.tallies.first().map(|(_, tally)| *tally)).unwrap_or_default()
    }
}

fn token(preimage: u8) -> Purchase {
    Purchase::mint(&keys(), &demo().uses(Uses::ONCE), [preimage; 32])
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("a head in time");
        head.push(byte.unwrap_or_else(|_| panic!("closed after {:?}", String::from_utf8_lossy(&head))));
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn s2_nothing_was_sent_where_nobody_listens() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = Gateway::before(nobody).await;
    for (method, number) in [("GET", 1), ("POST", 2)] {
        let token = token(number);
        let answer = gateway.ask(&token, method).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"undeliverable\""), "{answer}");
        assert!(answer.contains("x-l402-remaining: 1\r\n") && answer.contains("retry-after: "), "{answer}");
        let tally = gateway.tally(&token).await;
        assert_eq!((tally.reserved, tally.committed, tally.doubtful, tally.tries), (0, 0, 0, 0), "{method}");
    }
}

#[tokio::test]
async fn s2_what_was_sent_and_not_answered_is_in_doubt_unless_it_only_reads() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::before(listener.local_addr().unwrap()).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { drop(head(&mut stream).await) }); // and closes
        }
    });
    for (method, number, doubtful) in [("GET", 1, 0), ("POST", 2, 1)] {
        let token = token(number);
        let answer = gateway.ask(&token, method).await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("\"upstream-reset\""), "{answer}");
        let tally = gateway.tally(&token).await;
        assert_eq!((tally.reserved, tally.committed, tally.doubtful), (0, 0, doubtful), "{method}");
    }
}

/// Nobody is told to send a body for which there is no use.
#[tokio::test]
async fn s2_a_body_is_asked_for_once_there_is_a_use() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::before(listener.local_addr().unwrap()).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
            stream.read_exact(&mut [0; 4]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
        }
    });
    let (token, expects) = (token(1), "expect: 100-continue\r\ncontent-length: 4\r\n");
    let mut client = gateway.send(&token, "POST", expects).await;
    assert!(head(&mut client).await.starts_with("HTTP/1.1 100 "));
    assert_eq!(gateway.tally(&token).await.reserved, 1);
    client.write_all(b"seed").await.unwrap();
    assert!(head(&mut client).await.starts_with("HTTP/1.1 200 "));
    let mut client = gateway.send(&token, "POST", expects).await;
    let answer = head(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 402 "), "{answer}");
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";

/// An upstream that agrees to a WebSocket when it may, and tells what it reads then.
async fn chat(mut may: mpsc::Receiver<()>) -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel(4);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        tell.send(b"asked".to_vec()).await.unwrap();
        may.recv().await.unwrap();
        let agree = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(agree.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read).await; // an error is an end too
        tell.send(read).await.unwrap();
    });
    (address, told)
}

#[tokio::test]
async fn s2_a_101_is_passed_on_only_once_its_use_is_committed() {
    for is_away in [false, true] {
        let (let_go, may) = mpsc::channel(1);
        let (upstream, mut told) = chat(may).await;
        let gateway = Gateway::before(upstream).await;
        let token = token(1);
        let mut client = gateway.send(&token, "GET", UPGRADE).await;
        assert_eq!(told.recv().await.unwrap(), b"asked");
        gateway.store.set_away(is_away);
        let_go.send(()).await.unwrap();
        let answer = head(&mut client).await;
        if is_away {
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        } else {
            assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("x-l402: spent\r\n"), "{answer}");
            assert_eq!(gateway.tally(&token).await.committed, 1);
            client.write_all(b"\x81\x00").await.unwrap();
            client.shutdown().await.unwrap();
        }
        // The upstream's side of the tunnel ends, and has got nothing of a client that was not let in.
        let read = tokio::time::timeout(PATIENCE, told.recv()).await.expect("the tunnel is closed").unwrap();
        assert_eq!(read, if is_away { &b""[..] } else { b"\x81\x00" });
    }
}

/// An upstream that answers one request with these bytes.
async fn says(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    address
}

#[tokio::test]
async fn s6_a_client_that_takes_trailers_learns_its_balance() {
    let upstream = says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").await;
    let tariff = Tariff::new(Msat::from_sat(1), 1).unwrap();
    let gateway = Gateway::selling(upstream, |sale| sale.meter(Meter::Bytes(tariff))).await;
    let token = Purchase::mint(&keys(), &demo().uses(Uses::Metered), [1; 32]);
    let mut stream = gateway.send(&token, "GET", "connection: close, te\r\nte: trailers\r\n").await;
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.contains("trailer: x-l402-balance-msat\r\n"), "{answer}");
    assert!(answer.ends_with("0\r\nx-l402-balance-msat: 18000\r\n\r\n"), "{answer}");
}

/// Whoever knows the length does not ask whether there is more.
#[tokio::test]
async fn s6_events_are_whole_where_their_length_says_so() {
    let upstream = says(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 63\r\n\r\n\
         data: {\"usage\": {\"prompt_tokens\": 1, \"completion_tokens\": 1}}\n\n",
    )
    .await;
    let tokens = TokenTariff::new(Msat::from_sat(1), Msat::from_sat(1), 1, 10).unwrap();
    let gateway = Gateway::selling(upstream, |sale| sale.meter(Meter::Tokens(tokens))).await;
    let token = Purchase::mint(&keys(), &demo().uses(Uses::Metered), [1; 32]);
    let answer = gateway.ask(&token, "GET").await;
    assert!(answer.ends_with("}}\n\n"), "{answer}");
    while gateway.tally(&token).await.reserved > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(gateway.tally(&token).await.committed, 2_000);
}

/// The end is announced as that of a token is, and what was not used is given back.
#[tokio::test]
async fn s6_a_tunnel_ends_where_its_balance_does() {
    for is_left in [false, true] {
        let (let_go, may) = mpsc::channel(1);
        let (upstream, mut told) = chat(may).await;
        let second = Tariff::new(Msat::from_sat(if is_left { 1 } else { 21 }), 1).unwrap();
        let gateway = Gateway::selling(upstream, |sale| sale.meter(Meter::Seconds(second))).await;
        let token = Purchase::mint(&keys(), &demo().uses(Uses::Metered), [1; 32]);
        let mut client = gateway.send(&token, "GET", UPGRADE).await;
        assert_eq!(told.recv().await.unwrap(), b"asked");
        let_go.send(()).await.unwrap();
        let answer = head(&mut client).await;
        let balance = if is_left { 16_000 } else { 0 };
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.contains(&format!("x-l402-balance-msat: {balance}\r\n")), "{answer}");
        if is_left {
            client.shutdown().await.unwrap();
        } else {
            let opcode = tokio::time::timeout(PATIENCE, client.read_u8()).await.expect("the tunnel is closed").unwrap();
            assert_eq!(opcode, 0x88, "a close frame");
            drop(client);
        }
        tokio::time::timeout(PATIENCE, told.recv()).await.expect("the tunnel is closed").unwrap();
        let mut tally = gateway.tally(&token).await;
        while is_left && tally.committed >= 5_000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            tally = gateway.tally(&token).await;
        }
        assert!(is_left || tally.committed == 21_000, "{tally:?}");
    }
}

/// Nothing counts the bytes of a tunnel, so that none is asked for.
#[tokio::test]
async fn s6_a_tunnel_is_not_sold_by_the_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        asked
    });
    let byte = Tariff::new(Msat::new(1), 1).unwrap();
    let gateway = Gateway::selling(upstream, |sale| sale.meter(Meter::Bytes(byte))).await;
    let token = Purchase::mint(&keys(), &demo().uses(Uses::Metered), [1; 32]);
    let mut client = gateway.send(&token, "GET", UPGRADE).await;
    assert!(head(&mut client).await.starts_with("HTTP/1.1 426 "));
    assert!(!asked.await.unwrap().to_lowercase().contains("upgrade"));
}
