//! The command as a process, with a wallet in another one: what its streams and its exit code say, and what a `kill -9` leaves.

use crate::shop::Shop;
use crate::wallet::SandboxStandIn;
use core::time::Duration;
use l402_agent::store::Database;
use l402_agent::store::private::PrivateDir;
use l402_agent::store::tokens::Tokens;
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use rusqlite::Connection;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

pub(crate) struct Machine {
    pub(crate) folder: TempDir,
    pub(crate) wallet: FakeNode,
    pub(crate) payee: FakeNode,
    pub(crate) sandbox: SandboxStandIn,
    pub(crate) shop: Shop,
}

impl Machine {
    pub(crate) async fn new() -> Self {
        let network = FakeNetwork::new();
        let (wallet, payee) = (network.node(), network.node());
        let folder = tempfile::tempdir().unwrap();
        let sandbox = SandboxStandIn::open(wallet.clone(), &folder.path().join("sandbox.json")).await;
        Self { folder, wallet, sandbox, shop: Shop::open(payee.clone()).await, payee }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_l402"));
        let path = |name: &str| self.folder.path().join(name);
        command
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("L402_DATA_DIR", path("data"))
            .env("L402_SANDBOX", path("sandbox.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().await.unwrap()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&PrivateDir::open(self.data()).unwrap()).unwrap()
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn the_body_is_all_that_stdout_gets() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    let first = machine.run(&["get", &url]).await;
    assert_eq!((first.status.code(), text(&first.stdout)), (Some(0), "GET weather "), "{}", text(&first.stderr));
    assert!(text(&first.stderr).starts_with("paid 21 sat"), "{}", text(&first.stderr));
    let quiet = machine.run(&["get", &url, "-q"]).await;
    assert_eq!((quiet.status.code(), text(&quiet.stdout), text(&quiet.stderr)), (Some(0), "GET weather ", ""));
    let dear = machine.run(&["get", &machine.shop.url("/dear")]).await;
    assert_eq!((dear.status.code(), text(&dear.stdout)), (Some(6), ""));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a4_killed_while_it_pays_it_asks_before_it_pays_again() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    machine.wallet.misbehave(FakeFault::Hang);
    let mut killed = machine.start(&["get", &url]);
    machine.sandbox.is_asked_to_pay().await;
    killed.kill().await.unwrap(); // SIGKILL

    let listed = machine.run(&["payments", "list"]).await;
    assert!(text(&listed.stdout).contains("\t21 sat\tsandbox\tGET http://127.0.0.1:"), "{}", text(&listed.stdout));
    let under_way = machine.run(&["get", &url, "--pay-timeout", "1"]).await;
    assert_eq!(under_way.status.code(), Some(8), "{}", text(&under_way.stderr));
    assert_eq!(machine.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn a4_killed_after_the_money_moved_it_finds_the_token() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    machine.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(8));
    machine.wallet.behave();
    let found = machine.run(&["get", &url]).await;
    assert_eq!((found.status.code(), text(&found.stdout)), (Some(0), "GET weather "), "{}", text(&found.stderr));
    assert!(text(&found.stderr).starts_with("an earlier call paid 21 sat"), "{}", text(&found.stderr));
    assert_eq!(text(&machine.run(&["payments", "list"]).await.stdout), "");
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a4_killed_after_the_result_before_the_token_is_stored_it_is_recovered() {
    for command in ["get", "resolve"] {
        let machine = Machine::new().await;
        let url = machine.shop.url("/weather");
        let till = machine.sandbox.hold().await;
        let mut killed = machine.start(&["get", &url]);
        machine.sandbox.is_asked_to_pay().await;
        let writer = Connection::open(machine.data().join("store.sqlite")).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap(); // the result finds no way to the disk
        drop(till);
        while machine.wallet.payments_sent() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await; // the result reaches the process
        assert!(killed.try_wait().unwrap().is_none(), "it waits for the disk");
        killed.kill().await.unwrap(); // SIGKILL
        drop(writer);

        if command == "resolve" {
            let resolved = machine.run(&["payments", "resolve"]).await;
            assert_eq!(resolved.status.code(), Some(0), "{}", text(&resolved.stderr));
            assert!(text(&resolved.stdout).ends_with("\tpaid; its token is kept\n"), "{}", text(&resolved.stdout));
        }
        let found = machine.run(&["get", &url]).await;
        assert_eq!((found.status.code(), text(&found.stdout)), (Some(0), "GET weather "), "{}", text(&found.stderr));
        let word = if command == "get" { "an earlier call paid 21 sat" } else { "paid nothing" };
        assert!(text(&found.stderr).starts_with(word), "{}", text(&found.stderr));
        assert_eq!(machine.wallet.payments_sent(), 1);
    }
}

#[tokio::test]
async fn a4_what_is_unknown_is_asked_for_and_never_paid() {
    let machine = Machine::new().await;
    let (paid, failed) = (machine.shop.url("/weather"), machine.shop.url("/poems"));
    machine.wallet.misbehave(FakeFault::Hang);
    let mut killed = machine.start(&["get", &failed]);
    machine.sandbox.is_asked_to_pay().await;
    killed.kill().await.unwrap();
    machine.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(machine.run(&["get", &paid]).await.status.code(), Some(8));
    machine.wallet.behave();

    let other = machine.run(&["payments", "resolve", "--wallet", "lnd"]).await;
    assert_eq!((other.status.code(), text(&other.stdout)), (Some(2), ""), "nothing says which");
    let resolved = machine.run(&["payments", "resolve"]).await;
    let told = text(&resolved.stdout);
    assert_eq!(resolved.status.code(), Some(8), "{told}");
    assert!(told.contains("/weather\tpaid; its token is kept\n"), "{told}");
    assert!(told.contains("/poems\tunknown: the payment is still pending\n"), "{told}");
    let all = machine.run(&["payments", "list", "--all"]).await;
    assert!(text(&all.stdout).contains("/weather\tpaid, fee 0 sat\n"), "{}", text(&all.stdout));
    assert!(text(&all.stdout).contains("/poems\tunknown\n"), "{}", text(&all.stdout));
    assert_eq!(text(&machine.run(&["payments", "list"]).await.stdout).lines().count(), 1);
    assert_eq!(machine.wallet.payments_sent(), 1);

    // A wallet that never heard of it, and one that cannot be reached.
    let sql = Connection::open(machine.data().join("store.sqlite")).unwrap();
    let unheard = "UPDATE payments SET payment_hash = printf('%064d', 7) WHERE outcome IS NULL";
    assert_eq!(sql.execute(unheard, []).unwrap(), 1);
    let nowhere = machine.run(&["payments", "resolve", "--sandbox", "/nowhere.json"]).await;
    assert_eq!(nowhere.status.code(), Some(8));
    assert!(text(&nowhere.stdout).contains("\tunknown: "), "{}", text(&nowhere.stdout));
    let resolved = machine.run(&["payments", "resolve"]).await;
    assert_eq!(resolved.status.code(), Some(8), "its invoice can still be paid: {}", text(&resolved.stdout));
    assert!(
        text(&resolved.stdout).contains("\tunknown: the wallet does not know it yet"),
        "{}",
        text(&resolved.stdout)
    );
    sql.execute("UPDATE payments SET invoice = ?1 WHERE outcome IS NULL", [EXPIRED]).unwrap();
    let resolved = machine.run(&["payments", "resolve"]).await;
    assert_eq!(resolved.status.code(), Some(0), "{}", text(&resolved.stdout));
    assert!(text(&resolved.stdout).ends_with("/poems\tnot paid\n"), "{}", text(&resolved.stdout));
    assert_eq!(text(&machine.run(&["payments", "resolve"]).await.stdout), "", "nothing is left");
    let before = machine.sandbox.asked_to_pay();
    sql.execute("UPDATE payments SET outcome = NULL, wallet = 'ldk/signet' WHERE payment_hash LIKE '00%'", []).unwrap();
    let other = machine.run(&["payments", "resolve"]).await;
    assert_eq!(other.status.code(), Some(8));
    assert!(text(&other.stdout).contains("--wallet ldk --network signet"), "{}", text(&other.stdout));
    assert_eq!(machine.sandbox.asked_to_pay(), before);
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0));
    let sql = Connection::open(machine.data().join("store.sqlite")).unwrap();
    sql.pragma_update(None, "user_version", 99).unwrap();
    drop(sql);
    for args in [&["get", &url][..], &["tokens", "list"], &["payments", "list"], &["payments", "resolve"]] {
        let output = machine.run(args).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(text(&output.stderr).contains("store.sqlite has version 99"), "{}", text(&output.stderr));
    }
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_payment_can_be_given_up() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    machine.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(8));
    machine.wallet.behave();
    let listed = machine.run(&["payments", "list"]).await;
    let hash = text(&listed.stdout).split('\t').next().unwrap();
    assert_eq!(machine.run(&["payments", "forget", hash]).await.status.code(), Some(0));
    assert_eq!(machine.run(&["payments", "forget", hash]).await.status.code(), Some(2));
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0));
    assert_eq!(machine.wallet.payments_sent(), 2, "as the user asked for");
}

