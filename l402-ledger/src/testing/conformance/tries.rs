//! Tries that failed by the client's own doing.

use super::{Case, Harness, SPENT, reserve, unsafely};
use l402_core::ledger::{Counted, Event, Refused, Reply, Reserve};
use l402_core::{Counter, CounterKey, Counters};

pub(super) async fn all(harness: &impl Harness) {
    each_third_try_costs_a_use(harness).await;
    s3_tries_of_branches_count_on_the_sale(harness).await;
    a_sale_that_is_not_counted_counts_tries_on_its_widest_branch(harness).await;
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

/// The same with a counter that a holder has added.
fn branch(number: u8, limit: u64, mut reserve: Reserve) -> Reserve {
    let counter = Counter { key: CounterKey::from_bytes([number; 16]), limit };
    reserve.counters.add(counter).expect("there is room for one");
    reserve
}

/// Whoever holds a token makes as many branches as he likes, so they share the tries of the sale.
async fn s3_tries_of_branches_count_on_the_sale(harness: &impl Harness) {
    let (case, sale) = (Case::new(harness), reserve(9));
    for number in 1..=9 {
        let (narrow, cost_a_use) = (branch(number, 1, sale), number % 3 == 0);
        let attempt = case.granted(narrow).await;
        let remaining = u64::from(!cost_a_use);
        assert_eq!(case.release(attempt, Counted::Yes).await, Reply::Released { cost_a_use, remaining }, "{number}");
        let taken = (case.tally(&narrow).await.committed, case.tally(&sale).await.committed);
        assert_eq!(taken, (u64::from(cost_a_use), u64::from(number / 3)), "all its counters, at try {number}");
    }
    assert_eq!(case.refused(branch(9, 1, sale)).await, Refused::Spent);
    let tallies = case.uses().await.expect("a record").tallies;
    assert_eq!(tallies.len(), 1 + 3, "a branch of which nothing is taken is forgotten");
}

async fn a_sale_that_is_not_counted_counts_tries_on_its_widest_branch(harness: &impl Harness) {
    let (case, wide) = (Case::new(harness), branch(1, 9, Reserve { counters: Counters::default(), ..reserve(1) }));
    for number in 1..=3 {
        let attempt = case.granted(branch(10 + number, 1, wide)).await;
        let (cost_a_use, remaining) = (number == 3, u64::from(number != 3));
        assert_eq!(case.release(attempt, Counted::Yes).await, Reply::Released { cost_a_use, remaining }, "{number}");
    }
    assert_eq!(case.tally(&wide).await.committed, 1);
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
