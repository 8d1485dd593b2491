//! Clients that go away in the middle.

use super::{Till, asks};
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use http::{Method, StatusCode};
use l402_core::ledger::Tally;
use tower::ServiceExt;

/// Polls a request so often, and drops it. Tells whether it was done before.
async fn dropped(till: &Till, token: &crate::support::Purchase, method: Method, polls: usize) -> bool {
    let mut answer = pin!(till.shop.service.clone().oneshot(asks(token, method, &[], "")));
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
        if polled.is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test]
async fn s4_a_client_that_goes_away_gives_its_use_back_and_has_tried() {
    let till = Till::of(2);
    let token = till.buy().await;
    till.works().waits();
    assert!(!dropped(&till, &token, Method::GET, 20).await);
    assert_eq!(till.works().calls(), 1, "it was with the inner service");
    let tally = till.settles(&token, |tally| tally.reserved == 0).await;
    assert_eq!(tally, Tally { tries: 1, ..Tally::new(2) });
}

#[tokio::test]
async fn s4_what_may_have_an_effect_runs_on_without_its_client() {
    for (status, expected) in [
        (200, Tally { committed: 1, ..Tally::new(2) }),
        (404, Tally { tries: 1, ..Tally::new(2) }),
        (500, Tally { doubtful: 1, ..Tally::new(2) }),
    ] {
        let till = Till::of(2);
        let token = till.buy().await;
        let gate = till.works().waits();
        till.works().says(status);
        assert!(!dropped(&till, &token, Method::POST, 20).await);
        assert_eq!(till.tally(&token).await.reserved, 1, "it goes on");
        gate.add_permits(1);
        till.shop.service.at_rest().await;
        assert_eq!(till.tally(&token).await, expected, "{status}");
    }
}

/// What has no place in the set is dropped with its client: nobody knows then whether it had its effect.
#[tokio::test]
async fn s4_only_so_many_requests_run_on_without_their_clients() {
    let till = Till::of(300);
    let token = till.buy().await;
    let gate = till.works().waits();
    for _ in 0..257 {
        assert!(!dropped(&till, &token, Method::POST, 20).await);
    }
    let tally = till.settles(&token, |tally| tally.doubtful > 0).await;
    assert_eq!(tally, Tally { reserved: 256, doubtful: 1, ..Tally::new(300) });
    gate.add_permits(256);
    till.shop.service.at_rest().await;
    assert_eq!(till.tally(&token).await, Tally { committed: 256, doubtful: 1, ..Tally::new(300) });
}

/// Drops the future after each number of polls: the use is never held for ever, and never taken twice.
#[tokio::test]
async fn s4_wherever_a_request_is_dropped_its_use_finds_its_way() {
    for method in [Method::GET, Method::POST] {
        for polls in 0..8 {
            let till = Till::of(3);
            let token = till.buy().await;
            let done = dropped(&till, &token, method.clone(), polls).await;
            let tally = till.settles(&token, |tally| tally.reserved == 0).await;
            assert!(tally.committed <= 1 && tally.doubtful == 0, "{method} {polls} {tally:?}");
            assert_eq!(done && till.works().calls() == 1, done);
            assert_eq!(till.get(&token).await.status, StatusCode::OK);
        }
    }
}
