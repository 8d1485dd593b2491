//! S2, S5: the end of tokens and of their records.

use super::{Case, Harness, SPENT, reserve, unsafely};
use crate::LedgerStore;
use core::time::Duration;
use l402_core::UnixSeconds;
use l402_core::ledger::{Counted, Refused, Reserve, SKEW, StoreTime};

pub(super) async fn all(harness: &impl Harness) {
    s2_a_record_outlives_its_token_by_the_skew(harness).await;
    s5_a_deleted_record_is_not_begun_again(harness).await;
    a_sweep_deletes_up_to_a_number(harness).await;
    a_record_lasts_as_long_as_its_latest_token(harness).await;
}

const HOUR: Duration = Duration::from_hours(1);

/// A token of one use that ends in an hour, by the store's clock.
async fn hour(harness: &impl Harness) -> Reserve {
    let now = harness.store().now().await.expect("a time").time;
    Reserve { ends_at: UnixSeconds::new(now.after(HOUR).millis() / 1_000), ..reserve(1) }
}

/// Deletes all that is over.
async fn sweep(harness: &impl Harness) {
    while harness.store().sweep(1_000).await.expect("an answer") > 0 {}
}

async fn s2_a_record_outlives_its_token_by_the_skew(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), hour(harness).await);
    let attempt = case.granted(asked).await;
    assert_eq!(case.commit(attempt).await, SPENT);
    harness.pass(HOUR).await;
    sweep(harness).await;
    assert_eq!(case.refused(asked).await, Refused::Spent);
    harness.pass(SKEW.saturating_sub(Duration::from_mins(1))).await;
    sweep(harness).await;
    assert_eq!(case.refused(asked).await, Refused::Spent);
    assert_eq!(case.uses().await.expect("a record").ends_at, asked.ends_at);
    harness.pass(Duration::from_mins(1)).await;
    assert_eq!(case.refused(asked).await, Refused::Ended, "before the record is deleted, too");
    sweep(harness).await;
    assert_eq!(case.uses().await, None);
    assert_eq!(case.refused(asked).await, Refused::Ended);
    assert_eq!(case.uses().await, None, "what is refused leaves no record");
}

/// A clock that goes back revives no token whose record is gone.
async fn s5_a_deleted_record_is_not_begun_again(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), hour(harness).await);
    let attempt = case.granted(asked).await;
    case.commit(attempt).await;
    harness.pass(HOUR + SKEW).await;
    sweep(harness).await;
    let there = harness.store().now().await.expect("a time");
    assert!(there.horizon >= asked.ends_at, "{there:?}, {asked:?}");
    assert!(
        StoreTime::from(there.horizon).after(SKEW) <= there.time,
        "a clock that is right is ahead of it: {there:?}"
    );
    harness.turn_back(HOUR + SKEW).await;
    assert_eq!(harness.store().now().await.expect("a time").horizon, there.horizon, "it does not go back");
    assert_eq!(case.refused(Reserve { ends_at: there.horizon, ..asked }).await, Refused::Ended);
    assert_eq!(case.refused(asked).await, Refused::Ended);
    let other = Case::new(harness);
    assert_eq!(other.refused(asked).await, Refused::Ended, "it may have been deleted as well");
    let later = UnixSeconds::new(there.horizon.get() + 1);
    other.granted(Reserve { ends_at: later, ..asked }).await;
    harness.pass(HOUR + SKEW).await;
}

async fn a_sweep_deletes_up_to_a_number(harness: &impl Harness) {
    harness.pass(HOUR).await; // what the other cases left is over
    sweep(harness).await;
    let asked = hour(harness).await;
    let cases = [(); 5].map(|()| Case::new(harness));
    for case in &cases {
        case.granted(unsafely(asked)).await;
    }
    let kept = Case::new(harness);
    kept.granted(reserve(1)).await;
    harness.pass(HOUR + SKEW).await;
    let mut deleted = Vec::new();
    for _ in 0..4 {
        deleted.push(harness.store().sweep(2).await.expect("an answer"));
        let horizon = harness.store().now().await.expect("a time").horizon;
        assert!(horizon >= asked.ends_at, "also of a sweep that has more to do: {horizon:?}");
    }
    assert_eq!(deleted, [2, 2, 1, 0]);
    for case in &cases {
        assert_eq!(case.uses().await, None);
        assert!(
            harness.store().doubtful(usize::MAX).await.expect("an answer").iter().all(|d| d.payment != case.payment)
        );
    }
    assert!(kept.uses().await.is_some());
}

async fn a_record_lasts_as_long_as_its_latest_token(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), hour(harness).await);
    // A release that comes first knows no end.
    case.release(super::attempt(), Counted::No).await;
    let attempt = case.granted(asked).await;
    case.commit(attempt).await;
    harness.pass(SKEW + Duration::from_mins(1)).await;
    sweep(harness).await;
    assert_eq!(case.uses().await.expect("a record").ends_at, asked.ends_at);
    assert_eq!(case.refused(asked).await, Refused::Spent);
}
