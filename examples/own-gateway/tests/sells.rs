//! The program sells: 402, a real payment, 200.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use std::process::Stdio;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use l402_core::{Challenge, CredentialLine, Msat};
use l402_lightning::{Invoice, PayLimit, PaymentSource as _};
use l402_sandbox::SandboxWallet;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

#[tokio::test]
async fn a_report_is_sold_and_the_token_is_good_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wallet.json");
    let program = Command::new(env!("CARGO_BIN_EXE_own-gateway"))
        .env("L402_SANDBOX", &file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut program = program.unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let line = timeout(Duration::from_mins(2), lines.next_line()).await.unwrap().unwrap().unwrap();
    let address = line.strip_prefix("selling weather on http://").unwrap().trim_end_matches('/').to_owned();

    let unpaid = get(&address, None).await;
    assert_eq!(unpaid.status(), 402);
    let fields = unpaid.headers().get_all(WWW_AUTHENTICATE);
    let challenge = Challenge::select(fields.iter().map(HeaderValue::as_bytes)).unwrap();

    let wallet = SandboxWallet::discover(Some(&file)).await.unwrap();
    let invoice = Invoice::parse(challenge.invoice().as_str().unwrap()).unwrap();
    let paid = wallet.pay(&invoice, PayLimit::fee(Msat::new(1_000))).await.unwrap();
    let token = challenge.token().as_str().unwrap();
    let credential = CredentialLine { scheme: challenge.scheme(), token, preimage: &paid.preimage }.to_string();

    for _ in 0..2 {
        let report = get(&address, Some(&credential)).await;
        assert_eq!(report.status(), 200);
        assert_eq!(report.into_body().collect().await.unwrap().to_bytes(), "sunny, 21 degrees\n");
    }
    assert_eq!(get(&address, Some("L402 AgEE")).await.status(), 400, "a credential without a preimage");
}

async fn get(address: &str, credential: Option<&str>) -> Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::get("/").header("host", address);
    if let Some(credential) = credential {
        request = request.header(AUTHORIZATION, credential);
    }
    sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
}
