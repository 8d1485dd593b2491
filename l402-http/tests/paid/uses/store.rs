//! The store is away, slow, or its replies are lost; and it names one winner.

use super::{Till, word};
use core::time::Duration;
use http::{Method, StatusCode};
use l402_core::ledger::LEASE;
use l402_ledger::LedgerStore;
use std::sync::Arc;
use tokio::sync::Barrier;

const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

#[tokio::test]
async fn s1_a_store_that_is_away_is_503_and_never_402_or_200() {
    let till = Till::of(2);
    let (token, endless) = (till.buy().await, till.shop.buy("/v1/endless").await);
    till.store.set_away(true);
    let invoices = till.shop.payee.invoices_asked();
    for method in [Method::GET, Method::HEAD, Method::POST, Method::GET, Method::GET, Method::GET] {
        let answer = till.send(&token, method, &[], "").await;
        assert_eq!((answer.status, answer.reason().as_str()), (UNAVAILABLE, "ledger-unavailable"));
        assert!(answer.field("retry-after").is_some());
    }
    // Nobody pays for what cannot be counted.
    let unpaid = till.shop.get("/v1/demo").await;
    assert_eq!((unpaid.status, unpaid.reason().as_str()), (UNAVAILABLE, "ledger-unavailable"));
    assert_eq!((till.works().calls(), till.shop.payee.invoices_asked()), (0, invoices));
    // What is not counted is served.
    let answer = till.shop.present("/v1/endless", &endless.credential()).await;
    assert_eq!(answer.status, StatusCode::OK);
    till.store.set_away(false);
    till.settles(&token, |tally| tally.reserved == 0).await;
}

