//! The wallet's client sorts failures by the one question that matters: may the payment still succeed?
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, too")]

use core::time::Duration;
use l402_core::Msat;
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{
    FailureReason, Invoice, InvoiceRequest, InvoiceSource, Network, PayError, PayLimit, PaymentSource, PaymentStatus,
};
use l402_sandbox::{DiscoverError, ErrorKind, ErrorReply, InfoReply, SandboxFile, SandboxWallet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

/// What the wallet does after it said who it is.
#[derive(Clone)]
enum Act {
    Answer(u16, String),
    HangUp,
    Stall,
    Vanish,
}

/// A wallet that acts once as it is told.
async fn wallet(act: Act) -> SandboxWallet {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = SandboxFile { address: listener.local_addr().unwrap(), secret: Zeroizing::new("c0ffee".to_owned()) };
    let info = serde_json::to_string(&InfoReply::new(Network::Regtest, node().node_id())).unwrap();
    tokio::spawn(async move {
        answer(&mut accept(&listener).await, 200, &info).await;
        if matches!(act, Act::Vanish) {
            return; // the client is gone
        }
        let mut stream = accept(&listener).await;
        match act {
            Act::Answer(status, body) => answer(&mut stream, status, &body).await,
            Act::Stall => core::future::pending().await,
            Act::HangUp | Act::Vanish => {}
        }
    });
    let wallet = SandboxWallet::connect(&file).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await; // until the listener is gone, where it goes
    wallet
}

/// Reads a whole request, which carries the secret.
async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.contains("authorization: Bearer c0ffee"));
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return stream;
        }
    }
}

async fn answer(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await.unwrap();
}

fn node() -> FakeNode {
    FakeNetwork::new().node()
}

async fn invoice() -> Invoice {
    let request =
        InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: Duration::from_mins(5) };
    node().create_invoice(request).await.unwrap()
}

async fn pay(act: Act) -> PayError {
    let limit = PayLimit { timeout: Duration::from_millis(50), ..PayLimit::fee(Msat::ZERO) };
    wallet(act).await.pay(&invoice().await, limit).await.unwrap_err()
}

fn refusal(kind: ErrorKind) -> Act {
    Act::Answer(kind.status(), serde_json::to_string(&ErrorReply::new(kind, "for a test")).unwrap())
}

#[tokio::test]
async fn a4_a_request_without_a_response_is_unknown() {
    for act in [
        Act::HangUp,
        Act::Answer(200, "{}".to_owned()),
        Act::Answer(200, r#"{"preimage":"00","amount_msat":1,"fee_msat":0}"#.to_owned()),
        Act::Answer(502, "<html>".to_owned()),
        refusal(ErrorKind::Unknown),
    ] {
        let fault = pay(act).await;
        assert!(fault.is_unknown(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a4_a_wallet_that_never_answers_is_unknown() {
    let fault = pay(Act::Stall).await;
    assert!(fault.is_unknown(), "{fault:?}");
}

#[tokio::test]
async fn what_was_never_sent_is_unavailable() {
    for act in [Act::Vanish, refusal(ErrorKind::Unauthorized), refusal(ErrorKind::BadRequest)] {
        let fault = pay(act).await;
        assert!(matches!(fault, PayError::Unavailable(_)), "{fault:?}");
    }
}

#[tokio::test]
async fn every_kind_of_failure_comes_back_as_it_went() {
    let kinds = [
        PayError::Expired,
        PayError::WrongNetwork { expected: Network::Regtest, found: Network::Regtest },
        PayError::NoAmount,
        PayError::InsufficientBalance { amount_msat: Msat::new(21_000) },
        PayError::NoRoute,
        PayError::Busy,
        PayError::Failed(FailureReason::Rejected),
        PayError::Failed(FailureReason::RetriesExhausted),
        PayError::Failed(FailureReason::Expired),
        PayError::Failed(FailureReason::Unspecified),
    ];
    for sent in kinds {
        let body = serde_json::to_string(&ErrorReply::from(&sent)).unwrap();
        let found = pay(Act::Answer(ErrorKind::of(&sent).status(), body)).await;
        assert_eq!(found.to_string(), sent.to_string());
    }
}

#[tokio::test]
async fn a_payment_and_its_state_come_back() {
    let preimage = "1".repeat(64);
    let paid = format!(r#"{{"preimage":"{preimage}","amount_msat":21000,"fee_msat":3}}"#);
    let paid = wallet(Act::Answer(200, paid)).await.pay(&invoice().await, PayLimit::fee(Msat::new(5))).await.unwrap();
    assert_eq!(
        (paid.preimage.to_hex().expose(), paid.amount_msat, paid.fee_msat),
        (&*preimage, Msat::new(21_000), Msat::new(3))
    );

    let state = format!(r#"{{"status":"succeeded","preimage":"{preimage}","amount_msat":21000,"fee_msat":3}}"#);
    let state = wallet(Act::Answer(200, state)).await.payment(&paid.preimage.hash()).await.unwrap();
    assert!(matches!(state, PaymentStatus::Succeeded(found) if found.fee_msat == Msat::new(3)));
    assert!(wallet(Act::HangUp).await.payment(&paid.preimage.hash()).await.is_err());
}

#[tokio::test]
async fn without_a_sandbox_the_error_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let fault = SandboxWallet::discover(Some(&folder.path().join("sandbox.json"))).await.unwrap_err();
    assert_eq!(fault.to_string(), "no sandbox is running");

    let ended = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let file = SandboxFile { address: ended, secret: Zeroizing::new("c0ffee".to_owned()) };
    assert!(matches!(SandboxWallet::connect(&file).await, Err(DiscoverError::Unavailable(_))));
}
