//! The command as a process, with a wallet in another one: what its streams and its exit code say, and what a `kill -9` leaves.

use crate::shop::Shop;
use crate::wallet::SandboxStandIn;
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use std::process::{Output, Stdio};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

struct Machine {
    folder: TempDir,
    wallet: FakeNode,
    sandbox: SandboxStandIn,
    shop: Shop,
}

impl Machine {
    async fn new() -> Self {
        let network = FakeNetwork::new();
        let (wallet, payee) = (network.node(), network.node());
        let folder = tempfile::tempdir().unwrap();
        let sandbox = SandboxStandIn::open(wallet.clone(), &folder.path().join("sandbox.json")).await;
        Self { folder, wallet, sandbox, shop: Shop::open(payee).await }
    }

    fn command(&self, args: &[&str]) -> Command {
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

    async fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().await.unwrap()
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }
}

fn text(bytes: &[u8]) -> &str {
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
    let under_way = machine.run(&["get", &url]).await;
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
    let file = std::fs::read_to_string(machine.folder.path().join("data/tokens.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let listed = machine.run(&["tokens", "list"]).await;
    let listed = text(&listed.stdout);
    assert!(listed.contains("\t21 sat\tGET ") && listed.contains("/weather"), "{listed}");
    for secret in ["preimage", "token"] {
        assert!(!listed.contains(file["tokens"][0][secret].as_str().unwrap()));
    }
    let forgot = machine.run(&["tokens", "forget", &machine.shop.url("/")]).await;
    assert!(text(&forgot.stdout).starts_with("forgot 1"), "{}", text(&forgot.stdout));
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
