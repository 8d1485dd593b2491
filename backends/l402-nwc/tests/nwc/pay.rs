//! Whatever gets lost and whatever the wallet says, money is sent once, and what became of it is found out (threat A4).

use crate::stand::{Stand, limit};
use core::time::Duration;
use l402_lightning::testing::FakeFault;
use l402_lightning::{FailureReason, InvoiceSource, PayError, PaymentSource, PaymentStatus};
use l402_nwc::testing::Mood;
use tokio::time::sleep;

/// Waits until the wallet has read so many requests to pay.
async fn read(stand: &Stand, requests: usize) {
    while stand.wallet.asked("pay_invoice") < requests {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a4_an_answer_that_got_lost_is_looked_up() {
    let stand = Stand::new().await;
    stand.wallet.be(Mood::LosesAnswers);
    assert!(stand.pay().await.unwrap().preimage.matches(&stand.invoice.payment_hash()));
    assert_eq!((stand.node.payments_sent(), stand.wallet.asked("pay_invoice")), (1, 1));
}

#[tokio::test]
async fn a4_a_silent_wallet_leaves_a_payment_unknown() {
    let mut stand = Stand::new().await;
    stand.wallet.be(Mood::Silent);
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
    stand.wallet.be(Mood::Well);
    assert!(matches!(stand.status().await, PaymentStatus::Pending), "not found is no failure");
    stand.restart().await;
    assert!(matches!(stand.status().await, PaymentStatus::Pending), "in another process too");
    assert!(stand.is_recorded());
}

#[tokio::test]
async fn a4_a_repeat_is_the_same_signed_request() {
    let mut stand = Stand::new().await;
    stand.wallet.be(Mood::Silent);
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
    let before = stand.relay.published(23_194);
    stand.wallet.be(Mood::Well);
    stand.restart().await;
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown(), "the wallet carries each request out once");
    let again: Vec<_> = stand.relay.published(23_194).into_iter().skip(before.len()).collect();
    let is_repeat = |event: &nostr::event::Event| before.iter().any(|first| first == event);
    assert_eq!(again.iter().filter(|event| is_repeat(event)).count(), 1, "the request to pay, and no other");
    assert_eq!((stand.wallet.asked("pay_invoice"), stand.node.payments_sent()), (1, 0));
}

#[tokio::test]
async fn a4_a_late_success_is_found() {
    let stand = Stand::new().await;
    stand.wallet.be(Mood::Sleeps);
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
    assert!(matches!(stand.status().await, PaymentStatus::Pending));
    stand.wallet.be(Mood::Well);
    while !matches!(stand.status().await, PaymentStatus::Succeeded(_)) {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(stand.pay().await.unwrap().preimage.matches(&stand.invoice.payment_hash()));
    assert_eq!((stand.node.payments_sent(), stand.wallet.asked("pay_invoice")), (1, 1));
}

#[tokio::test]
async fn a4_no_refusal_to_look_is_a_failure() {
    for code in ["NOT_FOUND", "RESTRICTED", "NOT_IMPLEMENTED"] {
        let stand = Stand::new().await;
        stand.wallet.be(Mood::Silent);
        assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
        stand.wallet.be(Mood::RefusesToLook(code));
        assert!(matches!(stand.status().await, PaymentStatus::Pending), "{code}");
    }
}

#[tokio::test]
async fn a4_what_a_wallet_says_when_it_pays_nothing_is_believed() {
    for (code, expected) in [
        ("INSUFFICIENT_BALANCE", "the wallet cannot send 21000 msat"),
        ("QUOTA_EXCEEDED", "the wallet is not available, nothing was sent"),
        ("RATE_LIMITED", "the wallet is not available, nothing was sent"),
        ("UNAUTHORIZED", "the wallet is not available, nothing was sent"),
    ] {
        let stand = Stand::new().await;
        stand.wallet.be(Mood::RefusesToPay(code));
        let fault = stand.pay().await.unwrap_err();
        assert_eq!(fault.to_string(), expected, "{code}");
        assert!(!stand.is_recorded(), "{code}");
        stand.wallet.be(Mood::Well);
        assert!(stand.pay().await.is_ok(), "another request, since nothing was sent");
        assert_eq!(stand.wallet.asked("pay_invoice"), 2);
    }
}

#[tokio::test]
async fn a4_any_other_refusal_to_pay_leaves_a_payment_unknown() {
    for code in ["PAYMENT_FAILED", "RESTRICTED", "NOT_IMPLEMENTED", "NOT_FOUND", "INTERNAL", "OTHER", "NEW_CODE"] {
        let stand = Stand::new().await;
        stand.wallet.be(Mood::RefusesToPay(code));
        assert!(stand.pay().await.unwrap_err().is_unknown(), "{code}");
        assert!(matches!(stand.status().await, PaymentStatus::Pending), "{code}");
    }
}

#[tokio::test]
async fn a4_a_payment_that_was_refused_and_made_is_found() {
    for code in ["PAYMENT_FAILED", "INTERNAL", "OTHER"] {
        let stand = Stand::new().await;
        stand.wallet.be(Mood::PaysAndRefuses(code));
        assert!(stand.pay().await.unwrap().preimage.matches(&stand.invoice.payment_hash()), "{code}");
        assert_eq!(stand.node.payments_sent(), 1);
    }
}

#[tokio::test]
async fn a4_the_failure_of_a_payment_is_final() {
    let stand = Stand::new().await;
    stand.node.misbehave(FakeFault::NoRoute);
    let fault = stand.pay().await.unwrap_err();
    assert!(matches!(fault, PayError::Failed(FailureReason::RetriesExhausted)), "{fault:?}");
    assert!(matches!(stand.status().await, PaymentStatus::Failed));
    assert!(!stand.is_recorded());
}

#[tokio::test]
async fn a4_of_two_copies_one_may_be_refused_and_the_other_pay() {
    let stand = Stand::new().await;
    stand.wallet.be(Mood::Silent);
    assert!(stand.pay_briefly().await.unwrap_err().is_unknown());
    // The wallet carries a second copy out, though it should not, and refuses it.
    stand.wallet.forget_requests();
    stand.wallet.be(Mood::RefusesToPay("INSUFFICIENT_BALANCE"));
    assert!(stand.pay().await.unwrap_err().is_unknown(), "what became of the first is not known");
    assert!(stand.is_recorded());
}

#[tokio::test]
async fn a3_an_answer_is_waited_for_that_has_what_the_look_up_lacks() {
    let stand = Stand::new().await;
    stand.wallet.be(Mood::AnswersLate);
    assert!(stand.pay().await.unwrap().preimage.matches(&stand.invoice.payment_hash()));
    assert!(!stand.payer.is_stopped());
    assert_eq!(stand.node.payments_sent(), 1);
}

#[tokio::test]
async fn a3_a_preimage_that_proves_nothing_stops_the_wallet() {
    for mood in [Mood::LiesAboutPreimage, Mood::HidesPreimage] {
        let mut stand = Stand::new().await;
        stand.wallet.be(mood);
        let fault = stand.pay().await.unwrap_err();
        assert!(fault.is_unknown(), "{mood:?}: the money is gone");
        assert!(stand.payer.payment(&stand.invoice.payment_hash()).await.is_err(), "{mood:?}: neither paid nor not");

        stand.restart().await;
        assert!(stand.payer.is_stopped());
        let next = stand.seller.create_invoice(crate::stand::REQUEST).await.unwrap();
        let fault = stand.payer.pay(&next, limit(20_000)).await.unwrap_err();
        assert!(matches!(fault, PayError::Unavailable(_)), "{fault:?}");
        assert_eq!(stand.wallet.asked("pay_invoice"), 1);

        let trial = stand.seller.create_invoice(crate::stand::REQUEST).await.unwrap();
        assert!(stand.payer.prove(&trial, limit(20_000)).await.unwrap_err().is_unknown());
        assert!(stand.payer.is_stopped(), "it has proven nothing");

        // It has the preimages after all.
        stand.wallet.be(Mood::Well);
        assert!(stand.pay().await.unwrap().preimage.matches(&stand.invoice.payment_hash()));
        assert!(stand.payer.is_stopped(), "until its owner tries it");
        assert!(stand.payer.prove(&trial, limit(20_000)).await.is_ok());
        assert!(stand.payer.pay(&next, limit(20_000)).await.is_ok());
    }
}

#[tokio::test]
async fn an_answer_of_another_key_is_none() {
    let stand = Stand::new().await;
    stand.wallet.be(Mood::SignsWithAnotherKey);
    let paying = stand.pay();
    let healing = async {
        read(&stand, 1).await;
        sleep(Duration::from_millis(100)).await;
        stand.wallet.be(Mood::Well);
    };
    let (paid, ()) = tokio::join!(paying, healing);
    assert!(paid.is_ok(), "the wallet's own answer to the look-up");
    assert_eq!(stand.wallet.asked("lookup_invoice"), 1, "the stranger's answer did not count");
}

#[tokio::test]
async fn a_request_has_an_end() {
    let stand = Stand::new().await;
    stand.pay().await.unwrap();
    let requests = stand.relay.published(23_194);
    assert!(!requests.is_empty());
    for request in requests {
        let lives = request.tags.expiration().unwrap().as_secs() - request.created_at.as_secs();
        assert!((60..=180).contains(&lives), "{lives}");
    }
}
