//! The layer around other people's services, over real sockets.

use crate::support::{Purchase, Shop, demo, keys, policy};
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::routing::{get, post};
use core::convert::Infallible;
use core::net::SocketAddr;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use l402_core::Grant;
use l402_http::service::Paywall;
use l402_lightning::Network;
use l402_lightning::testing::FakeNetwork;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service, ServiceExt};

/// An axum application that knows who paid and streams what it is sent.
async fn axum_shop() -> SocketAddr {
    let layer = Paywall::new(policy(), keys(), FakeNetwork::new().node(), Network::Regtest).layer();
    let router = Router::new()
        .route("/v1/demo", get(async |Extension(grant): Extension<Grant>| format!("paid {}", grant.payment_hash())))
        .route("/v1/demo", post(async |request: Request| request.into_body()));
    let app = ServiceExt::<Request>::map_response(layer.layer(router), |response| response.map(Body::new));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, tower::make::Shared::new(app)).await });
    address
}

async fn hyper_shop() -> SocketAddr {
    let service = TowerToHyperService::new(Shop::open().service);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await
            });
        }
    });
    address
}

/// Sends bytes and returns all that comes back until the server closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn axum_router_is_sold() {
    let address = axum_shop().await;
    let bought = Purchase::mint(&keys(), &demo(), [1; 32]);
    let unpaid = exchange(address, "GET /v1/demo HTTP/1.1\nhost: a\nconnection: close\n\n").await;
    assert!(unpaid.starts_with("HTTP/1.1 402 Payment Required\r\n"), "{unpaid}");
    assert_eq!(unpaid.matches("www-authenticate: ").count(), 2);
    assert!(unpaid.contains("cache-control: no-store\r\n"));

    let authorization = bought.credential();
    let paid = format!("GET /v1/dem%6f HTTP/1.1\nhost: a\nconnection: close\nauthorization: {authorization}\n\n");
    assert!(exchange(address, &paid).await.ends_with(&format!("paid {}", bought.preimage.hash())));

    let sent = format!(
        "POST /v1/demo HTTP/1.1\nhost: a\nconnection: close\nauthorization: {authorization}\ntransfer-encoding: chunked\n\n\
         5\nhello\n0\n\n"
    );
    assert!(exchange(address, &sent).await.contains("hello"));
}

#[tokio::test]
async fn hyper_service_is_sold() {
    let address = hyper_shop().await;
    let head = exchange(address, "HEAD /v1/demo HTTP/1.1\nhost: a\nconnection: close\n\n").await;
    assert!(head.starts_with("HTTP/1.1 402 Payment Required\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let authorization = Purchase::mint(&keys(), &demo(), [1; 32]).credential();
    let twice = format!(
        "GET /v1/demo HTTP/1.1\nhost: a\nconnection: close\nauthorization: {authorization}\nauthorization: {authorization}\n\n"
    );
    assert!(exchange(address, &twice).await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    let once = format!("GET /v1/demo HTTP/1.1\nhost: a\nconnection: close\nauthorization: {authorization}\n\n");
    assert!(exchange(address, &once).await.ends_with("served"));
}

/// The futures and services go wherever their parts go.
#[test]
fn the_service_is_send_and_clone() {
    fn require<S: Service<Request, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static>(_: &S) {}
    require(&Shop::open().service);
}
