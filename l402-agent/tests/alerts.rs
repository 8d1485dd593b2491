//! Alerts arrive at least once: at a webhook that knows them by their signature, and at a command.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

use l402_agent::alerts::{Channel, Courier, SecretFile, Signature, Webhook};
use l402_agent::command::Program;
use l402_agent::confirm::{Confirmer, Hook};
use l402_agent::store::breaker::{Answer, Breakers, Guards, Question};
use l402_agent::store::private::PrivateDir;
use l402_agent::store::{Clocks, Database};
use l402_core::Msat;
use l402_core::purchase::Reading;
use l402_core::purchase::breaker::Mode;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Debug)]
struct Fake(Mutex<Reading>);

impl Clocks for Fake {
    fn read(&self) -> Reading {
        *self.0.lock().unwrap()
    }
}

struct Desk {
    home: tempfile::TempDir,
    clocks: Arc<Fake>,
    breakers: Breakers,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(home.path().join("data")).unwrap();
        let reading = Reading { boot: Some([1; 16]), since_boot_ms: 0, wall_ms: 1_700_000_000_000 };
        let clocks = Arc::new(Fake(Mutex::new(reading)));
        let database = Database::open_with_clocks(&data, Arc::clone(&clocks) as Arc<dyn Clocks>).unwrap();
        database.guard(Guards { are_alerts_sent: true, ..Guards::default() });
        Self { home, clocks, breakers: Breakers::new(database) }
    }

    fn pass(&self, seconds: u64) {
        self.clocks.0.lock().unwrap().wall_ms += seconds * 1_000;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn secret(&self, mode: u32) -> SecretFile {
        let path = self.path("secret");
        fs::write(&path, "0123456789abcdef\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        SecretFile::new(path)
    }

    fn courier(&self, channel: Channel) -> Courier {
        Courier::new(self.breakers.clone(), vec![channel]).unwrap()
    }
}

/// Answers one request after another with these statuses, and returns the requests.
async fn server(statuses: Vec<u16>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            while !text.ends_with('}') {
                let mut bytes = [0; 4096];
                let length = stream.read(&mut bytes).await.unwrap();
                text.push_str(core::str::from_utf8(&bytes[..length]).unwrap());
            }
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            requests.push(text);
        }
        requests
    });
    (url, requests)
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let line = request.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
    line.split_once(": ").unwrap().1
}

#[tokio::test]
async fn an_alert_is_signed_and_sent_again_until_it_is_taken() {
    let desk = Desk::new();
    let (url, requests) = server(vec![500, 204]).await;
    let courier = desk.courier(Channel::Webhook(Webhook::new(url.parse().unwrap(), desk.secret(0o600)).unwrap()));
    desk.breakers.set(Some(&"https://api.example".parse().unwrap()), Mode::Frozen).unwrap();
    assert_eq!(courier.deliver().await.unwrap(), 0);
    assert_eq!(courier.deliver().await.unwrap(), 0, "it is not due yet");
    desk.pass(15);
    assert_eq!(courier.deliver().await.unwrap(), 1);
    desk.pass(100_000);
    assert_eq!(courier.deliver().await.unwrap(), 0, "it has arrived");
    let requests = requests.await.unwrap();
    let ids: Vec<_> = requests.iter().map(|request| header(request, "l402-alert-id")).collect();
    assert_eq!(ids[0], ids[1]);
    for request in &requests {
        let body = request.split_once("\r\n\r\n").unwrap().1;
        let time = header(request, "l402-alert-time").parse().unwrap();
        let signature = Signature::new(b"0123456789abcdef", time, body.as_bytes());
        assert_eq!(header(request, "l402-alert-signature"), signature.to_string());
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&body["event"], &body["id"], &body["mode"]),
            (&"breaker_tripped".into(), &ids[0].into(), &"frozen".into())
        );
        assert_eq!(body["message"], "https://api.example: frozen, as its owner has set it");
    }
}

#[tokio::test]
async fn an_exposed_secret_signs_nothing() {
    let desk = Desk::new();
    let webhook = Webhook::new("http://127.0.0.1:1/".parse().unwrap(), desk.secret(0o640)).unwrap();
    desk.breakers.set(None, Mode::ReadOnly).unwrap();
    assert_eq!(desk.courier(Channel::Webhook(webhook)).deliver().await.unwrap(), 0);
    assert!(desk.secret(0o640).read().is_err() && desk.secret(0o600).read().is_ok());
}

fn shell(script: &str, path: &Path) -> Program {
    let path = path.to_str().unwrap().to_owned();
    Program::new(["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned(), "sh".to_owned(), path]).unwrap()
}

#[tokio::test]
async fn a_command_gets_the_alert_on_its_input() {
    let desk = Desk::new();
    let file = desk.path("alerts");
    desk.breakers.set(None, Mode::ReadOnly).unwrap();
    assert_eq!(desk.courier(Channel::Command(shell("exit 3", &file))).deliver().await.unwrap(), 0);
    desk.pass(15);
    assert_eq!(desk.courier(Channel::Command(shell("cat > \"$1\"", &file))).deliver().await.unwrap(), 1);
    let told: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(told["message"], "all origins: read-only, as its owner has set it");
}

fn question() -> Question {
    Question {
        id: "0102030405".to_owned(),
        budget: "main".to_owned(),
        origin: "https://api.example".to_owned(),
        method: "GET".to_owned(),
        path: "/$(touch pwned);'\"`touch pwned`".to_owned(),
        amount_msat: Msat::from_sat(21),
        max_fee_msat: Msat::ZERO,
        payment_hash: "00".repeat(32),
        invoice: "lnbc1".to_owned(),
        why: "as every payment does".to_owned(),
        asked_at: 1_700_000_000.into(),
        ends_at: 1_700_000_300.into(),
    }
}

#[tokio::test]
async fn a_hook_answers_by_its_status_and_gets_no_word_but_on_its_input() {
    let desk = Desk::new();
    let file = desk.path("question");
    for (status, answer) in [(0, Some(Answer::Yes)), (1, Some(Answer::No)), (2, None), (126, None)] {
        let hook = Hook::new(shell(&format!("cat > \"$1\"; env > \"$1.env\"; exit {status}"), &file));
        assert!(hook.is_owner());
        assert_eq!(hook.ask(&question()).await, answer, "{status}");
    }
    let told: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!((&told["amount_msat"], &told["path"]), (&21_000.into(), &question().path.into()));
    let environment = fs::read_to_string(desk.path("question.env")).unwrap();
    assert!(!environment.contains("api.example") && !environment.contains("CARGO"), "{environment}");
    let missing = Hook::new(Program::new(["/does/not/exist".to_owned()]).unwrap());
    assert_eq!(missing.ask(&question()).await, None);
    assert!(Program::new(["sh".to_owned()]).is_none() && Program::new([]).is_none());
}
