//! P6: clients that hold on to what they do not read. The gateway runs in a process of its own, with few descriptors.

use bytes::Bytes;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use l402_gateway::{Payee, Server};
use l402_lightning::Network;
use l402_lightning::testing::FakeNetwork;
use l402_server::config::Config;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const SOON: Duration = Duration::from_mins(2);
const DESCRIPTORS: u64 = 1024;
const CONNECTIONS: usize = 9;
const STREAMS: usize = 128;

/// The variable that tells this program, started by itself, to be the gateway of this configuration.
const CONFIG: &str = "L402_TEST_PINNED_CONFIG";

#[test]
#[ignore = "it is started by the tests of this module"]
fn gateway_with_few_descriptors() {
    let text = std::env::var(CONFIG).unwrap();
    let limit = Rlimit { current: Some(DESCRIPTORS / 2), maximum: Some(DESCRIPTORS) };
    setrlimit(Resource::Nofile, limit).unwrap(); // the gateway may raise what it finds to what is allowed
    let data = tempfile::tempdir().unwrap();
    let text = format!("data_dir = \"{}\"\nlisten = \"127.0.0.1:0\"\nthreads = 2\n{text}", data.path().display());
    let config = Config::from_text(&text, &|_| None).unwrap_or_else(|error| panic!("{text}\n{error}"));
    let server = Server::start(&config.settings, &Payee::new(FakeNetwork::new().node(), Network::Regtest)).unwrap();
    println!("\naddress={}", server.address());
    let _ = std::io::stdin().read(&mut [0]); // until the test has ended
}

/// The gateway's process, which ends with this.
struct Gateway {
    child: Child,
    address: SocketAddr,
}

impl Gateway {
    fn start(text: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "pinned::gateway_with_few_descriptors", "--ignored", "--nocapture"])
            .env(CONFIG, text)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| line.strip_prefix("address=").map(|address| address.parse().unwrap()));
        let address = address.expect("the gateway's address");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An upstream that answers everything with as much as is taken.
async fn endless_upstream() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let is_short = head.starts_with(b"GET /free/short ");
                let length = if is_short { 2 } else { 1_000_000_000 };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nok");
                let mut sent = stream.write_all(head.as_bytes()).await;
                while !is_short && sent.is_ok() {
                    sent = stream.write_all(&[b'x'; 4096]).await;
                }
                let _ = stream.read_u8().await; // until it is closed
            });
        }
    });
    address
}

/// A client that takes nothing: it opens its streams, and answers pings as long as this lives.
async fn pin(address: SocketAddr) -> Vec<http2::SendRequest<Empty<Bytes>>> {
    let (mut all, mut asked) = (Vec::new(), JoinSet::new());
    for _ in 0..CONNECTIONS {
        let Ok(stream) = TcpStream::connect(address).await else { break };
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(0);
        let Ok((sender, connection)) = builder.handshake(TokioIo::new(stream)).await else { continue };
        tokio::spawn(connection);
        for _ in 0..STREAMS {
            let (mut sender, uri) = (sender.clone(), format!("http://{address}/free/endless"));
            asked.spawn(async move {
                sender.ready().await.ok()?;
                let answer = sender.send_request(Request::get(uri).body(Empty::new()).unwrap()).await;
                answer.ok().map(Response::into_body)
            });
        }
        all.push(sender);
    }
    // Each client that was answered keeps the body, and never reads it.
    tokio::spawn(async move {
        let mut kept: Vec<Incoming> = Vec::new();
        while let Some(answer) = asked.join_next().await {
            kept.extend(answer.unwrap());
        }
        core::future::pending::<()>().await;
    });
    all
}

/// Asks as another client would, from an address of its own.
async fn ask(from: Ipv4Addr, to: SocketAddr, path: &str) -> Option<u16> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let asking = async {
        let mut stream = socket.connect(to).await.ok()?;
        let head = format!("GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        core::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
    };
    timeout(SOON, asking).await.ok()? // a busy machine takes its time
}

/// Asks until the answer has this status.
async fn until(from: Ipv4Addr, to: SocketAddr, path: &str, status: u16) {
    let (begun, mut last) = (Instant::now(), None);
    while begun.elapsed() < SOON {
        last = ask(from, to, path).await;
        if last == Some(status) {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{path} was last answered with {last:?}");
}

const ATTACKER: Ipv4Addr = Ipv4Addr::LOCALHOST;
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Attacks a gateway of this configuration, and returns who still holds on.
async fn attacked(settings: &str) -> (Gateway, Vec<http2::SendRequest<Empty<Bytes>>>) {
    let upstream = endless_upstream().await;
    let service = format!(
        "{settings}\n[[service]]\nname = \"a\"\nupstream = \"http://{upstream}\"\nfree = [\"/free/*\"]\nprice = \"1 sat\"\nuses = \"unlimited\"\n\
         [[service.route]]\npath = \"/sold\""
    );
    let gateway = Gateway::start(&service);
    assert_eq!(ask(OTHER, gateway.address, "/free/short").await, Some(200));
    let held = pin(gateway.address).await;
    assert_eq!(held.len(), CONNECTIONS);
    (gateway, held)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_nine_connections_with_window_0_leave_room_for_another_client() {
    // The deadlines are so long that they play no part: who waits for room that does not come is not answered at all.
    let long = "timeouts = { idle = \"1h\", connect = \"10m\", probe = \"1h\", request_head = \"1h\" }";
    let (gateway, _held) = attacked(long).await;
    until(ATTACKER, gateway.address, "/free/short", 429).await;
    for _ in 0..3 {
        assert_eq!(ask(OTHER, gateway.address, "/free/short").await, Some(200));
        assert_eq!(ask(OTHER, gateway.address, "/sold").await, Some(402));
        assert_eq!(ask(OTHER, gateway.address, "/health").await, Some(200));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_nine_connections_with_window_0_hold_nothing_for_ever() {
    // Nothing bounds what one client has, so that it has all that there is until its time is up.
    let settings = "limits = { connections_per_client = 100000, requests_per_client = 100000 }\n\
        timeouts = { idle = \"3s\", connect = \"1s\" }";
    let (gateway, _held) = attacked(settings).await;
    until(OTHER, gateway.address, "/free/short", 200).await;
    until(ATTACKER, gateway.address, "/free/short", 200).await;
    until(OTHER, gateway.address, "/sold", 402).await;
}