#[tokio::test]
async fn tokens_are_listed_without_their_secrets_and_forgotten() {
    let machine = Machine::new().await;
    assert_eq!(machine.run(&["get", &machine.shop.url("/weather")]).await.status.code(), Some(0));
    let kept = Tokens::new(machine.database()).all().unwrap().remove(0);
    let listed = machine.run(&["tokens", "list"]).await;
    let listed = text(&listed.stdout);
    assert!(listed.contains("\t21 sat\tGET ") && listed.contains("/weather"), "{listed}");
    for secret in [kept.preimage.to_hex().expose(), &kept.token] {
        assert!(!listed.contains(secret));
    }
    let forgot = machine.run(&["tokens", "forget", &machine.shop.url("/")]).await;
    assert!(text(&forgot.stdout).starts_with("deleted 1 token of"), "{}", text(&forgot.stdout));
    assert_eq!(text(&machine.run(&["tokens", "list"]).await.stdout), "");
}

#[tokio::test]
async fn without_a_sandbox_it_says_how_to_start_one() {
    let machine = Machine::new().await;
    let nowhere = machine.folder.path().join("nowhere.json");
    let args = ["get", &machine.shop.url("/weather"), "--sandbox", nowhere.to_str().unwrap()];
    let output = machine.run(&args).await;
    assert_eq!(output.status.code(), Some(7));
    let message = text(&output.stderr);
    assert!(message.contains("l402-server") && message.contains("--sandbox"), "{message}");
    let free = ["get", &machine.shop.url("/free"), "--sandbox", nowhere.to_str().unwrap()];
    assert_eq!(machine.run(&free).await.status.code(), Some(0));
}

