//! `cargo demo`: an HTTP call is sold and bought, step by step, over a real Lightning payment with play money.
//!
//! Everything runs in this process: a regtest chain, two Lightning nodes with channels between them, the Plannt upstream,
//! the gateway with the configuration of this example, and a client. Each step is checked; the first that is not as it
//! should be ends the demo with an exit code of 1.

mod buyer;
mod stage;
mod transcript;

use anyhow::{Context, Result, ensure};
use buyer::{Answer, Buyer, Order, Purchase};
use stage::Stage;
use std::process::ExitCode;
use transcript::Transcript;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let mut transcript =
        Transcript::new("A paid HTTP call, with play money, between two Lightning nodes in this process");
    let stage = Stage::set(&mut transcript).await?;
    let played = play(&stage, &mut transcript).await;
    stage.strike().await?;
    played
}

async fn play(stage: &Stage, transcript: &mut Transcript) -> Result<()> {
    let buyer = Buyer::new(stage.gateway(), stage.wallet());
    transcript.ready();

    transcript.request("GET /status", "free");
    let free = buyer.get("/status", None).await?;
    transcript.answer(&free);
    ensure!(free.is(200, "OK"), "a free path must be forwarded");

    let purchase = buy(&buyer, transcript).await?;
    reuse(&buyer, &purchase, transcript).await?;
    refuse(&buyer, &purchase, transcript).await?;
    attenuate(&buyer, &purchase, transcript).await?;
    transcript.summary();
    Ok(())
}

/// 402, payment, 200.
async fn buy(buyer: &Buyer<'_>, transcript: &mut Transcript) -> Result<Purchase> {
    transcript.request("GET /v1/demo", "no token");
    transcript.start_handshake();
    let challenged = buyer.get("/v1/demo", None).await?;
    transcript.answer(&challenged);
    ensure!(challenged.status == 402 && challenged.challenges.len() == 2, "an unpaid call must be challenged");
    let order = Order::read(&challenged).context("cannot use the payment challenge")?;
    transcript.order(&challenged, &order)?;

    let purchase = buyer.pay(order).await.context("the payment failed")?;
    transcript.paid(&purchase);

    transcript.request("GET /v1/demo", "Authorization: L402 <token>:<preimage>");
    let served = buyer.get("/v1/demo", Some(&purchase.credential(purchase.token()))).await?;
    transcript.answer(&served);
    transcript.end_handshake();
    ensure!(served.is(200, r#"{"result":"verified"}"#), "a paid call must be served");
    Ok(purchase)
}

/// A token serves again until it ends.
async fn reuse(buyer: &Buyer<'_>, purchase: &Purchase, transcript: &mut Transcript) -> Result<()> {
    transcript.request("GET /v1/demo", "the same token again: nothing to pay");
    let served = buyer.get("/v1/demo", Some(&purchase.credential(purchase.token()))).await?;
    transcript.answer(&served);
    ensure!(served.status == 200, "a token must serve until it ends");
    Ok(())
}

/// The token of one route, and a token with one bit changed.
async fn refuse(buyer: &Buyer<'_>, purchase: &Purchase, transcript: &mut Transcript) -> Result<()> {
    transcript.request("GET /v1/data", "the token that was bought for /v1/demo");
    let other = buyer.get("/v1/data", Some(&purchase.credential(purchase.token()))).await?;
    transcript.answer(&other);
    ensure!(refused(&other, 402, "other-capability"), "a token must open no other route");

    transcript.request("GET /v1/demo", "the token with one bit of its signature changed");
    let forged = buyer.get("/v1/demo", Some(&purchase.credential(&purchase.forged()?))).await?;
    transcript.answer(&forged);
    ensure!(refused(&forged, 401, "forged"), "a forged token must be refused");
    Ok(())
}

/// A holder can bring the end of a token forward, without asking anybody.
async fn attenuate(buyer: &Buyer<'_>, purchase: &Purchase, transcript: &mut Transcript) -> Result<()> {
    transcript.request("GET /v1/demo", "the token with a caveat added by its holder: it expires in 60 seconds");
    let narrowed = purchase.ending(60)?;
    let served = buyer.get("/v1/demo", Some(&purchase.credential(&narrowed))).await?;
    transcript.answer(&served);
    ensure!(served.status == 200, "an attenuated token must serve");

    transcript.request("GET /v1/demo", "the same, expired a second ago");
    let ended = buyer.get("/v1/demo", Some(&purchase.credential(&purchase.ending(-1)?))).await?;
    transcript.answer(&ended);
    ensure!(refused(&ended, 402, "expired"), "a token that has ended must be refused");
    Ok(())
}

fn refused(answer: &Answer, status: u16, reason: &str) -> bool {
    answer.status == status && answer.reason().as_deref() == Some(reason) && !answer.challenges.is_empty()
}
