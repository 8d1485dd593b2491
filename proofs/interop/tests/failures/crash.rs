//! A client that is killed: what it was paying for is known to its node, and the next start asks the node.
//!
//! The client is this program once more, with one test to run: the part that pays, without the record of the intent, which
//! `l402-client` tests for itself. For an LDK node the client is the node, too.

use core::time::Duration;
use l402_core::Msat;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use interop::{Process, Wallet};
use l402_ldk::{ChainSource, LdkConfig, LdkNode};
use l402_lightning::{Invoice, Network as Chain, PayLimit, PaymentSource};
use l402_lnd::{LndConfig, LndPayer};
use l402_regtest::lnd::PAY;
use l402_regtest::{Network, NodeKind};
use tokio::time::{sleep, timeout};

use crate::hold::{Hold, still_unknown};
use crate::town::{AMOUNT_MSAT, SOON, pay_within, succeeds};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn a4_a_client_of_an_lnd_killed_before_the_result_learns_it_and_pays_once() {
    killed_before_the_result(NodeKind::Lnd).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn a4_an_ldk_node_killed_before_the_result_learns_it_and_pays_once() {
    killed_before_the_result(NodeKind::Ldk).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn a4_a_client_of_an_lnd_killed_after_the_result_has_the_proof_again() {
    killed_after_the_result(NodeKind::Lnd).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn a4_an_ldk_node_killed_after_the_result_has_the_proof_again() {
    killed_after_the_result(NodeKind::Ldk).await;
}

async fn killed_before_the_result(kind: NodeKind) {
    let network = Network::direct(kind, NodeKind::Lnd).start().await.unwrap();
    let bob = network.lnd("bob");
    let hold = Hold::of(bob).await;
    let client = start_client(&network, kind, &hold.invoice).await;
    assert_eq!(hold.arrives(bob).await, 1);
    client.kill();

    let payer = next_start(&network, kind).await;
    still_unknown(&payer, &hold).await;
    assert_eq!(hold.arrives(bob).await, 1, "it paid a second time");
    hold.settle(bob);
    succeeds(&payer, &hold.invoice.payment_hash()).await;
    pay_within(&payer, &hold.invoice, SOON).await.unwrap();
    assert_eq!(hold.received_msat(bob).await, AMOUNT_MSAT);
    network.stop().await;
}

async fn killed_after_the_result(kind: NodeKind) {
    let network = Network::direct(kind, NodeKind::Lnd).start().await.unwrap();
    let bob = network.lnd("bob");
    let invoice = Invoice::parse(&bob.invoice(Msat::new(AMOUNT_MSAT)).await.unwrap()).unwrap();
    let mut client = start_client(&network, kind, &invoice).await;
    assert!(client.lines().any(|line| line.ends_with(PAID)), "the client did not pay");
    client.kill();

    let payer = next_start(&network, kind).await;
    succeeds(&payer, &invoice.payment_hash()).await;
    pay_within(&payer, &invoice, SOON).await.unwrap();
    let found = bob.get(&format!("/v1/invoice/{}", invoice.payment_hash())).await.unwrap();
    assert_eq!((&found["amt_paid_msat"], found["htlcs"].as_array().unwrap().len()), (&"21000".into(), 1));
    network.stop().await;
}

/// Starts a process that pays `invoice` from `alice`.
async fn start_client(network: &Network, kind: NodeKind, invoice: &Invoice) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::pays_until_it_is_killed", "--ignored", "--nocapture"]);
    command.env(INVOICE, invoice.bolt11()).stdout(Stdio::piped());
    let (id, address) = network.peer("bob").unwrap();
    command.env(PEER, format!("{id}@{address}"));
    if kind == NodeKind::Lnd {
        let alice = network.lnd("alice");
        command.env("LND_SOCKET", alice.rpc_address().to_string()).env("LND_CERT", alice.tls_cert());
        command.env("LND_MACAROON", alice.bake("pay", &PAY).await.unwrap());
    } else {
        network.stop_node("alice").await.unwrap();
        let ChainSource::BitcoindRpc { host, port, user, password } = network.rpc().chain_source() else {
            panic!("a network has an RPC server")
        };
        command.env(CHAIN, format!("{host} {port} {user} {}", *password)).env(FOLDER, network.dir().join("alice"));
    }
    Process::start(&mut command)
}

/// Returns the payer as the client that comes after the one that was killed finds it.
async fn next_start(network: &Network, kind: NodeKind) -> Wallet {
    if kind == NodeKind::Ldk {
        network.restart("alice").await.unwrap();
    }
    Wallet::of(network, "alice").await
}

/// Is a test only so that another can start, and kill, a client.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn pays_until_it_is_killed() {
    let Ok(invoice) = std::env::var(INVOICE) else { return };
    let invoice = Invoice::parse(&invoice).unwrap();
    let paid = if let Ok(chain) = std::env::var(CHAIN) {
        embedded(&chain).await.pay(&invoice, PayLimit::fee(Msat::new(10_000))).await
    } else {
        let config = LndConfig::from_environment(|name| std::env::var(name).ok()).unwrap();
        LndPayer::connect(&config).await.unwrap().pay(&invoice, PayLimit::fee(Msat::new(10_000))).await
    };
    assert!(paid.unwrap().preimage.matches(&invoice.payment_hash()));
    println!("{PAID}");
    core::future::pending::<()>().await;
}

/// Starts the node of a network in this process, connected.
async fn embedded(chain: &str) -> LdkNode {
    let mut parts = chain.split(' ').map(str::to_owned);
    let mut next = || parts.next().unwrap();
    let (host, port, user) = (next(), next().parse().unwrap(), next());
    let chain = ChainSource::BitcoindRpc { host, port, user, password: next().into() };
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let node = LdkNode::start(LdkConfig::new(Chain::Regtest, chain, folder)).await.unwrap();
    let peer = std::env::var(PEER).unwrap();
    let (id, address) = peer.split_once('@').unwrap();
    let address: core::net::SocketAddr = address.parse().unwrap();
    let usable = async {
        while !node.channels().iter().all(|channel| channel.usable) {
            // It tries by itself, too; whichever is first.
            let _ = node.connect(id.parse().unwrap(), address.into()).await;
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, usable).await.unwrap();
    node
}

/// What that process is told by.
const INVOICE: &str = "L402_TEST_INVOICE";
const PEER: &str = "L402_TEST_PEER";
const CHAIN: &str = "L402_TEST_CHAIN";
const FOLDER: &str = "L402_TEST_FOLDER";

/// What it says when it has the proof.
const PAID: &str = "it is paid";
