//! `l402-regtest up`, as a person runs it: what it prints can be used, and Ctrl-C ends it all.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use l402_lightning::Network;
use l402_lnd::{LndConfig, LndError, Role, inspect};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

#[test]
fn an_ldk_network_is_shown_and_ended() {
    let up = Up::start("alice(ldk) - bob(ldk)");
    assert!(up.value("alice (ldk)").contains("@127.0.0.1:"), "{}", up.text);
    assert!(up.value("alice — bob:").starts_with("10000000 sat"), "{}", up.text);
    assert!(Path::new(&up.variables("pay:")("L402_SANDBOX").unwrap()).exists());
    up.interrupt();
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn an_lnd_can_be_reached_with_what_is_shown() {
    let up = Up::start("bob(lnd)");
    for (line, role) in [("sell:", Role::Payee), ("pay:", Role::Payer)] {
        let config = LndConfig::from_environment(up.variables(line)).unwrap();
        assert!(config.macaroon.permissions().unwrap().excess(role).is_empty());
        let identity = loop {
            match inspect(&config, role).await {
                Ok(identity) => break identity,
                Err(fault) => assert!(matches!(fault, LndError::NotSynced), "{fault}"), // it learns of the last block in a moment
            }
            sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(identity.network, Network::Regtest);
    }
    let lncli = Command::new("sh").args(["-c", &format!("{} getinfo", up.value("lncli:"))]).output().unwrap();
    let id = up.value("bob (lnd)").split_once('@').unwrap().0;
    assert!(String::from_utf8(lncli.stdout).unwrap().contains(id));
    let socket = up.variables("sell:")("LND_SOCKET").unwrap();
    up.interrupt();
    TcpStream::connect(socket).unwrap_err();
}

/// The program and what it printed. Dropped, it ends.
struct Up {
    process: Child,
    text: String,
}

impl Up {
    fn start(topology: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_l402-regtest"));
        let mut process = command.args(["up", topology]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut up = Self { process, text: String::new() };
        while !up.text.contains("Ctrl-C ends everything") {
            assert_ne!(said.read_line(&mut up.text).unwrap(), 0, "{}", up.text);
        }
        up
    }

    /// Returns the rest of the line that begins with `name`.
    fn value(&self, name: &str) -> &str {
        self.text.lines().find_map(|line| line.trim_start().strip_prefix(name)).unwrap().trim()
    }

    /// Returns what the variables of a line that can be pasted are set to.
    fn variables(&self, line: &str) -> impl Fn(&str) -> Option<String> {
        let pairs = self.value(line).split(' ').filter_map(|word| word.split_once('='));
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        move |name| Some(pairs.iter().find(|(key, _)| key == name)?.1.clone())
    }

    /// Presses Ctrl-C; it ends in order, and leaves nothing behind.
    fn interrupt(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::INT).unwrap();
        assert!(self.process.wait().unwrap().success());
        let folder = self.value("files and logs:");
        assert!(!Path::new(folder).exists(), "{folder}");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // After Ctrl-C it is not there any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
