//! The suite over a relay of somebody else's making, `nostr-relay` of Python's. It keeps and repeats what need not be kept.

use crate::sell::conforms;
use core::time::Duration;
use std::env;
use std::fs;
use std::process::Stdio;
use std::slice;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// A running relay.
struct Relay {
    process: Child,
    url: String,
}

impl Relay {
    /// `L402_NOSTR_RELAY` is the path of the program.
    async fn start(folder: &std::path::Path) -> Self {
        let program = env::var_os("L402_NOSTR_RELAY").expect("L402_NOSTR_RELAY is the path of nostr-relay: just nwc");
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let config =
            CONFIG.replace("PORT", &port.to_string()).replace("FOLDER", folder.to_str().expect("a folder of letters"));
        fs::write(folder.join("relay.yaml"), config).unwrap();
        let mut command = Command::new(program);
        command.args(["-c", "relay.yaml", "serve"]).current_dir(folder).kill_on_drop(true);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nostr-relay");
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_mins(1), listens).await.expect("the relay listens");
        Self { process, url: format!("ws://127.0.0.1:{port}") }
    }

    /// With its workers, which end when they are told and not when they are killed over.
    async fn stop(mut self) {
        let id = self.process.id().expect("it runs").to_string();
        assert!(Command::new("kill").arg(id).status().await.unwrap().success());
        self.process.wait().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs nostr-relay: just nwc"]
async fn payee_and_payer_conform_over_a_real_relay() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(folder.path()).await;
    conforms(Some("nip44_v2"), slice::from_ref(&relay.url)).await;
    conforms(None, slice::from_ref(&relay.url)).await;
    relay.stop().await;
}

const CONFIG: &str = "
DEBUG: false
relay_name: test
storage:
  sqlalchemy.url: sqlite+aiosqlite:///FOLDER/relay.sqlite3
  validators:
    - nostr_relay.validators.is_not_too_large
    - nostr_relay.validators.is_signed
    - nostr_relay.validators.is_recent
verification:
  nip05_verification: disabled
gunicorn:
  bind: 127.0.0.1:PORT
  workers: 1
  loglevel: warning
  reload: false
authentication:
  enabled: false
message_timeout: 1800
subscription_limit: 32
max_limit: 6000
";
