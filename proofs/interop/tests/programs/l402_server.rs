//! The gateway that sells with an LND, as `docs/gateway/money.md` shows it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use interop::{Buyer, GOODS, Http, HttpVersion, Upstream, Wallet, payee, settings};
use l402_http::pay::{MemoryStore, Purchased};
use l402_regtest::lnd::{LndNode, Macaroon, SELL};
use l402_regtest::{Network, NodeKind};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::{ARGUMENTS, AS_PROGRAM, PROGRAM, program};

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn o2_check_says_what_a_macaroon_lacks_and_what_it_exceeds() {
    let network = Network::builder().lnd("bob").start().await.unwrap();
    let bob = network.lnd("bob");
    drop(payee(&network, "bob").await); // it has seen the last block
    let check = |macaroon: &Path| {
        let home = tempfile::tempdir().unwrap();
        let mut check = program("l402-server", &["check"]);
        check.env("HOME", home.path()).env("UPSTREAM_URL", "http://127.0.0.1:3000");
        check.env("LND_SOCKET", bob.rpc_address().to_string()).env("LND_CERT", bob.tls_cert());
        let Output { status, stdout, stderr } = check.env("LND_MACAROON", macaroon).output().unwrap();
        (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
    };
    let enough = check(&bob.bake("enough", &SELL).await.unwrap());
    assert!(enough.0 && enough.1.contains("paid to LND") && !enough.1.contains("warning"), "{}", enough.1);
    let admin = check(&bob.macaroon(Macaroon::Admin));
    assert!(admin.0 && admin.1.contains("warning: the macaroon for LND may be able to spend"), "{}", admin.1);
    assert!(admin.1.contains(BAKE), "{}", admin.1);
    for (macaroon, lacks) in [(Macaroon::ReadOnly, "invoices:write"), (Macaroon::Invoice, "info:read")] {
        let (sells, said) = check(&bob.macaroon(macaroon));
        assert!(!sells && said.contains(&format!("lacks the permission {lacks}")), "{macaroon}: {said}");
        assert!(said.contains(BAKE), "{macaroon}: {said}");
    }

    let (home, cert, macaroon) = (Home::of(bob), bob.tls_cert(), bob.macaroon(Macaroon::Admin));
    let (socket, cert, macaroon) = (bob.rpc_address(), cert.display(), macaroon.display());
    let lnd = format!("export LND_SOCKET={socket} LND_CERT='{cert}' LND_MACAROON='{macaroon}'");
    let mut shop = home.bash(&format!("{lnd} UPSTREAM_URL=http://127.0.0.1:3000; l402-server"));
    let said = BufReader::new(shop.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let before: Vec<_> = said.take_while(|line| !line.contains(" sells")).collect();
    assert!(before.iter().any(|line| line.contains(BAKE)), "{before:?}");
    drop(shop);
    network.stop().await;
}

/// Everything is as it stands there, but the addresses, the network, and where `lncli` looks for the node.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn the_page_sells_with_an_lnd() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
    let (bob, upstream) = (network.lnd("bob"), Upstream::start().await);
    drop(payee(&network, "bob").await); // it has seen the last block
    let there = |text: &str| {
        let text = replaced(text, "127.0.0.1:10009", &bob.rpc_address().to_string());
        text.replace("127.0.0.1:3000", &upstream.address().to_string())
    };
    let (commands, file) = section();
    let home = Home::of(bob);
    fs::write(home.0.path().join("gateway.toml"), there(&replaced(&file, "\"bitcoin\"", "\"regtest\""))).unwrap();

    let mut shop = home.bash(&[&commands[0], &there(&commands[1])].map(String::as_str).concat());
    let mut said = BufReader::new(shop.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    said.find(|line| line.starts_with("paid to LND")).unwrap();
    let address = said.find_map(|line| Some(line.split_once("http://")?.1.split_once(" sells")?.0.to_owned())).unwrap();
    let uri = format!("http://{address}/weather").parse().unwrap();
    let wallet = Wallet::of(&network, "alice").await;
    let buyer = Buyer::new(&Http::new(HttpVersion::One), wallet, MemoryStore::new(), settings());
    for _ in 0..2 {
        let answer = buyer.get(&uri).await.unwrap(); // a token has one use
        assert_eq!((&*answer.body, answer.receipt.unwrap().purchased), (GOODS.as_bytes(), Purchased::Now));
    }
    drop(shop);

    let upstream = format!("UPSTREAM_URL=http://{}", upstream.address());
    let mut check = home.bash(&format!("{upstream} l402-server check --config gateway.toml"));
    let mut said = BufReader::new(check.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.starts_with("paid to LND")));
    network.stop().await;
}

/// Returns the commands of the section of the page, and the file.
fn section() -> ([String; 2], String) {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gateway/money.md")).unwrap();
    let (_, section) = page.split_once("## Sell with your LND\n").unwrap();
    let block = |language: &str, number: usize| {
        let block = section.split(&format!("```{language}\n")).nth(number + 1).unwrap();
        block.split("```").next().unwrap().to_owned()
    };
    ([block("sh", 0), block("sh", 1)], block("toml", 0))
}

#[track_caller]
pub(crate) fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "no {old} in {text}");
    text.replace(old, new)
}

/// The machine of somebody who runs an LND and a gateway.
pub(crate) struct Home(pub(crate) TempDir, Command);

impl Home {
    pub(crate) fn of(lnd: &LndNode) -> Self {
        let home = tempfile::tempdir().unwrap();
        symlink(lnd.dir(), home.path().join(".lnd")).unwrap();
        symlink(lnd.tls_cert(), home.path().join("tls.cert")).unwrap();
        Self(home, lnd.lncli())
    }

    /// Begins to run a script in the folder of this machine, on which the programs are installed.
    pub(crate) fn bash(&self, script: &str) -> Running {
        let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
        let lncli: Vec<_> = core::iter::once(self.1.get_program()).chain(self.1.get_args()).map(quoted).collect();
        let own = quoted(std::env::current_exe().unwrap().as_os_str());
        let installed = format!(
            "set -euo pipefail; exec 2>&1\n\
             lncli() {{ {} \"$@\"; }}\n\
             l402-server() {{ {PROGRAM}=l402-server {ARGUMENTS}=$(printf '%s\\n' \"$@\") {own} {}; }}\n",
            lncli.join(" "),
            AS_PROGRAM.join(" "),
        );
        let mut bash = Command::new("bash");
        bash.arg("-c").arg(installed + script).current_dir(self.0.path()).process_group(0);
        bash.env("HOME", self.0.path()).env("L402_LISTEN", "127.0.0.1:0").stdin(Stdio::null()).stdout(Stdio::piped());
        for name in ["LND_SOCKET", "LND_CERT", "LND_MACAROON", "LND_CONNECT", "XDG_DATA_HOME"] {
            bash.env_remove(name);
        }
        Running(bash.spawn().unwrap())
    }
}

/// A script; it ends, with all that it started, when this is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Kills it, with all that it started.
    pub(crate) fn kill(self) {
        kill_process_group(Pid::from_child(&self.0), Signal::KILL).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The programs stop in order; whatever has ended by itself is not there any more.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// The line that makes a macaroon that is enough.
const BAKE: &str = "bakemacaroon --save_to=l402-payee.macaroon info:read invoices:read invoices:write";
