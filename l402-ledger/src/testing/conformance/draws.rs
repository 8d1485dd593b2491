//! What is metered: slices that a committed attempt takes, one after another.

use super::{Case, Harness, SPENT, attempt, reserve, unsafely};
use core::time::Duration;
use l402_core::ledger::{AttemptId, Counted, Event, Refused, Reply, Reserve, SKEW};
use l402_core::{Counter, CounterKey};

pub(super) async fn all(harness: &impl Harness) {
    a_slice_is_taken_once(harness).await;
    what_is_left_is_the_last_slice(harness).await;
    who_has_ended_takes_no_more(harness).await;
    only_who_is_committed_draws(harness).await;
    each_counter_pays(harness).await;
    a_reservation_above_what_was_used_is_given_back(harness).await;
    large_amounts_are_exact(harness).await;
    who_draws_is_remembered(harness).await;
}

impl<H: Harness> Case<'_, H> {
    /// An attempt that has committed so much.
    async fn drawing(&self, amount: u64, asked: Reserve) -> AttemptId {
        let id = self.granted(Reserve { amount, ..asked }).await;
        let reply = self.ask(id, Event::Commit { amount }).await;
        assert!(matches!(reply, Reply::Committed { .. }), "{reply:?}");
        id
    }

    async fn draw(&self, id: AttemptId, total: u64) -> Reply {
        self.ask(id, Event::Draw { total, is_last: false }).await
    }

    async fn end(&self, id: AttemptId, total: u64) -> Reply {
        self.ask(id, Event::Draw { total, is_last: true }).await
    }
}

const fn drawn(total: u64, remaining: u64) -> Reply {
    Reply::Drawn { total, remaining }
}

async fn a_slice_is_taken_once(harness: &impl Harness) {
    let case = Case::new(harness);
    let id = case.drawing(1, reserve(10)).await;
    for total in [4, 4, 7, 7] {
        assert_eq!(case.draw(id, total).await, drawn(total, 10 - total));
    }
    assert_eq!(case.draw(id, 4).await, drawn(7, 3), "it came late");
    assert_eq!(case.tally(&reserve(10)).await.committed, 7);
    assert_eq!(case.end(id, 5).await, drawn(5, 5), "what was not used is given back");
    assert_eq!(case.tally(&reserve(10)).await.committed, 5);
}

async fn what_is_left_is_the_last_slice(harness: &impl Harness) {
    let case = Case::new(harness);
    let id = case.drawing(1, reserve(10)).await;
    let other = case.granted(Reserve { amount: 5, ..reserve(10) }).await;
    assert_eq!(case.draw(id, 8).await, drawn(5, 0), "another holds the rest");
    case.release(other, Counted::No).await;
    assert_eq!(case.draw(id, 100).await, drawn(10, 0));
    assert_eq!(case.draw(id, 101).await, drawn(10, 0));
    assert_eq!(case.refused(reserve(10)).await, Refused::Spent);
    assert_eq!(case.end(id, 200).await, drawn(10, 0));
}

async fn who_has_ended_takes_no_more(harness: &impl Harness) {
    let case = Case::new(harness);
    let id = case.drawing(2, reserve(10)).await;
    assert_eq!(case.end(id, 0).await, drawn(0, 10));
    for event in
        [Event::Draw { total: 9, is_last: false }, Event::Draw { total: 9, is_last: true }, Event::Commit { amount: 2 }]
    {
        assert_eq!(case.ask(id, event).await, Reply::Lost, "{event:?}");
    }
    assert_eq!(case.tally(&reserve(10)).await.committed, 0);
    let id = case.drawing(1, reserve(1)).await;
    assert_eq!(case.end(id, 1).await, drawn(1, 0));
    case.ask(id, Event::TakeBack).await;
    assert_eq!(case.tally(&reserve(1)).await.committed, 1, "what was paid for is not taken back");
}

async fn only_who_is_committed_draws(harness: &impl Harness) {
    let case = Case::new(harness);
    assert_eq!(case.draw(attempt(), 1).await, Reply::Lost);
    let id = case.granted(unsafely(reserve(10))).await;
    assert_eq!(case.draw(id, 1).await, Reply::Lost);
    case.ask(id, Event::Doubt).await;
    assert_eq!(case.end(id, 1).await, Reply::Lost);
    case.release(id, Counted::No).await;
    assert_eq!(case.draw(id, 1).await, Reply::Lost);
    assert_eq!(case.tally(&reserve(10)).await.committed, 0);
}

async fn each_counter_pays(harness: &impl Harness) {
    let (case, wide) = (Case::new(harness), reserve(9));
    let mut narrow = wide;
    narrow.counters.add(Counter { key: CounterKey::from_bytes([9; 16]), limit: 4 }).expect("there is room for one");
    let id = case.drawing(1, narrow).await;
    assert_eq!(case.draw(id, 9).await, drawn(4, 0), "the narrowest decides");
    assert_eq!((case.tally(&narrow).await.committed, case.tally(&wide).await.committed), (4, 4));
    assert_eq!(case.end(id, 3).await, drawn(3, 1));
    assert_eq!((case.tally(&narrow).await.committed, case.tally(&wide).await.committed), (3, 3));
}

/// What is settled at the end alone: tokens of a language model.
async fn a_reservation_above_what_was_used_is_given_back(harness: &impl Harness) {
    let case = Case::new(harness);
    let id = case.granted(Reserve { amount: 8, ..unsafely(reserve(10)) }).await;
    assert_eq!(case.refused(Reserve { amount: 3, ..reserve(10) }).await, Refused::Busy);
    let reply = case.ask(id, Event::Commit { amount: 3 }).await;
    assert_eq!(reply, Reply::Committed { remaining: 7, is_spent: false });
    assert_eq!(case.refused(Reserve { amount: 8, ..reserve(10) }).await, Refused::Spent);
}

/// Money is counted to the millisatoshi, up to the highest number that all stores know.
async fn large_amounts_are_exact(harness: &impl Harness) {
    const MOST: u64 = (1 << 53) - 1;
    let case = Case::new(harness);
    let id = case.drawing(1, reserve(MOST)).await;
    assert_eq!(case.draw(id, MOST - 2).await, drawn(MOST - 2, 2));
    assert_eq!(case.draw(id, u64::MAX).await, drawn(MOST, 0));
    assert_eq!(case.end(id, MOST - 1).await, drawn(MOST - 1, 1));
    let last = case.granted(reserve(MOST)).await;
    assert_eq!(case.commit(last).await, SPENT);
}

async fn who_draws_is_remembered(harness: &impl Harness) {
    let case = Case::new(harness);
    let id = case.drawing(1, reserve(10)).await;
    for total in 2..5 {
        harness.pass(Duration::from_mins(9)).await;
        assert_eq!(case.draw(id, total).await, drawn(total, 10 - total));
    }
    harness.pass(SKEW).await;
    assert_eq!(case.draw(id, 6).await, Reply::Lost);
    assert_eq!(case.tally(&reserve(10)).await.committed, 4);
}
