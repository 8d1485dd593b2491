//! S3: several counters of one payment.

use super::{Case, Harness, reserve, unsafely};
use l402_core::ledger::{Counted, Event, MAX_BRANCHES, Refused, Reply, Reserve};
use l402_core::{Counter, CounterKey};

pub(super) async fn all(harness: &impl Harness) {
    s3_a_branch_is_taken_beside_the_sale(harness).await;
    s3_all_counters_are_taken_or_none(harness).await;
    s3_the_gravest_reason_is_told(harness).await;
    s3_a_branch_at_zero_is_removed(harness).await;
    s3_a_payment_has_a_thousand_branches_at_most(harness).await;
}

/// The same, with a token that its holder narrowed.
fn branch(number: u16, limit: u64, reserve: Reserve) -> Reserve {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    let (mut counters, key) = (reserve.counters, CounterKey::from_bytes(bytes));
    counters.add(Counter { key, limit }).expect("there is room for one");
    Reserve { counters, ..reserve }
}

async fn s3_a_branch_is_taken_beside_the_sale(harness: &impl Harness) {
    let (case, narrow) = (Case::new(harness), branch(1, 2, reserve(10)));
    for remaining in [1, 0] {
        let (attempt, reply) = case.reserve(narrow).await;
        assert!(matches!(reply, Reply::Reserved { remaining: left, .. } if left == remaining), "{reply:?}");
        assert_eq!(case.commit(attempt).await, Reply::Committed { remaining, is_spent: remaining == 0 });
    }
    assert_eq!(case.refused(narrow).await, Refused::Spent);
    assert_eq!(case.tally(&reserve(10)).await.committed, 2);
    let deeper = branch(3, 1, branch(2, 5, reserve(10)));
    let attempt = case.granted(deeper).await;
    case.commit(attempt).await;
    for (counters, committed) in [(deeper, 1), (branch(2, 5, reserve(10)), 1), (reserve(10), 3)] {
        assert_eq!(case.tally(&counters).await.committed, committed);
    }
}

async fn s3_all_counters_are_taken_or_none(harness: &impl Harness) {
    let case = Case::new(harness);
    let (wide, narrow) = (branch(1, 9, reserve(3)), branch(2, 1, branch(1, 9, reserve(3))));
    case.granted(narrow).await;
    assert_eq!(case.refused(narrow).await, Refused::Busy);
    for counters in [reserve(3), wide, narrow] {
        assert_eq!(case.tally(&counters).await.reserved, 1, "the refused attempt took nothing");
    }
    case.granted(wide).await;
    case.granted(wide).await;
    assert_eq!(case.refused(branch(4, 5, reserve(3))).await, Refused::Busy, "the sale has none left");
    let uses = case.uses().await.expect("counters");
    assert_eq!(uses.tallies.len(), 3, "a refused attempt leaves no counter: {uses:?}");
}

/// Spent before in doubt before busy, over all counters.
async fn s3_the_gravest_reason_is_told(harness: &impl Harness) {
    let case = Case::new(harness);
    let [first, second, third] = [1, 2, 3].map(|number| branch(number, 1, unsafely(reserve(100))));
    let spent = case.granted(first).await;
    case.commit(spent).await;
    case.doubtful(second).await;
    case.granted(third).await;
    let both = |one: u16, other: u16| branch(other, 1, branch(one, 1, unsafely(reserve(100))));
    for (asked, reason) in [
        (both(1, 2), Refused::Spent),
        (both(2, 1), Refused::Spent),
        (both(3, 1), Refused::Spent),
        (both(2, 3), Refused::InDoubt),
        (both(3, 2), Refused::InDoubt),
        (both(3, 4), Refused::Busy),
        (both(4, 3), Refused::Busy),
    ] {
        assert_eq!(case.refused(asked).await, reason, "{asked:?}");
    }
    // Of two uses one is in doubt and one held: waiting for the other may help.
    let case = Case::new(harness);
    case.doubtful(unsafely(reserve(2))).await;
    let held = case.granted(unsafely(reserve(2))).await;
    assert_eq!(case.refused(reserve(2)).await, Refused::Busy);
    case.commit(held).await;
    assert_eq!(case.refused(reserve(2)).await, Refused::InDoubt);
}

async fn s3_a_branch_at_zero_is_removed(harness: &impl Harness) {
    let case = Case::new(harness);
    let kept = case.granted(reserve(9)).await;
    let attempt = case.granted(branch(1, 2, reserve(9))).await;
    assert_eq!(case.uses().await.expect("counters").tallies.len(), 2);
    case.release(attempt, Counted::No).await;
    assert_eq!(case.uses().await.expect("counters").tallies.len(), 1);
    case.commit(kept).await;
    let attempt = case.granted(branch(1, 2, reserve(9))).await;
    case.commit(attempt).await;
    case.ask(attempt, Event::TakeBack).await;
    assert_eq!(case.uses().await.expect("counters").tallies.len(), 1);
}

async fn s3_a_payment_has_a_thousand_branches_at_most(harness: &impl Harness) {
    let case = Case::new(harness);
    let mut last = None;
    for number in 0..u16::try_from(MAX_BRANCHES).expect("a small number") {
        last = Some(case.granted(branch(number, 1, reserve(5_000))).await);
    }
    assert_eq!(case.refused(branch(5_000, 1, reserve(5_000))).await, Refused::TooManyBranches);
    case.granted(reserve(5_000)).await;
    assert_eq!(case.refused(branch(0, 1, reserve(5_000))).await, Refused::Busy, "one that is there is no new one");
    case.release(last.expect("one"), Counted::No).await;
    case.granted(branch(5_000, 1, reserve(5_000))).await;
    assert_eq!(case.refused(branch(5_001, 1, reserve(5_000))).await, Refused::TooManyBranches);
}
