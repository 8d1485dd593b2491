//! Sells one route of an axum app: `GET /weather` costs 21 sat, `GET /` is free.

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::get;
use l402_core::{DerivedKeys, MasterKey, Msat};
use l402_http::policy::{Free, Policy, Sale};
use l402_http::service::Paywall;
use l402_lightning::Network;
use l402_regtest::{Sandbox, wallet};
use tokio::net::TcpListener;
use tower_layer::Layer as _;

#[tokio::main]
async fn main() -> Result<()> {
    // Two Lightning nodes with play money. For real money, use a node of `l402-ldk` or `l402-lnd`, and its network.
    let sandbox = Sandbox::builder().start().await?;
    let file = l402_sandbox::default_path().context("no directory for the wallet file; set L402_SANDBOX to a path")?;
    let _wallet = wallet::serve(sandbox.payer().clone(), file)?; // `l402` and `buy-with-reqwest` pay from it

    // Anyone who knows these bytes can make tokens. Keep them in a file, or a restart forgets what was sold.
    let mut master_key = [0; 32];
    getrandom::fill(&mut master_key)?;

    let weather = Sale::new("weather", "/weather", Msat::from_sat(21));
    let policy = Policy::builder().sell(weather).free(Free::new("/")).build()?;
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes(master_key));
    let paywall = Paywall::new(policy, keys, sandbox.payee().clone(), Network::Regtest).layer();

    let router = Router::new()
        .route("/weather", get(async || "sunny, 21 degrees\n"))
        .route("/", get(async || "GET /weather costs 21 sat\n"));
    let app = Router::new().fallback_service(paywall.layer(router));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("selling http://{}/weather", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
