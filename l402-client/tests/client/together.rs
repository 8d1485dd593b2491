//! A9: calls at the same time share one purchase, and no call pays again who took the money of an earlier one for nothing.

use crate::process::{Machine, text};
use core::time::Duration;
use l402_agent::store::tokens::Tokens;
use l402_core::macaroon::{RootKey, mint};
use l402_core::{Identifier, Preimage, TokenFile, TokenId};
use l402_http::pay::Standing;
use l402_lightning::testing::FakeFault;
use std::collections::BTreeSet;
use std::process::Output;
use tokio::process::Child;

async fn outputs(running: Vec<Child>) -> Vec<Output> {
    let mut outputs = Vec::new();
    for process in running {
        outputs.push(process.wait_with_output().await.unwrap());
    }
    outputs
}

#[tokio::test]
async fn a9_twenty_processes_at_the_same_time_share_one_purchase() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    let till = machine.sandbox.hold().await;
    let running: Vec<Child> = (0..20).map(|_| machine.start(&["get", &url, "--timeout", "120"])).collect();
    machine.sandbox.is_asked_to_pay().await;
    tokio::time::sleep(Duration::from_secs(1)).await; // while one pays, others arrive
    drop(till);
    let mut paid = 0;
    for output in outputs(running).await {
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "GET weather "), "{told}");
        paid += usize::from(told.starts_with("paid 21 sat"));
    }
    assert_eq!((paid, machine.sandbox.asked_to_pay(), machine.wallet.payments_sent()), (1, 1, 1));
    let locks: Vec<_> = std::fs::read_dir(machine.data().join("locks")).unwrap().collect();
    assert!(locks.is_empty(), "no lock is left: {locks:?}");
}

#[tokio::test]
async fn a9_a_waiting_command_continues_after_the_buyer_is_killed() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    machine.wallet.misbehave(FakeFault::LoseOutcome);
    let till = machine.sandbox.hold().await;
    let mut buyer = machine.start(&["get", &url]);
    machine.sandbox.is_asked_to_pay().await;
    let waiting = (0..3).map(|_| machine.start(&["get", &url])).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    buyer.kill().await.unwrap(); // SIGKILL
    drop(till);
    while machine.wallet.payments_sent() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    machine.wallet.behave();
    for output in outputs(waiting).await {
        // One that asks the wallet before it behaves may not learn the outcome either, and pays nothing.
        assert!(matches!(output.status.code(), Some(0 | 8)), "{}", text(&output.stderr));
    }
    let found = machine.run(&["get", &url]).await;
    assert_eq!((found.status.code(), text(&found.stdout)), (Some(0), "GET weather "), "{}", text(&found.stderr));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a9_waiting_for_another_process_has_a_deadline() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    let till = machine.sandbox.hold().await;
    let buyer = machine.start(&["get", &url]);
    machine.sandbox.is_asked_to_pay().await;
    let gave_up = machine.run(&["get", &url, "--pay-timeout", "1", "--timeout", "1"]).await;
    assert_eq!((gave_up.status.code(), text(&gave_up.stdout)), (Some(8), ""), "{}", text(&gave_up.stderr));
    assert!(text(&gave_up.stderr).contains("another call is buying the same"), "{}", text(&gave_up.stderr));
    drop(till);
    assert_eq!(outputs(vec![buyer]).await[0].status.code(), Some(0));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a9_processes_at_the_same_time_lose_one_payment_to_a_liar() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/never");
    let running = (0..5).map(|_| machine.start(&["get", &url, "--timeout", "120"])).collect();
    for output in outputs(running).await {
        assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    }
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a9_a_server_that_does_not_accept_what_was_bought_is_not_paid_by_the_next_call() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/never");
    for (options, paid) in [
        (&[][..], 1),
        (&[], 1),
        (&["--no-token-cache"], 1),
        (&["--buy-again"], 2),
        (&[], 2),
        (&["--no-token-cache", "--buy-again"], 3),
        (&["--no-token-cache"], 3),
    ] {
        let output = machine.run(&[&["get", &url][..], options].concat()).await;
        let told = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(4), ""), "{told}");
        let error = told.lines().last().unwrap();
        assert!(error.contains("21 sat (and a fee of 0 sat) are lost") && error.contains("--buy-again"), "{told}");
        assert_eq!(machine.wallet.payments_sent(), paid, "{options:?}");
    }
    let elsewhere = machine.run(&["get", &machine.shop.url("/weather")]).await;
    assert_eq!(elsewhere.status.code(), Some(4), "it is the same server: {}", text(&elsewhere.stderr));
    let listed = machine.run(&["tokens", "list"]).await;
    assert!(text(&listed.stdout).contains("/never\tnot accepted\n"), "{}", text(&listed.stdout));

    assert_eq!(machine.run(&["tokens", "forget", &machine.shop.url("/")]).await.status.code(), Some(0));
    assert_eq!(machine.run(&["get", &machine.shop.url("/weather")]).await.status.code(), Some(0));
    assert_eq!(Tokens::new(machine.database()).all().unwrap()[0].standing, Standing::Served);
}

