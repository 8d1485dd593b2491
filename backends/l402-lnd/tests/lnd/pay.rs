//! Whatever gets lost, money is sent once, and what became of it is found out (threat A4).

use crate::away::until;
use crate::conform::REQUEST;
use crate::fake::{FakeLnd, Mood, World};
use core::time::Duration;
use l402_core::Msat;
use l402_lightning::{Invoice, InvoiceSource, PayError, PayLimit, PaymentSource, PaymentStatus};
use l402_lnd::{LndPayee, LndPayer};

struct Stage {
    world: World,
    lnd: FakeLnd,
    payer: LndPayer,
    invoice: Invoice,
}

async fn stage() -> Stage {
    let world = World::new();
    let (seller, lnd) = (FakeLnd::start(&world).await, FakeLnd::start(&world).await);
    let invoice = LndPayee::start(&seller.config()).await.unwrap().create_invoice(REQUEST).await.unwrap();
    let payer = LndPayer::connect(&lnd.config()).await.unwrap();
    Stage { world, lnd, payer, invoice }
}

impl Stage {
    async fn pay(&self) -> Result<l402_lightning::Paid, PayError> {
        self.payer.pay(&self.invoice, PayLimit { timeout: Duration::from_secs(10), ..PayLimit::fee(Msat::ZERO) }).await
    }

    async fn pay_briefly(&self) -> Result<l402_lightning::Paid, PayError> {
        self.payer.pay(&self.invoice, PayLimit { timeout: Duration::from_secs(1), ..PayLimit::fee(Msat::ZERO) }).await
    }

    async fn status(&self) -> PaymentStatus {
        self.payer.payment(&self.invoice.payment_hash()).await.unwrap()
    }
}

#[tokio::test]
async fn a4_a_lost_response_is_asked_for_again() {
    let stage = stage().await;
    stage.lnd.be(Mood::LosesAnswers);
    assert!(stage.pay().await.unwrap().preimage.matches(&stage.invoice.payment_hash()));
    assert_eq!((stage.world.begun(), stage.lnd.asked("SendPaymentV2")), (1, 1));
}

#[tokio::test]
async fn a4_a_payment_in_flight_is_unknown_and_then_known() {
    let stage = stage().await;
    stage.lnd.be(Mood::Holds);
    assert!(stage.pay_briefly().await.unwrap_err().is_unknown());
    assert!(matches!(stage.status().await, PaymentStatus::Pending));
    assert!(stage.pay_briefly().await.unwrap_err().is_unknown(), "in flight: waited for, not sent");
    stage.lnd.be(Mood::Well);
    assert!(stage.pay().await.is_ok());
    assert!(matches!(stage.status().await, PaymentStatus::Succeeded(_)));
    assert_eq!((stage.world.begun(), stage.lnd.asked("SendPaymentV2")), (1, 1));
}

#[tokio::test]
async fn a4_a_request_that_lnd_has_not_read_yet_may_still_arrive() {
    let stage = stage().await;
    stage.lnd.be(Mood::Sleeps);
    assert!(stage.pay_briefly().await.unwrap_err().is_unknown());
    assert_eq!(stage.world.begun(), 0, "LND knows nothing of it");
    assert!(matches!(stage.status().await, PaymentStatus::Pending), "and yet it is not absent");
    stage.lnd.be(Mood::Well);
    until(|| stage.world.begun() == 1).await;
    assert!(stage.pay().await.is_ok());
    assert_eq!((stage.world.begun(), stage.lnd.asked("SendPaymentV2")), (1, 1));
}

#[tokio::test]
async fn a4_paying_again_what_may_still_arrive_pays_once() {
    let stage = stage().await;
    stage.lnd.be(Mood::Sleeps);
    assert!(stage.pay_briefly().await.unwrap_err().is_unknown());
    assert!(stage.pay_briefly().await.unwrap_err().is_unknown());
    stage.lnd.be(Mood::Well);
    assert!(stage.pay().await.is_ok());
    assert_eq!(stage.world.begun(), 1, "of two requests one was carried out");
}

#[tokio::test]
async fn a4_another_process_learns_what_the_first_has_paid() {
    let stage = stage().await;
    let paid = stage.pay().await.unwrap();
    let again = LndPayer::connect(&stage.lnd.config()).await.unwrap();
    let found = again.pay(&stage.invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert_eq!(found.preimage.expose(), paid.preimage.expose());
    assert_eq!((stage.world.begun(), stage.lnd.asked("SendPaymentV2")), (1, 1));
}

#[tokio::test]
async fn a4_lnd_restarted_in_the_middle_is_asked_again() {
    let stage = stage().await;
    stage.lnd.be(Mood::Holds);
    let restart = async {
        until(|| stage.world.begun() == 1).await;
        stage.lnd.go_away().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        stage.lnd.be(Mood::Well);
        stage.lnd.come_back().await;
    };
    let (paid, ()) = tokio::join!(stage.pay(), restart);
    assert!(paid.unwrap().preimage.matches(&stage.invoice.payment_hash()));
    assert_eq!((stage.world.begun(), stage.lnd.asked("SendPaymentV2")), (1, 1));
}

#[tokio::test]
async fn a4_a_payment_in_flight_stays_unknown_while_lnd_is_away() {
    let stage = stage().await;
    stage.lnd.be(Mood::Holds);
    assert!(stage.pay_briefly().await.unwrap_err().is_unknown());
    stage.lnd.go_away().await;
    let fault = stage.pay().await.unwrap_err();
    assert!(fault.is_unknown(), "{fault:?}");
    stage.lnd.come_back().await;
    stage.lnd.be(Mood::Well);
    assert!(stage.pay().await.is_ok());
    stage.lnd.go_away().await;
    let fault = stage.pay().await.unwrap_err();
    assert!(matches!(fault, PayError::Unavailable(_)), "it has ended: {fault:?}");
}

#[tokio::test]
async fn what_lnd_refuses_was_not_sent() {
    let stage = stage().await;
    stage.lnd.be(Mood::Refuses);
    let fault = stage.pay().await.unwrap_err();
    assert!(matches!(fault, PayError::Unavailable(_)), "{fault:?}");
    assert!(matches!(stage.status().await, PaymentStatus::NotFound));
    stage.lnd.be(Mood::Well);
    assert!(stage.pay().await.is_ok());
}

#[tokio::test]
async fn an_lnd_that_is_away_was_sent_nothing() {
    let stage = stage().await;
    stage.lnd.go_away().await;
    let fault = stage.pay().await.unwrap_err();
    assert!(matches!(fault, PayError::Unavailable(_)), "{fault:?}");
    assert!(stage.payer.payment(&stage.invoice.payment_hash()).await.is_err(), "which is no answer");
    stage.lnd.come_back().await;
    assert!(matches!(stage.status().await, PaymentStatus::NotFound));
    assert!(stage.pay().await.is_ok());
}

#[tokio::test]
async fn a4_what_may_still_arrive_stays_unknown_while_lnd_is_away() {
    let stage = stage().await;
    stage.lnd.be(Mood::Sleeps);
    assert!(stage.pay_briefly().await.unwrap_err().is_unknown());
    stage.lnd.go_away().await;
    let fault = stage.pay().await.unwrap_err();
    assert!(fault.is_unknown(), "{fault:?}");
}
