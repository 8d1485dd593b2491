//! `l402 serve` as a process, and `l402 get` through it.

use crate::process::{Machine, text};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A broker that runs, and the home of an agent.
struct Brokered {
    machine: Machine,
    serve: Child,
    address: String,
    home: TempDir,
}

impl Brokered {
    async fn start(allowed: impl FnOnce(&Machine) -> Option<String>) -> Self {
        let machine = Machine::new().await;
        let home = tempfile::tempdir().unwrap();
        let made = machine.run(&["budget", "new", "research", "--total", "60 sat"]).await;
        assert!(made.status.success(), "{}", text(&made.stderr));
        let key = machine.run(&["budget", "key", "new", "research"]).await;
        let file = home.path().join("key");
        std::fs::write(&file, key.stdout).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let mut args = vec!["serve".to_owned()];
        args.extend(allowed(&machine).into_iter().flat_map(|address| ["--allow-address".to_owned(), address]));
        let mut serve = machine.start(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let line = BufReader::new(serve.stderr.take().unwrap()).lines().next_line().await.unwrap().unwrap();
        let address = line.strip_prefix("serving agents on ").unwrap().to_owned();
        Self { machine, serve, address, home }
    }

    /// The shop is on loopback, which the owner has to allow.
    async fn open() -> Self {
        Self::start(|machine| machine.shop.url("").strip_prefix("http://").map(str::to_owned)).await
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.machine.command(args);
        command.env_clear().env("HOME", self.home.path()).env("L402_AGENT", &self.address);
        command.env("L402_AGENT_KEY_FILE", self.home.path().join("key"));
        command
    }

    async fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().await.unwrap()
    }
}

#[tokio::test]
async fn a_broker_pays_and_the_command_gets_the_body() {
    let brokered = Brokered::open().await;
    let url = brokered.machine.shop.url("/weather");
    let price = brokered.run(&["get", "--dry-run", &url]).await;
    assert_eq!(price.status.code(), Some(0), "{}", text(&price.stderr));
    assert!(text(&price.stdout).starts_with("price         21 sat\n"), "{}", text(&price.stdout));
    assert!(text(&price.stdout).ends_with("budget left   60 sat\nwould be paid\n"), "{}", text(&price.stdout));
    let first = brokered.run(&["get", &url]).await;
    assert_eq!((first.status.code(), text(&first.stdout)), (Some(0), "GET weather "), "{}", text(&first.stderr));
    assert!(text(&first.stderr).starts_with("paid 21 sat"), "{}", text(&first.stderr));
    let again = brokered.run(&["get", &url, "-d", "body", "-i"]).await;
    assert!(text(&again.stdout).starts_with("HTTP/1.1 200 OK\r\n"), "{}", text(&again.stdout));
    assert_eq!(brokered.machine.wallet.payments_sent(), 1, "what was bought opens this, too");
    let dear = brokered.run(&["get", &brokered.machine.shop.url("/dear")]).await;
    assert_eq!((dear.status.code(), text(&dear.stdout)), (Some(6), ""), "{}", text(&dear.stderr));
    let left: Vec<_> =
        std::fs::read_dir(brokered.home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["key"], "the agent has no wallet and no store");
}

#[tokio::test]
async fn a7_the_caller_of_a_broker_does_not_say_how_it_connects() {
    let brokered = Brokered::open().await;
    let url = brokered.machine.shop.url("/weather");
    for option in [
        &["-k"][..],
        &["--resolve", "a:80:127.0.0.1"],
        &["-x", "http://127.0.0.1:1"],
        &["--cacert", "/etc/hosts"],
        &["--budget", "main"],
        &["-H", "Host: b"],
        &["-H", "Authorization: Bearer x"],
        &["-b", "session=1"],
    ] {
        let refused = brokered.run(&[&["get", &url], option].concat()).await;
        assert_eq!(refused.status.code(), Some(2), "{option:?}: {}", text(&refused.stderr));
    }
    let mcp = brokered.run(&["mcp", "--budget", "main"]).await;
    assert_eq!(mcp.status.code(), Some(2), "{}", text(&mcp.stderr));
    let proxied = brokered.command(&["get", &url]).env("http_proxy", "http://127.0.0.1:1").output().await.unwrap();
    assert_eq!(proxied.status.code(), Some(2), "{}", text(&proxied.stderr));
    assert_eq!(brokered.machine.shop.requests(), 0);
}

#[tokio::test]
async fn a7_a_broker_reaches_no_address_that_its_owner_does_not_allow() {
    let brokered = Brokered::start(|_| None).await;
    let refused = brokered.run(&["get", &brokered.machine.shop.url("/weather")]).await;
    assert_eq!(refused.status.code(), Some(9), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("an address that is loopback"), "{}", text(&refused.stderr));
    assert_eq!(brokered.machine.shop.requests(), 0);
}

#[tokio::test]
async fn a_broker_stops_when_it_is_told_and_takes_its_sockets_along() {
    let mut brokered = Brokered::open().await;
    let second = brokered.machine.run(&["serve"]).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("another `l402 serve` runs"), "{}", text(&second.stderr));
    let keys = brokered.machine.run(&["budget", "key", "list"]).await;
    assert_eq!(text(&keys.stdout), "1\tresearch\tany user\tactive\n");
    assert!(brokered.machine.run(&["budget", "key", "revoke", "1"]).await.status.success());
    let revoked = brokered.run(&["get", &brokered.machine.shop.url("/weather")]).await;
    assert_eq!(revoked.status.code(), Some(2), "{}", text(&revoked.stderr));
    let pid = brokered.serve.id().unwrap().to_string();
    assert!(Command::new("kill").arg(pid).status().await.unwrap().success());
    assert_eq!(brokered.serve.wait().await.unwrap().code(), Some(0));
    let folder = brokered.machine.data().join("broker");
    assert!(!folder.join("agent.sock").exists() && !folder.join("owner.sock").exists());
    let gone = brokered.run(&["get", &brokered.machine.shop.url("/weather")]).await;
    assert_eq!(gone.status.code(), Some(1), "{}", text(&gone.stderr));
}
