//! The program sells: 402, a real payment of play money, 200.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use l402_core::{Challenge, CredentialLine, Msat};
use l402_lightning::{Invoice, PayLimit, PaymentSource as _};
use l402_sandbox::SandboxWallet;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

#[tokio::test]
async fn one_route_of_an_axum_app_is_sold_for_play_money() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wallet.json");
    let program = Command::new(env!("CARGO_BIN_EXE_sell-with-axum"))
        .env("L402_SANDBOX", &file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut program = program.unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let line = timeout(Duration::from_mins(2), lines.next_line()).await.unwrap().unwrap().unwrap();
    let url = line.strip_prefix("selling ").unwrap();
    let http = Client::new();

    let free = http.get(url.strip_suffix("weather").unwrap()).send().await.unwrap();
    assert_eq!(free.text().await.unwrap(), "GET /weather costs 21 sat\n");

    let unpaid = http.get(url).send().await.unwrap();
    assert_eq!(unpaid.status(), 402);
    let lines = unpaid.headers().get_all(WWW_AUTHENTICATE);
    let challenge = Challenge::select(lines.iter().map(HeaderValue::as_bytes)).unwrap();
    let invoice = Invoice::parse(challenge.invoice().as_str().unwrap()).unwrap();
    let wallet = SandboxWallet::discover(Some(&file)).await.unwrap();
    let paid = wallet.pay(&invoice, PayLimit::fee(Msat::new(1_000))).await.unwrap();

    let token = challenge.token().as_str().unwrap();
    let credential = CredentialLine { scheme: challenge.scheme(), token, preimage: &paid.preimage }.to_string();
    let report = http.get(url).header(AUTHORIZATION, credential).send().await.unwrap();
    assert_eq!(report.status(), 200);
    assert_eq!(report.text().await.unwrap(), "sunny, 21 degrees\n");
}
