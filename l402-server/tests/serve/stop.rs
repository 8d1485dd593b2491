//! Stopping.

use crate::support::{Answer, Echo, Gateway, send};
use core::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

async fn with_slow_request(shutdown: &str) -> (Echo, Gateway, TcpStream) {
    let echo = Echo::start().await;
    let text = "[[service]]\nname = \"a\"\nprice = \"1 sat\"\nfree = [\"/slow\"]";
    let gateway =
        Gateway::start(&format!("timeouts = {{ shutdown = \"{shutdown}\" }}\n{text}\nupstream = {:?}", echo.url));
    let mut stream = gateway.connect().await;
    send(&mut stream, "GET", "/slow", &[]).await;
    timeout(SOON, echo.arrived.notified()).await.expect("the upstream has the request");
    (echo, gateway, stream)
}

#[tokio::test]
async fn a_request_under_way_ends_and_no_other_begins() {
    let (echo, gateway, mut stream) = with_slow_request("10s").await;
    let address = gateway.address();
    let stopped = tokio::spawn(gateway.server.shutdown());
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(SOON, refused).await.expect("nothing is accepted any more");
    assert!(!stopped.is_finished(), "the request is waited for");
    echo.release.notify_one();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
    timeout(SOON, stopped).await.expect("it has stopped").expect("without a panic");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_at_the_deadline() {
    let (_echo, gateway, _stream) = with_slow_request("100ms").await;
    timeout(SOON, gateway.server.shutdown()).await.expect("it has stopped");
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_stop() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    let _idle = gateway.connect().await;
    timeout(SOON, gateway.server.shutdown()).await.expect("it has stopped");
}

#[tokio::test]
async fn the_same_keys_serve_after_a_restart() {
    let echo = Echo::start().await;
    let keys = tempfile::tempdir().expect("a folder");
    let text =
        format!("upstream = {:?}\nkey_dir = {:?}\nprotocol = {{ strict_settlement = false }}", echo.url, keys.path());
    let first = Gateway::start(&text);
    let credential = first.buy("GET", "/").await;
    first.server.shutdown().await;
    let second = Gateway::start(&text);
    assert_eq!(second.ask("GET", "/", &[("Authorization", &credential)]).await.status, 200);
}
