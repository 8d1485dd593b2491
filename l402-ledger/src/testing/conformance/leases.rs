//! Leases end by the store's clock.

use super::{Case, Harness, SPENT, reserve, unsafely};
use crate::LedgerStore;
use core::time::Duration;
use l402_core::ledger::{Event, LEASE, Refused, Reply, SKEW};

pub(super) async fn all(harness: &impl Harness) {
    the_clock_goes_on(harness).await;
    a_safe_attempt_loses_its_use_with_its_lease(harness).await;
    an_unsafe_attempt_falls_into_doubt_with_its_lease(harness).await;
    a_lease_that_is_renewed_lasts(harness).await;
    a_settled_attempt_is_remembered_for_the_skew(harness).await;
}

/// Longer than a lease by so much that no slow machine makes a difference.
const PAST: Duration = Duration::from_secs(LEASE.as_secs() + 1);

async fn the_clock_goes_on(harness: &impl Harness) {
    let before = harness.store().now().await.expect("a time").time;
    harness.pass(PAST).await;
    assert!(harness.store().now().await.expect("a time").time >= before.after(PAST));
}

async fn a_safe_attempt_loses_its_use_with_its_lease(harness: &impl Harness) {
    let case = Case::new(harness);
    let late = case.granted(reserve(1)).await;
    harness.pass(PAST).await;
    assert_eq!(case.tally(&reserve(1)).await.free(), 1);
    assert_eq!(case.ask(late, Event::Renew).await, Reply::Lost);
    assert_eq!(case.commit(late).await, Reply::Lost);
    let next = case.granted(reserve(1)).await;
    assert_eq!(case.commit(late).await, Reply::Lost);
    assert_eq!(case.commit(next).await, SPENT);
}

async fn an_unsafe_attempt_falls_into_doubt_with_its_lease(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), unsafely(reserve(1)));
    let late = case.granted(asked).await;
    assert!(!case.is_listed(late).await);
    harness.pass(PAST).await;
    assert!(case.is_listed(late).await, "a lease that has ended is a doubt, even if nobody has asked since");
    assert_eq!(case.tally(&asked).await.doubtful, 1);
    assert_eq!(case.refused(asked).await, Refused::InDoubt);
    assert_eq!(case.ask(late, Event::Renew).await, Reply::Lost);
    assert_eq!(case.commit(late).await, SPENT, "its gateway knows the outcome after all");
    assert!(!case.is_listed(late).await);

    let case = Case::new(harness);
    let late = case.granted(asked).await;
    harness.pass(PAST).await;
    assert_eq!(case.ask(late, Event::Doubt).await, Reply::InDoubt);
    assert_eq!(case.commit(late).await, Reply::Lost, "it said that it does not know");
}

async fn a_lease_that_is_renewed_lasts(harness: &impl Harness) {
    for asked in [reserve(1), unsafely(reserve(1))] {
        let case = Case::new(harness);
        let slow = case.granted(asked).await;
        for _ in 0..3 {
            harness.pass(LEASE / 2).await;
            assert_eq!(case.ask(slow, Event::Renew).await, Reply::Renewed);
        }
        assert_eq!(case.refused(asked).await, Refused::Busy);
        // A repeated reserve renews nothing.
        harness.pass(LEASE / 2).await;
        assert!(matches!(case.ask(slow, Event::Reserve(asked)).await, Reply::Reserved { .. }));
        assert_eq!(case.commit(slow).await, SPENT);
    }
    let case = Case::new(harness);
    let slow = case.granted(reserve(1)).await;
    for expected in [Reply::Reserved { number: 0, remaining: 0 }, Reply::Refused(Refused::Cancelled)] {
        harness.pass(LEASE / 2).await;
        assert_eq!(case.ask(slow, Event::Reserve(reserve(1))).await, expected);
    }
}

async fn a_settled_attempt_is_remembered_for_the_skew(harness: &impl Harness) {
    let case = Case::new(harness);
    let done = case.granted(reserve(1)).await;
    assert_eq!(case.commit(done).await, SPENT);
    harness.pass(SKEW.saturating_sub(PAST)).await;
    assert_eq!(case.commit(done).await, SPENT);
    harness.pass(PAST).await;
    assert_eq!(case.commit(done).await, Reply::Lost);
    assert_eq!(case.refused(reserve(1)).await, Refused::Spent, "its use is gone all the same");
}
