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

    buy_one_use(&buyer, transcript).await?;
    let bundle = buy_three_uses(&buyer, transcript).await?;
    refuse(&buyer, &bundle, transcript).await?;
    delegate(&buyer, &bundle, transcript).await?;
    transcript.summary();
    Ok(())
}

/// 402, payment, 200; the token is spent, and the next request is asked to pay again.
async fn buy_one_use(buyer: &Buyer<'_>, transcript: &mut Transcript) -> Result<()> {
    transcript.start_handshake();
    let purchase = buy(buyer, "/v1/demo", transcript).await?;
    transcript.request("GET /v1/demo", "Authorization: L402 <token>:<preimage>");
    let served = buyer.get("/v1/demo", Some(&purchase.credential(purchase.token()))).await?;
    transcript.answer(&served);
    transcript.end_handshake();
    ensure!(served.is(200, r#"{"result":"verified"}"#) && served.leaves(0), "a paid call must be served, once");

    transcript.request("GET /v1/demo", "the same token again");
    let again = buyer.get("/v1/demo", Some(&purchase.credential(purchase.token()))).await?;
    transcript.answer(&again);
    ensure!(refused(&again, 402, "spent"), "a spent token must be refused, with a new challenge");
    let offered = Order::read(&again).context("cannot use the new payment challenge")?;
    ensure!(
        offered.invoice.payment_hash() != purchase.preimage().hash(),
        "the new challenge must ask for a new payment"
    );
    Ok(())
}

/// A token that can be used three times.
async fn buy_three_uses(buyer: &Buyer<'_>, transcript: &mut Transcript) -> Result<Purchase> {
    buy(buyer, "/v1/tips", transcript).await
}

/// 402, and the payment.
async fn buy(buyer: &Buyer<'_>, path: &str, transcript: &mut Transcript) -> Result<Purchase> {
    transcript.request(&format!("GET {path}"), "no token");
    let challenged = buyer.get(path, None).await?;
    transcript.answer(&challenged);
    ensure!(challenged.status == 402 && challenged.challenges.len() == 2, "an unpaid call must be challenged");
    let order = Order::read(&challenged).context("cannot use the payment challenge")?;
    transcript.order(&challenged, &order)?;

    let purchase = buyer.pay(order).await.context("the payment failed")?;
    transcript.paid(&purchase);
    Ok(purchase)
}

/// What is refused takes no use: a token for another route, one with one bit changed, one that has expired.
async fn refuse(buyer: &Buyer<'_>, bundle: &Purchase, transcript: &mut Transcript) -> Result<()> {
    transcript.request("GET /v1/data", "the token that was bought for /v1/tips");
    let other = buyer.get("/v1/data", Some(&bundle.credential(bundle.token()))).await?;
    transcript.answer(&other);
    ensure!(refused(&other, 402, "other-capability"), "a token must open no other route");

    transcript.request("GET /v1/tips", "the token with one bit of its signature changed");
    let forged = buyer.get("/v1/tips", Some(&bundle.credential(&bundle.forged()?))).await?;
    transcript.answer(&forged);
    ensure!(refused(&forged, 401, "forged"), "a forged token must be refused");

    transcript.request("GET /v1/tips", "the token with a caveat added by its holder: it expired a second ago");
    let ended = buyer.get("/v1/tips", Some(&bundle.credential(&bundle.ending(-1)?))).await?;
    transcript.answer(&ended);
    ensure!(refused(&ended, 402, "expired"), "a token that has ended must be refused");
    Ok(())
}

/// A holder can pass on some of the uses, without asking anybody: one to Ann, two to Ben. Then nothing is left.
async fn delegate(buyer: &Buyer<'_>, bundle: &Purchase, transcript: &mut Transcript) -> Result<()> {
    let (ann, ben) = (bundle.delegated(1, "ann")?, bundle.delegated(2, "ben")?);
    let requests = [
        ("Ann's token: the caveat plannt_uses=1:ann was added to it", &ann, Some(0)),
        ("Ann again", &ann, None),
        ("Ben's token: plannt_uses=2:ben was added to it", &ben, Some(1)),
        ("Ben's last use", &ben, Some(0)),
        ("Ben again", &ben, None),
    ];
    for (who, token, left) in requests {
        transcript.request("GET /v1/tips", who);
        let answer = buyer.get("/v1/tips", Some(&bundle.credential(token))).await?;
        transcript.answer(&answer);
        match left {
            Some(left) => ensure!(answer.leaves(left), "a delegated use must be served"),
            None => ensure!(refused(&answer, 402, "spent"), "nobody has more uses than were delegated"),
        }
    }
    transcript.request("GET /v1/tips", "the token that both came from");
    let nothing = buyer.get("/v1/tips", Some(&bundle.credential(bundle.token()))).await?;
    transcript.answer(&nothing);
    ensure!(refused(&nothing, 402, "spent"), "three uses were sold, and three were used");
    Ok(())
}

fn refused(answer: &Answer, status: u16, reason: &str) -> bool {
    answer.status == status && answer.reason().as_deref() == Some(reason) && !answer.challenges.is_empty()
}
