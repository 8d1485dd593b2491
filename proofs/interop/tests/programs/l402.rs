//! The command `l402` that is killed while an LND pays for it: what its next start finds, on its disk and at the node.

use core::fmt::Display;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use interop::{GOODS, Gateway, Process, Upstream};
use l402_client::exit::Exit;
use l402_lnd::Certificate;
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
    let killed = customer.start(&["get", &url.to_string()]);
    customer.has_payment("IN_FLIGHT").await;
    killed.kill();

    customer.runs(&["payments", "list"], Exit::Served, &format!("\t21 sat\t{}\tGET {url}", customer.wallet_name()));
    customer.runs(&["get", "--pay-timeout=1", &url.to_string()], Exit::Unknown, "");
    customer.runs(&["payments", "resolve"], Exit::Unknown, "\tunknown: the payment is still pending");
    customer.hub().resume().unwrap();
    customer.has_payment("SUCCEEDED").await;
    customer.runs(&["payments", "resolve"], Exit::Served, "\tpaid; its token is kept");
    customer.runs(&["get", &url.to_string()], Exit::Served, GOODS);
    customer.has_payment("SUCCEEDED").await;
    customer.leaves().await;
}

/// The wallet's LND hangs and has read nothing when the command dies: the same invoice is paid, not that of a second challenge.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs LND: just interop"]
async fn a4_the_command_killed_while_its_lnd_hangs_pays_the_same_invoice_once() {
    let customer = Customer::new().await;
    let url = customer.shop.uri("/weather").to_string();
    customer.lnd().pause().unwrap();
    let killed = customer.start(&["get", &url]);
    let hash = customer.intent().await;
    killed.kill();
    customer.lnd().resume().unwrap();

    customer.runs(&["payments", "resolve"], Exit::Unknown, "\tunknown: the wallet does not know it yet");
    customer.runs(&["get", &url], Exit::Served, GOODS);
    customer.has_payment("SUCCEEDED").await;
    let all = customer.runs(&["payments", "list", "--all"], Exit::Served, "\tpaid, fee ");
    assert!(all.contains(&hash), "{hash} expected, not {all}");
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
    assert!(killed.runs(), "it does not wait for the disk");
    killed.kill();
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
        let certificate = Certificate::find(self.lnd().tls_cert().to_str().unwrap(), Path::new("")).unwrap();
        format!("lnd/regtest/{}/{}", self.lnd().rpc_address(), certificate.fingerprint())
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

    fn start(&self, arguments: &[&str]) -> Process {
        Process::start(&mut self.command(arguments))
    }

    /// Runs the command to its end, which must be `exit`, with `said` in its output, which is returned.
    #[track_caller]
    fn runs(&self, arguments: &[&str], exit: Exit, said: &str) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let (out, errors) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(exit.code().into()), "{arguments:?}: {out}{errors}");
        assert!(out.contains(said), "{arguments:?}: {out}{errors}");
        out
    }

    /// Waits until the command has written down what it is about to pay, and returns the payment hash.
    async fn intent(&self) -> String {
        let written = async {
            loop {
                let listed = self.runs(&["payments", "list"], Exit::Served, "");
                if let Some((before, _)) = listed.split_once("\t21 sat\t") {
                    return before.lines().last().unwrap().to_owned();
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, written).await.unwrap()
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
