//! The command `l402` that is killed while an LND pays for it: what its next start finds, on its disk and at the node.

use core::fmt::Display;
use core::time::Duration;
use std::path::PathBuf;
use std::process::{Child, Command, Output};

use interop::{GOODS, Gateway, Upstream};
use l402_client::exit::Exit;
use l402_regtest::lnd::{LndNode, PAY};
use l402_regtest::{Network, NodeKind};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::program;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs LND: just interop"]
async fn a4_the_command_killed_between_intent_and_result_asks_and_pays_once() {
    let customer = Customer::new().await;
    let url = customer.shop.uri("/weather");
    customer.hub().pause().unwrap();
    let mut killed = customer.start(&["get", &url.to_string()]);
    customer.has_payment("IN_FLIGHT").await;
    killed.kill().unwrap();
    killed.wait().unwrap();

    customer.runs(&["payments", "list"], Exit::Served, &format!("\t21 sat\t{}\tGET {url}", customer.wallet_name()));
    customer.runs(&["get", "--pay-timeout=1", &url.to_string()], Exit::Unknown, "");
    customer.runs(&["payments", "resolve"], Exit::Unknown, "\tunknown: the payment is still under way");
    customer.hub().resume().unwrap();
    customer.has_payment("SUCCEEDED").await;
    customer.runs(&["payments", "resolve"], Exit::Served, "\tpaid; its token is kept");
    customer.runs(&["get", &url.to_string()], Exit::Served, GOODS);
    customer.has_payment("SUCCEEDED").await;
    customer.leaves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs LND: just interop"]
async fn a4_the_command_killed_before_the_token_is_stored_finds_it_again() {
    let customer = Customer::new().await;
    let url = customer.shop.uri("/weather");
    customer.hub().pause().unwrap();
    let mut killed = customer.start(&["get", &url.to_string()]);
    customer.has_payment("IN_FLIGHT").await;
    let writer = Connection::open(customer.data().join("store.sqlite")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap(); // the result finds no way to the disk
    customer.hub().resume().unwrap();
    customer.has_payment("SUCCEEDED").await;
    sleep(Duration::from_millis(300)).await; // the result reaches the process
    assert!(killed.try_wait().unwrap().is_none(), "it does not wait for the disk");
    killed.kill().unwrap();
    killed.wait().unwrap();
    drop(writer);

    customer.runs(&["get", &url.to_string()], Exit::Served, GOODS);
    customer.runs(&["payments", "list"], Exit::Served, "");
    customer.has_payment("SUCCEEDED").await;
    customer.leaves().await;
}

/// Somebody with an LND and the command, a hub away from a gateway.
struct Customer {
    network: Network,
    shop: Gateway,
    macaroon: PathBuf,
    home: TempDir,
}

impl Customer {
    async fn new() -> Self {
        let network = Network::one_hop(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
        let shop = Gateway::start(&network, "carol", &Upstream::start().await).await;
        let macaroon = network.lnd("alice").bake("pay", &PAY).await.unwrap();
        Self { network, shop, macaroon, home: tempfile::tempdir().unwrap() }
    }

    fn lnd(&self) -> &LndNode {
        self.network.lnd("alice")
    }

    /// While it is paused, payments leave the customer and do not arrive.
    fn hub(&self) -> &LndNode {
        self.network.lnd("bob")
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn wallet_name(&self) -> impl Display {
        format!("lnd/regtest/{}", self.lnd().rpc_address())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program("l402", arguments);
        command
            .env("HOME", self.home.path())
            .env("L402_DATA_DIR", self.data())
            .env("L402_WALLET", "lnd")
            .env("L402_NETWORK", "regtest")
            .env("LND_SOCKET", self.lnd().rpc_address().to_string())
            .env("LND_CERT", self.lnd().tls_cert())
            .env("LND_MACAROON", &self.macaroon);
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Runs the command to its end, which must be `exit`, with `said` in its output.
    #[track_caller]
    fn runs(&self, arguments: &[&str], exit: Exit, said: &str) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (out, errors) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(exit.code().into()), "{arguments:?}: {out}{errors}");
        assert!(out.contains(said), "{arguments:?}: {out}{errors}");
    }

    /// Waits until the customer's LND knows of one payment, which has this status.
    async fn has_payment(&self, status: &str) {
        let known = async {
            loop {
                let answer = self.lnd().get("/v1/payments?include_incomplete=true").await.unwrap();
                let payments = answer["payments"].as_array().unwrap();
                assert!(payments.len() < 2, "paid twice: {answer}");
                if payments.first().is_some_and(|payment| payment["status"] == status) {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, known).await.unwrap();
    }

    async fn leaves(self) {
        self.shop.stop().await;
        self.network.stop().await;
    }
}

/// How long to wait for what must come.
const SOON: Duration = Duration::from_mins(1);
