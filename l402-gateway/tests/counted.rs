//! A gateway that counts, over real sockets: the body of a request tells it from others.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use core::net::SocketAddr;
use core::time::Duration;
use l402_core::{CredentialLine, Msat, Offer, Scheme, Uses};
use l402_gateway::settings::{PricedRoute, Service, Settings};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_http::proxy::UpstreamConfig;
use l402_ledger::{Ledger, LedgerStore, testing::FakeStore};
use l402_lightning::testing::FakeNetwork;
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource, unix_now};

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An upstream that keeps the bodies of its requests, and answers with 500 as long as it has seen only one.
async fn upstream(seen: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"END") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => return, // the gateway connected in advance
                    }
                }
                let request = String::from_utf8(request).unwrap();
                let count = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.split_once("\r\n\r\n").unwrap().1.to_owned());
                    seen.len()
                };
                let status = if count == 1 { "500 Internal Server Error" } else { "200 OK" };
                let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 6\r\n\r\nserved");
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    address
}

/// Sends a request whose connection closes after the answer.
async fn send(to: SocketAddr, fields: &str, body: &str) -> String {
    send_raw(to, &format!("{fields}content-length: {}\r\n", body.len()), body).await
}

/// The same, with a body that is framed as the fields say.
async fn send_raw(to: SocketAddr, fields: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = "POST /seed HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    stream.write_all(format!("{head}{fields}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await;
    read.expect("an answer in time").unwrap();
    answer
}

/// Breaks off a request in its body, and waits until the gateway has noticed.
async fn cut(to: SocketAddr, fields: &str, body: &str) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(format!("POST /seed HTTP/1.1\r\nhost: a\r\n{fields}\r\n{body}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.expect("an end in time").unwrap();
}

#[tokio::test]
async fn s2_a_post_without_a_key_is_told_from_others_by_its_body() {
    let (data, seen) = (tempfile::tempdir().unwrap(), Arc::default());
    let origin = format!("http://{}", upstream(Arc::clone(&seen)).await);
    let mut service = Service::new("plannt".parse().unwrap(), UpstreamConfig::new(&origin.parse().unwrap()).unwrap());
    let offer = Offer::new(service.name.clone(), Msat::from_sat(21)).uses(Uses::times(2).unwrap());
    service.routes.push(PricedRoute::new("/seed", offer));
    let mut settings = Settings::new(data.path(), vec![service]).unwrap();
    settings.listen = "127.0.0.1:0".parse().unwrap();
    let (store, now) = (FakeStore::new(), unix_now().get());
    store.turn_back(Duration::from_secs(1_800_000_000_u64.saturating_sub(now)));
    store.pass(Duration::from_secs(now.saturating_sub(1_800_000_000)));
    let counted = store.clone();
    let (network, keeper) = (FakeNetwork::new(), LedgerKeeper::start(Ledger::new(store)));
    let payee = Payee::new(network.node(), Network::Regtest);
    let server = Server::bind(&settings).unwrap().ledger(&keeper).serve(&settings, &payee).unwrap();
    let gateway = server.address();

    let challenge = send(gateway, "", "END").await;
    let terms: serde_json::Value = serde_json::from_str(challenge.split_once("\r\n\r\n").unwrap().1).unwrap();
    let invoice = Invoice::parse(terms["invoice"].as_str().unwrap()).unwrap();
    let preimage = network.node().pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap().preimage;
    let token = terms["token"].as_str().unwrap();
    let paid = format!("authorization: {}\r\n", CredentialLine { scheme: Scheme::L402, token, preimage: &preimage });

    let broken = send_raw(gateway, &format!("{paid}transfer-encoding: chunked\r\n"), "4\r\nseed\r\nno chunk\r\n").await;
    assert!(broken.starts_with("HTTP/1.1 400 ") && broken.contains("\"request-aborted\""), "{broken}");
    cut(gateway, &format!("{paid}idempotency-key: one\r\ncontent-length: 100\r\n"), "seed").await;
    assert!(counted.uses(&preimage.hash()).await.unwrap().is_none(), "no use was taken");

    let large = format!("{}END", "seed ".repeat(100_000));
    let failed = send(gateway, &paid, &large).await;
    assert!(failed.starts_with("HTTP/1.1 500 ") && failed.contains("x-l402: in-doubt\r\n"), "{failed}");
    let again = send(gateway, &paid, &large).await;
    assert!(again.starts_with("HTTP/1.1 409 ") && again.contains("\"in-doubt\""), "{again}");
    let other = send(gateway, &paid, "another END").await;
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
    assert_eq!(*seen.lock().unwrap(), [large, "another END".to_owned()], "each body came whole");
    server.shutdown().await;
}