#[tokio::test]
async fn the_tokens_of_lnget_are_taken_over_and_used() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0));
    let bought = Tokens::new(machine.database()).all().unwrap().remove(0);
    assert_eq!(machine.run(&["tokens", "forget", &machine.shop.url("/")]).await.status.code(), Some(0));

    // The same token, as lnget would have kept it, beside one whose payment has no proof.
    let mut bytes = [0; 1024];
    let bytes = l402_core::macaroon::base64::decode_into(bought.token.as_bytes(), &mut bytes).unwrap();
    let macaroon = l402_core::macaroon::MacaroonRef::parse(bytes).unwrap();
    let pending = Identifier::new(Preimage::from_bytes([9; 32]).hash(), TokenId::from_bytes([2; 32])).to_bytes();
    let mut out = [0; 256];
    let pending = mint(&RootKey::new(b"key"), b"", &pending, &[], &mut out).unwrap();
    let pending = TokenFile::pending(pending, 0).unwrap();
    let paid = TokenFile::pending(macaroon, 1_700_000_000_000_000_000).unwrap();
    let paid = paid.paid(bought.preimage.clone(), 21_000.into(), 7.into()).unwrap();
    let host = bought.origin.to_string().trim_start_matches("http://").replace(':', "_");
    for (host, name, file) in [(host.as_str(), "l402.token", paid), ("other.example", "l402.token.pending", pending)] {
        let folder = machine.folder.path().join("lnget").join(host);
        std::fs::create_dir_all(&folder).unwrap();
        let mut bytes = [0; 1024];
        std::fs::write(folder.join(name), file.write_into(&mut bytes).unwrap()).unwrap();
    }

    let lnget = machine.folder.path().join("lnget");
    let import = ["tokens", "import", lnget.to_str().unwrap(), "--http"];
    for (round, expected) in ["imported 1; 0 already known", "imported 0; 1 already known"].iter().enumerate() {
        let imported = machine.run(&import).await;
        let told = text(&imported.stdout);
        assert_eq!(imported.status.code(), Some(0), "{round}: {}", text(&imported.stderr));
        let lines: BTreeSet<_> = told.lines().collect();
        assert!(lines.contains(expected) && told.contains("pending\tskipped: no preimage yet"), "{told}");
        assert!(!told.contains(bought.preimage.to_hex().expose()), "{told}");
    }
    let used = machine.run(&["get", &url]).await;
    assert_eq!((used.status.code(), text(&used.stdout)), (Some(0), "GET weather "), "{}", text(&used.stderr));
    assert!(text(&used.stderr).starts_with("paid nothing"), "{}", text(&used.stderr));
    assert_eq!(machine.wallet.payments_sent(), 1);

    std::fs::write(lnget.join("other.example/l402.token"), "nonsense").unwrap();
    let damaged = machine.run(&import).await;
    assert_eq!(damaged.status.code(), Some(1));
    assert!(text(&damaged.stdout).contains("not a token file"), "{}", text(&damaged.stdout));
    let nothing = machine.run(&["tokens", "import", machine.data().to_str().unwrap()]).await;
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing.stderr));
}

/// What is in memory must not land in a file.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn o2_it_leaves_no_core_dump() {
    let machine = Machine::new().await;
    let _till = machine.sandbox.hold().await;
    let mut paying = machine.start(&["get", &machine.shop.url("/weather")]);
    machine.sandbox.is_asked_to_pay().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", paying.id().unwrap())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    paying.kill().await.unwrap();
}
