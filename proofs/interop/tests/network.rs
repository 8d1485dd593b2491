//! The network itself: it comes up, pays in every direction, survives what tests do to it, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use l402_core::Msat;
use std::io::{BufRead as _, BufReader};

use std::process::{Command, Stdio};
use std::time::Instant;

use l402_lightning::{Invoice, InvoiceRequest, InvoiceSource as _, PayLimit, PaymentSource as _};
use l402_regtest::lnd::{LndError, LndNode, Macaroon, PAY, SELL};
use l402_regtest::{Channel, Network, NodeKind, PAYEES, PAYERS};

const EXPIRY: Duration = Duration::from_mins(10);

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn three_nodes_pay_in_each_direction() {
    let begun = Instant::now();
    let network = Network::builder()
        .lnd("alice")
        .lnd("bob")
        .ldk("carol")
        .channel("alice", "bob", 10_000_000)
        .channel("bob", "carol", 10_000_000)
        .channel("alice", "carol", 10_000_000)
        .start()
        .await
        .unwrap();
    println!("three nodes, three channels: {:?}", begun.elapsed());
    let names = ["alice", "bob", "carol"];
    for payer in names {
        for payee in names.into_iter().filter(|payee| *payee != payer) {
            let begun = Instant::now();
            pay(&network, payer, payee).await;
            println!("{payer} pays {payee}: {:?}", begun.elapsed());
        }
    }
    network.stop().await;
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn nodes_come_back_after_what_tests_do_to_them() {
    let network = Network::line(&[NodeKind::Lnd, NodeKind::Lnd, NodeKind::Ldk]).start().await.unwrap();
    let bob = network.lnd("bob");
    let id = bob.process_id();

    bob.pause().unwrap();
    let unanswered = tokio::time::timeout(Duration::from_millis(500), bob.get("/v1/getinfo")).await;
    assert!(unanswered.is_err(), "{unanswered:?}");
    bob.resume().unwrap();
    pay(&network, "bob", "carol").await;
    assert_eq!(bob.process_id(), id);

    bob.kill();
    assert!(!bob.is_running());
    assert!(bob.get("/v1/getinfo").await.is_err());
    network.restart("bob").await.unwrap();
    assert_ne!(bob.process_id(), id);
    pay(&network, "alice", "bob").await;
    pay(&network, "carol", "bob").await;

    locks(bob).await;
    network.reconnect("bob").await.unwrap();
    network.restart("carol").await.unwrap();
    pay(&network, "bob", "carol").await;
}

async fn locks(node: &LndNode) {
    node.stop().await.unwrap();
    node.start_locked().await.unwrap();
    assert!(
        matches!(node.get("/v1/getinfo").await, Err(LndError::Refused(reason)) if reason.contains("wallet locked"))
    );
    node.unlock().await.unwrap();
    node.get("/v1/getinfo").await.unwrap();
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn macaroons_may_do_what_they_say_and_no_more() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Ldk).start().await.unwrap();
    let alice = network.lnd("alice");
    let sell = alice.bake("sell", &SELL).await.unwrap();
    let one_call = alice.bake("one-call", &["uri:/lnrpc.Lightning/GetInfo"]).await.unwrap();
    let pays = alice.bake("pay", &PAY).await.unwrap();
    assert!(alice.bake("wrong", &["invoices:reed"]).await.is_err());
    let may = |macaroon: &std::path::Path, call: &[&str]| {
        let mut lncli = alice.lncli();
        lncli.arg(format!("--macaroonpath={}", macaroon.display())).args(call).output().unwrap().status.success()
    };
    let calls: [&[&str]; 4] = [&["getinfo"], &["addinvoice", "--amt=1"], &["listpayments"], &["newaddress", "p2wkh"]];
    let allowed = |macaroon: &std::path::Path| calls.map(|call| may(macaroon, call));
    assert_eq!(allowed(&sell), [true, true, false, false]);
    assert_eq!(allowed(&pays), [true, false, true, false]);
    assert_eq!(allowed(&one_call), [true, false, false, false]);
    assert_eq!(allowed(&alice.macaroon(Macaroon::Admin)), [true; 4]);
    assert_eq!(allowed(&alice.macaroon(Macaroon::ReadOnly)), [true, false, true, false]);
    assert_eq!(allowed(&alice.macaroon(Macaroon::Invoice)), [false, true, false, true]);
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn a_matrix_pays_over_two_hops() {
    let network = Network::matrix(2).start().await.unwrap();
    for ((payer, payer_kind), (payee, payee_kind)) in
        PAYERS.into_iter().flat_map(|payer| PAYEES.map(|payee| (payer, payee)))
    {
        let begun = Instant::now();
        pay_between(&network, (payer, payer_kind), (payee, payee_kind), 10_000).await;
        println!("{payer} pays {payee}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn private_channels_are_named_by_invoices() {
    let builder =
        Network::builder().lnd("alice").lnd("bob").ldk("carol").lnd("dave").channel("alice", "bob", 10_000_000);
    let private = |to: &str| Channel::new("bob", to, 1_000_000).push(0).private();
    let mut network = builder.open(private("carol")).start().await.unwrap();
    network.open(private("dave")).await.unwrap();
    let known = |name: &'static str| network.lnd(name).known_channels();
    assert_eq!((known("alice").await.unwrap(), network.ldk("carol").known_channels()), (1, 1));
    let alice = ("alice", NodeKind::Lnd);
    pay_between(&network, alice, ("carol", NodeKind::Ldk), 10_000).await;
    pay_between(&network, alice, ("dave", NodeKind::Lnd), 10_000).await;
    // What was not pushed cannot be sent.
    let request = network.lnd("alice").invoice(Msat::new(100_000_000)).await.unwrap();
    assert!(network.lnd("dave").pay(&request, Msat::new(10_000)).await.is_err());
}

/// How a test ends must not matter: after a panic the LND is gone, and its log is there.
#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn a_panic_leaves_no_process() {
    let network = Network::builder().lnd("alice").start().await.unwrap();
    let (ids, dir) = (processes_of(network.dir().to_str().unwrap()), network.dir().to_owned());
    assert_eq!(ids.len(), 1);
    let unwound = std::panic::catch_unwind(AssertUnwindSafe(move || {
        let _network = network;
        panic!("on purpose");
    }));
    assert!(unwound.is_err());
    assert_eq!(processes_of(dir.to_str().unwrap()), [""; 0]);
    assert!(dir.join("alice/lnd.log").is_file());
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn kill_9_leaves_no_process() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "waits_until_it_is_killed", "--ignored", "--nocapture"])
        .env(KILLED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let dir = lines.find_map(|line| line.split_once(STANDS).map(|(_, dir)| dir.to_owned())).unwrap();
    assert_eq!(processes_of(&dir).len(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = Instant::now();
    while !processes_of(&dir).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10), "left behind: {:?}", processes_of(&dir));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("all gone {:?} after kill -9", begun.elapsed());
    std::fs::remove_dir_all(dir).unwrap();
}

/// Is a test only so that another can start, and kill, a process that has a network.
#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn waits_until_it_is_killed() {
    if std::env::var_os(KILLED).is_none() {
        return;
    }
    let network = Network::builder().lnd("alice").lnd("bob").start().await.unwrap();
    network.lnd("bob").pause().unwrap();
    println!("{STANDS}{}", network.dir().display());
    core::future::pending::<()>().await;
}

