//! The program buys: it reads a 402, pays through a wallet, and prints what it gets for the token.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use axum::Router;
use axum::routing::get;
use l402_core::{DerivedKeys, MasterKey, Msat};
use l402_http::policy::{Policy, PolicyBuilder, Sale};
use l402_http::service::Paywall;
use l402_lightning::Network;
use l402_lightning::testing::FakeNetwork;
use l402_regtest::wallet::WalletServer;
use std::process::Output;
use tokio::net::TcpListener;
use tokio::process::Command;
use tower_layer::Layer as _;

#[tokio::test]
async fn one_response_is_bought_from_an_axum_app_with_the_fake_node() {
    let network = FakeNetwork::new();
    let (seller, buyer) = (network.node(), network.node());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wallet.json");
    let wallet = WalletServer::start(buyer.clone(), buyer.node_id(), file).unwrap();

    let sales = [Sale::new("weather", "/weather", Msat::from_sat(21)), Sale::new("gold", "/gold", Msat::from_sat(101))];
    let policy = sales.into_iter().fold(Policy::builder(), PolicyBuilder::sell).build().unwrap();
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    let paywall = Paywall::new(policy, keys, seller, Network::Regtest).layer();
    let router = Router::new().route("/weather", get(async || "sunny\n")).route("/gold", get(async || "gold\n"));
    let app = Router::new().fallback_service(paywall.layer(router));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shop = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let bought = run(&format!("{shop}/weather"), &wallet).await;
    assert_eq!(String::from_utf8_lossy(&bought.stdout), "sunny\n", "{}", String::from_utf8_lossy(&bought.stderr));
    assert_eq!(buyer.payments_sent(), 1);

    let too_dear = run(&format!("{shop}/gold"), &wallet).await;
    assert!(!too_dear.status.success() && too_dear.stdout.is_empty());
    assert!(String::from_utf8_lossy(&too_dear.stderr).contains("above the limit"));
    assert_eq!(buyer.payments_sent(), 1, "nothing more was paid");
}

async fn run(url: &str, wallet: &WalletServer) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_buy-with-reqwest"));
    program.arg(url).env("L402_SANDBOX", wallet.path()).output().await.unwrap()
}