#[cfg(feature = "ldk")]
#[tokio::test]
async fn a_wallet_that_does_not_start_ends_with_the_exit_of_what_is_wrong() {
    let machine = Machine::new().await;
    let info = ["wallet", "info", "--network", "regtest"];
    let dead = [&info[..], &["--esplora", "http://127.0.0.1:1"]].concat();
    for (args, code, said) in [(&info[..], 2, "no chain source is set"), (&dead, 3, "its chain source may be down")] {
        let output = machine.run(args).await;
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    std::fs::remove_dir_all(machine.data()).unwrap();
    PrivateDir::open(machine.data()).unwrap();
    std::fs::write(machine.data().join("ldk"), "").unwrap();
    assert_eq!(machine.run(&dead).await.status.code(), Some(1));
}

#[tokio::test]
async fn at_the_same_time_they_pay_each_for_itself_and_lose_nothing() {
    let machine = Machine::new().await;
    let urls = ["/a", "/b", "/c", "/d"].map(|path| machine.shop.url(path));
    let running = urls.each_ref().map(|url| machine.start(&["get", url]));
    for process in running {
        let output = process.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let listed = machine.run(&["tokens", "list"]).await;
    assert_eq!(text(&listed.stdout).lines().count(), 4);
}

#[tokio::test]
async fn a_reader_may_leave_early() {
    let machine = Machine::new().await;
    let mut process = machine.start(&["get", &machine.shop.url("/stream")]);
    let mut stdout = process.stdout.take().unwrap();
    let mut start = [0; 1000];
    stdout.read_exact(&mut start).await.unwrap(); // while the rest is still to come
    drop(stdout);
    let output = process.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[tokio::test]
async fn a_body_can_come_from_standard_input() {
    let machine = Machine::new().await;
    let mut command = machine.command(&["get", &machine.shop.url("/poems"), "-d", "@-"]);
    let mut process = command.stdin(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(b"roses").await.unwrap();
    let output = process.wait_with_output().await.unwrap();
    assert_eq!(text(&output.stdout), "POST poems roses", "{}", text(&output.stderr));
}

/// An invoice of 2017 (BOLT 11 §Examples).
const EXPIRED: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
