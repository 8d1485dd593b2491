//! Tries that failed by the client's own doing.

use super::{Case, Harness, SPENT, reserve, unsafely};
use l402_core::ledger::{Counted, Event, Refused, Reply};
use l402_core::{Counter, CounterKey};

pub(super) async fn all(harness: &impl Harness) {
    each_third_try_costs_a_use(harness).await;
    a_try_counts_on_the_narrowest_counter(harness).await;
    a_doubt_that_is_released_counts_too(harness).await;
}

async fn each_third_try_costs_a_use(harness: &impl Harness) {
    let case = Case::new(harness);
    for number in 1..=6u64 {
        let attempt = case.granted(reserve(3)).await;
        let (cost_a_use, remaining) = (number % 3 == 0, 3 - number / 3);
        let reply = case.release(attempt, Counted::Yes).await;
        assert_eq!(reply, Reply::Released { cost_a_use, remaining }, "try {number}");
        let again = case.release(attempt, Counted::Yes).await;
        assert!(matches!(again, Reply::Lost | Reply::Released { cost_a_use: false, .. }), "counted once: {again:?}");
        // What the client could not help is no try.
        let attempt = case.granted(reserve(3)).await;
        assert_eq!(case.release(attempt, Counted::No).await, Reply::Released { cost_a_use: false, remaining });
    }
    assert_eq!(case.tally(&reserve(3)).await.committed, 2);
    let last = case.granted(reserve(3)).await;
    assert_eq!(case.commit(last).await, SPENT);
    assert_eq!(case.refused(reserve(3)).await, Refused::Spent);
}

async fn a_try_counts_on_the_narrowest_counter(harness: &impl Harness) {
    let (case, wide) = (Case::new(harness), reserve(9));
    let mut narrow = wide;
    narrow.counters.add(Counter { key: CounterKey::from_bytes([9; 16]), limit: 1 }).expect("there is room for one");
    for _ in 0..2 {
        for asked in [wide, narrow] {
            let attempt = case.granted(asked).await;
            case.release(attempt, Counted::Yes).await;
            assert_eq!(case.tally(&asked).await.committed, 0);
        }
    }
    let third = case.granted(narrow).await;
    assert_eq!(case.release(third, Counted::Yes).await, Reply::Released { cost_a_use: true, remaining: 0 });
    assert_eq!((case.tally(&narrow).await.committed, case.tally(&wide).await.committed), (1, 1), "all its counters");
    assert_eq!(case.refused(narrow).await, Refused::Spent);
}

async fn a_doubt_that_is_released_counts_too(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), unsafely(reserve(1)));
    for cost_a_use in [false, false, true] {
        let attempt = case.granted(asked).await;
        case.ask(attempt, Event::Doubt).await;
        let remaining = u64::from(!cost_a_use);
        assert_eq!(case.release(attempt, Counted::Yes).await, Reply::Released { cost_a_use, remaining });
    }
    assert_eq!(case.refused(asked).await, Refused::Spent);
}