#[tokio::test(start_paused = true)]
async fn s1_what_a_busy_store_did_not_do_is_not_given_back() {
    for (is_busy, is_known) in [(true, false), (false, true)] {
        let till = Till::of(1);
        let token = till.buy().await;
        till.store.set_busy(is_busy);
        till.store.set_away(!is_busy);
        let answer = till.get(&token).await;
        assert_eq!((answer.status, answer.reason().as_str()), (UNAVAILABLE, "ledger-unavailable"));
        till.store.set_busy(false);
        till.store.set_away(false);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let uses = till.store.uses(&token.preimage.hash()).await.unwrap();
        assert_eq!(uses.is_some(), is_known, "what may have been done is given back, and only that");
        assert_eq!(till.get(&token).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn s1_without_a_ledger_nothing_is_sold_by_number() {
    let absent = |paywall: l402_http::service::Paywall<_>| paywall.ledger(l402_ledger::Ledger::absent());
    let till = Till::with(1, |sale| sale, absent);
    assert_eq!(till.shop.get("/v1/demo").await.status, UNAVAILABLE);
    assert_eq!(till.get(&super::minted(1, 3)).await.reason(), "ledger-unavailable");
    assert_eq!((till.works().calls(), till.shop.payee.invoices_asked()), (0, 0));
}

#[tokio::test]
async fn s1_a_clock_that_is_far_off_serves_nothing_that_is_counted() {
    for (off, served) in [(299, true), (301, false)] {
        let till = Till::of(1);
        let token = till.buy().await;
        till.store.pass(Duration::from_secs(off));
        // The first comparison was made when the token was sold.
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(11)).await;
        let status = till.get(&token).await.status;
        tokio::time::resume();
        assert_eq!(status == StatusCode::OK, served, "{off}");
        assert_eq!(till.works().calls(), usize::from(served));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s3_of_a_thousand_requests_one_gets_the_use() {
    let till = Till::of(1);
    let token = till.buy().await;
    let barrier = Arc::new(Barrier::new(1_000));
    let asked: Vec<_> = (0..1_000)
        .map(|_| {
            let (till, token, barrier) = (till.clone(), token.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                till.get(&token).await.status
            })
        })
        .collect();
    let mut served = 0;
    for status in asked {
        let status = status.await.unwrap();
        assert!(matches!(status.as_u16(), 200 | 402 | 409 | 503), "{status}"); // 503: too many wait for an invoice
        served += usize::from(status == StatusCode::OK);
    }
    assert_eq!((served, till.works().calls()), (1, 1));
    assert_eq!(till.tally(&token).await.committed, 1);
}

#[tokio::test]
async fn s3_a_bundle_serves_as_many_at_once_as_it_has_uses() {
    let till = Till::of(3);
    let token = till.buy().await;
    let gate = till.works().waits();
    let under_way: Vec<_> = (0..3).map(|_| till.begin(&token, Method::GET)).collect();
    till.works().called(3).await; // all three are with the inner service: no lock is held meanwhile
    let fourth = till.get(&token).await;
    assert_eq!((fourth.status, fourth.reason().as_str()), (StatusCode::CONFLICT, "uses-reserved"));
    assert!(fourth.field("retry-after").is_some() && fourth.challenges().is_empty());
    gate.add_permits(3);
    for answer in under_way {
        assert_eq!(answer.await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(till.get(&token).await.reason(), "spent");
}

#[tokio::test]
async fn s5_a_reply_to_a_commit_that_is_lost_is_asked_for_again() {
    let till = Till::of(1);
    let token = till.buy().await;
    let gate = till.works().waits();
    let under_way = till.begin(&token, Method::POST);
    till.works().called(1).await;
    till.store.lose_replies(2);
    gate.add_permits(1);
    assert_eq!(word(&under_way.await.unwrap()), (StatusCode::OK, Some("spent"), Some("0")));
    assert_eq!(till.tally(&token).await.committed, 1);
}

#[tokio::test(start_paused = true)]
async fn s5_failures_of_others_keep_no_commit_waiting() {
    let till = Till::of(5);
    let token = till.buy().await;
    let gate = till.works().waits();
    let under_way = till.begin(&token, Method::GET);
    till.works().called(1).await;
    till.store.set_away(true);
    for _ in 0..4 {
        assert_eq!(till.get(&token).await.reason(), "ledger-unavailable");
    }
    till.store.set_away(false);
    let before = tokio::time::Instant::now();
    gate.add_permits(1);
    assert_eq!(under_way.await.unwrap().status, StatusCode::OK);
    assert_eq!(before.elapsed(), Duration::ZERO, "the ledger is asked, though the breaker is open");
}

#[tokio::test(start_paused = true)]
async fn s5_a_commit_that_is_never_confirmed_is_503_and_taken_back() {
    for (method, doubtful) in [(Method::GET, 0), (Method::POST, 1)] {
        let till = Till::of(1);
        let token = till.buy().await;
        let gate = till.works().waits();
        let under_way = till.begin(&token, method.clone());
        till.works().called(1).await;
        till.store.lose_replies(100);
        gate.add_permits(1);
        let answer = under_way.await.unwrap();
        assert_eq!((answer.status, answer.reason().as_str()), (UNAVAILABLE, "ledger-unavailable"));
        assert!(!answer.text().contains("served"), "the response was dropped");
        let tally = till.settles(&token, |tally| tally.committed == 0).await;
        assert_eq!((tally.reserved, tally.doubtful), (0, doubtful), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn s5_a_reservation_whose_reply_is_lost_is_given_back() {
    let till = Till::of(1);
    let token = till.buy().await;
    till.store.lose_replies(3);
    assert_eq!(till.get(&token).await.reason(), "ledger-unavailable");
    assert_eq!(till.works().calls(), 0);
    let tally = till.settles(&token, |tally| tally.reserved == 0).await;
    assert_eq!((tally.committed, tally.doubtful, tally.tries), (0, 0, 0));
    till.store.lose_replies(0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(till.get(&token).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn s6_a_lease_is_renewed_as_long_as_the_upstream_works() {
    let till = Till::of(1);
    let token = till.buy().await;
    let gate = till.works().waits();
    let under_way = till.begin(&token, Method::GET);
    till.works().called(1).await;
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        till.store.pass(Duration::from_secs(10));
        assert_eq!(till.get(&token).await.reason(), "uses-reserved");
        till.shop.wait(10);
    }
    gate.add_permits(1);
    assert_eq!(under_way.await.unwrap().status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn s6_an_attempt_that_cannot_renew_ends_before_its_lease() {
    for (method, doubtful) in [(Method::GET, 0), (Method::POST, 1)] {
        let till = Till::of(1);
        let token = till.buy().await;
        let gate = till.works().waits();
        let under_way = till.begin(&token, method.clone());
        till.works().called(1).await;
        till.store.set_away(true);
        let before = tokio::time::Instant::now();
        let answer = under_way.await.unwrap();
        assert_eq!((answer.status, answer.reason().as_str()), (UNAVAILABLE, "ledger-unavailable"));
        assert!(before.elapsed() < LEASE, "its lease still holds");
        assert_eq!(gate.available_permits(), 0);
        till.store.set_away(false);
        let tally = till.settles(&token, |tally| tally.reserved == 0).await;
        assert_eq!((tally.committed, tally.doubtful), (0, doubtful), "{method}");
    }
}

#[tokio::test]
async fn s6_who_has_lost_the_lease_drops_its_response() {
    let till = Till::of(1);
    let token = till.buy().await;
    let gate = till.works().waits();
    let under_way = till.begin(&token, Method::GET);
    till.works().called(1).await;
    till.store.pass(LEASE); // such as while the gateway was stopped
    let other = till.begin(&token, Method::GET);
    till.works().called(2).await;
    gate.add_permits(2);
    let (first, second) = (under_way.await.unwrap(), other.await.unwrap());
    assert_eq!((first.status, first.reason().as_str()), (StatusCode::CONFLICT, "lost-use"));
    assert!(!first.text().contains("served"));
    assert_eq!(word(&second), (StatusCode::OK, Some("spent"), Some("0")));
}
