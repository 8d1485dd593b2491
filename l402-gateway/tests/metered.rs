//! A gateway that charges by the byte, over real sockets: what was charged arrives, and the end says that it is none.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use core::net::SocketAddr;
use core::time::Duration;
use http::{Request, StatusCode};
use l402_core::{CredentialLine, Msat, Offer, Scheme, Tariff, Uses};
use l402_gateway::settings::{PricedRoute, Service, Settings};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_http::policy::Meter;
use l402_http::proxy::UpstreamConfig;
use l402_ledger::{Ledger, testing::FakeStore};
use l402_lightning::testing::FakeNetwork;
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource, unix_now};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// What 21 sat pay for.
const PAID: usize = 2_100_000;

/// What the upstream sends.
const WHOLE: usize = 8_000_000;

const PATIENCE: Duration = Duration::from_mins(1);

/// An upstream whose body is longer than what is paid for. `/big?known` says how long it is.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return, // the gateway connected in advance
        }
    }
    let length =
        if request.starts_with(b"GET /big?known") { format!("content-length: {WHOLE}\r\n") } else { String::new() };
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{length}\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&vec![b'x'; WHOLE]).await; // the gateway takes what is paid for
}

struct Stand {
    _data: tempfile::TempDir,
    _keeper: LedgerKeeper,
    network: FakeNetwork,
    server: Server,
}

impl Stand {
    async fn new() -> Self {
        let (store, now) = (FakeStore::new(), unix_now().get());
        store.turn_back(Duration::from_secs(1_800_000_000_u64.saturating_sub(now)));
        store.pass(Duration::from_secs(now.saturating_sub(1_800_000_000)));
        let (data, network) = (tempfile::tempdir().unwrap(), FakeNetwork::new());
        let origin = format!("http://{}", upstream().await).parse().unwrap();
        let mut service = Service::new("plannt".parse().unwrap(), UpstreamConfig::new(&origin).unwrap());
        let offer = Offer::new(service.name.clone(), Msat::from_sat(21)).uses(Uses::Metered);
        let mut route = PricedRoute::new("/big", offer);
        route.meter = Some(Meter::Bytes(Tariff::new(Msat::new(1), 100).unwrap()));
        service.routes.push(route);
        let mut settings = Settings::new(data.path(), vec![service]).unwrap();
        settings.listen = "127.0.0.1:0".parse().unwrap();
        let keeper = LedgerKeeper::start(Ledger::new(store));
        let payee = Payee::new(network.node(), Network::Regtest);
        let server = Server::bind(&settings).unwrap().ledger(&keeper).serve(&settings, &payee).unwrap();
        Self { _data: data, _keeper: keeper, network, server }
    }

    /// Buys a balance, and returns the value of `Authorization`.
    async fn buy(&self) -> String {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        stream.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut challenge = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut challenge)).await.expect("a challenge in time").unwrap();
        let terms: serde_json::Value = serde_json::from_str(challenge.split_once("\r\n\r\n").unwrap().1).unwrap();
        let invoice = Invoice::parse(terms["invoice"].as_str().unwrap()).unwrap();
        let preimage = self.network.node().pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap().preimage;
        let token = terms["token"].as_str().unwrap();
        CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string()
    }

    /// Connects as a client that takes little at a time.
    async fn connect(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.connect(self.server.address()).await.unwrap()
    }
}

/// Reads what a server sends until it closes, in small bites.
async fn read(mut stream: TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    loop {
        let mut bite = [0; 8_192];
        match timeout(PATIENCE, stream.read(&mut bite)).await.expect("an end in time") {
            Ok(0) | Err(_) => return read,
            Ok(count) => read.extend_from_slice(&bite[..count]),
        }
    }
}

#[tokio::test]
async fn s6_over_http_1_what_was_charged_arrives_before_the_body_breaks_off() {
    let stand = Stand::new().await;
    for path in ["/big?known", "/big"] {
        let mut stream = stand.connect().await;
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: {}\r\n\r\n", stand.buy().await);
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read(stream).await;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let head = core::str::from_utf8(&answer[..end]).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(head.contains("transfer-encoding: chunked\r\n"), path == "/big", "{head}");
        assert_eq!(answer[end..].split(|byte| *byte == b'x').count() - 1, PAID, "{path}");
        assert!(!answer.ends_with(b"\r\n0\r\n\r\n"), "{path} is not whole");
    }
    stand.server.shutdown().await;
}

#[tokio::test]
async fn s6_over_http_2_what_was_charged_arrives_before_the_stream_is_reset() {
    let stand = Stand::new().await;
    let (mut client, connection) = h2::client::handshake(stand.connect().await).await.unwrap();
    tokio::spawn(connection);
    for path in ["/big?known", "/big"] {
        let request =
            Request::get(format!("http://a{path}")).header("authorization", stand.buy().await).body(()).unwrap();
        let response = client.send_request(request, true).unwrap().0.await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let (mut body, mut bytes) = (response.into_body(), 0);
        let error = loop {
            match timeout(PATIENCE, body.data()).await.expect("an end in time") {
                Some(Ok(data)) => {
                    bytes += data.len();
                    body.flow_control().release_capacity(data.len()).unwrap();
                }
                Some(Err(error)) => break error,
                None => panic!("{path} seems to be whole"),
            }
        };
        assert_eq!((bytes, error.reason()), (PAID, Some(h2::Reason::INTERNAL_ERROR)), "{path}");
    }
    stand.server.shutdown().await;
}

/// Some find a slice, some a part of one, and some none: each hears which.
#[tokio::test]
async fn s6_over_http_1_no_reply_is_empty_when_many_share_a_balance() {
    let stand = Stand::new().await;
    let credential = stand.buy().await;
    let mut tasks = Vec::new();
    for turn in 0..24 {
        let mut stream = TcpStream::connect(stand.server.address()).await.unwrap();
        let path = if turn % 2 == 0 { "/big?known" } else { "/big" };
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: {credential}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        tasks.push(tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match timeout(PATIENCE, stream.read_u8()).await.expect("a reply in time") {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            (String::from_utf8_lossy(&head).into_owned(), stream)
        }));
    }
    for task in tasks {
        let (head, _stream) = task.await.unwrap();
        assert!(["HTTP/1.1 200", "HTTP/1.1 402", "HTTP/1.1 409"].iter().any(|line| head.starts_with(line)), "{head:?}");
    }
}