/// Tells that process that it is the one.
const KILLED: &str = "L402_KILLED";

/// What that process says, before its folder.
const STANDS: &str = "network stands in ";

/// The command lines of all processes that name `dir` and have not ended. A watcher does not name it.
fn processes_of(dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("cmdline"));
    let lines = entries.filter_map(|path| std::fs::read_to_string(path).ok());
    lines.filter(|line| line.contains(dir)).map(|line| line.replace('\0', " ")).collect()
}

/// Pays 21,000 msat, without a fee.
async fn pay(network: &Network, from: &str, to: &str) {
    let kind = |name: &str| network.nodes().find(|(node, _)| *node == name).unwrap().1;
    pay_between(network, (from, kind(from)), (to, kind(to)), 0).await;
}

async fn pay_between(network: &Network, from: (&str, NodeKind), to: (&str, NodeKind), max_fee_msat: u64) {
    let invoice = match to.1 {
        NodeKind::Lnd => network.lnd(to.0).invoice(Msat::new(21_000)).await.unwrap(),
        NodeKind::Ldk => {
            let request = InvoiceRequest { amount_msat: Msat::new(21_000), description: "interop", expiry: EXPIRY };
            network.ldk(to.0).create_invoice(request).await.unwrap().bolt11().to_owned()
        }
    };
    match from.1 {
        NodeKind::Lnd => drop(network.lnd(from.0).pay(&invoice, Msat::new(max_fee_msat)).await.unwrap()),
        NodeKind::Ldk => {
            let invoice = Invoice::parse(&invoice).unwrap();
            let paid = network.ldk(from.0).pay(&invoice, PayLimit::fee(Msat::new(max_fee_msat))).await.unwrap();
            assert!(paid.preimage.matches(&invoice.payment_hash()));
        }
    }
}
