//! What the demo plays on: the network, the upstream, the gateway.

use crate::transcript::Transcript;
use anyhow::{Context, Result};
use core::net::SocketAddr;
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_ldk::LdkNode;
use l402_lightning::Network;
use l402_regtest::Sandbox;
use l402_server::config::Config;
use plannt::model::Model;
use plannt::{stand_in_model, upstream};
use std::path::Path;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Everything that runs.
pub(crate) struct Stage {
    sandbox: Sandbox,
    server: Server,
    _keeper: LedgerKeeper,
    _data: TempDir,
}

impl Stage {
    /// Starts it all.
    pub(crate) async fn set(transcript: &mut Transcript) -> Result<Self> {
        let sandbox = Sandbox::builder().start().await.context("cannot start the sandbox")?;
        let channels = sandbox.payer().channels().len();
        transcript.set(format_args!("regtest chain, two Lightning nodes, {channels} channels"));

        let upstream = start_upstream().await.context("the upstream does not start")?;
        transcript.set(format_args!("Plannt API on {upstream}"));

        let data = tempfile::tempdir()?;
        let config = config(upstream, data.path())?;
        let keeper = LedgerKeeper::start(config.ledger.open().await.context("cannot open the ledger")?.ledger);
        let payee = Payee::new(sandbox.payee().clone(), Network::Regtest).id(sandbox.payee().node_id());
        let bound = Server::bind(&config.settings).context("the gateway does not start")?.ledger(&keeper);
        let server = bound.serve(&config.settings, &payee).context("the gateway does not start")?;
        transcript.set(format_args!(
            "gateway on {}, selling {} routes",
            server.address(),
            config.settings.policy().routes().len()
        ));
        Ok(Self { sandbox, server, _keeper: keeper, _data: data })
    }

    /// Where the gateway listens.
    pub(crate) fn gateway(&self) -> SocketAddr {
        self.server.address()
    }

    /// The node that pays.
    pub(crate) fn wallet(&self) -> &LdkNode {
        self.sandbox.payer()
    }

    /// Stops it all.
    pub(crate) async fn strike(self) -> Result<()> {
        self.server.shutdown().await;
        self.sandbox.stop().await.context("error while stopping a node")
    }
}

/// Starts the Plannt API and the stand-in for its model; both end with the process.
async fn start_upstream() -> Result<SocketAddr> {
    let model = TcpListener::bind(LOOPBACK).await?;
    let stand_in = Model::new(&format!("http://{}", model.local_addr()?), "stand-in")?;
    tokio::spawn(stand_in_model::serve(model));
    let listener = TcpListener::bind(LOOPBACK).await?;
    let address = listener.local_addr()?;
    tokio::spawn(upstream::serve(listener, stand_in));
    Ok(address)
}

/// The example's own configuration, with free ports and a folder for its keys and its ledger.
fn config(upstream: SocketAddr, folder: &Path) -> Result<Config> {
    let text = include_str!("../../../plannt.toml").replace("http://127.0.0.1:3402", &format!("http://{upstream}"));
    let environment = |name: &str| match name {
        "L402_LISTEN" => Some(LOOPBACK.to_owned()),
        "L402_SERVER_DATA_DIR" => folder.to_str().map(str::to_owned),
        "OPENAI_KEY" => Some("the stand-in takes any key".to_owned()),
        _ => None,
    };
    Ok(Config::from_text(&text, &environment)?)
}

const LOOPBACK: &str = "127.0.0.1:0";
