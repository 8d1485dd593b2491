//! Events that come twice, too late or too early.

use super::{Case, Harness, RELEASED, SPENT, attempt, reserve, unsafely};
use l402_core::ledger::{Counted, Event, Refused, Reply, Reserve, Resolution};

pub(super) async fn all(harness: &impl Harness) {
    each_event_that_comes_twice_counts_once(harness).await;
    a_release_that_overtakes_its_reserve_cancels_it(harness).await;
    a_settled_attempt_reserves_nothing(harness).await;
    a_commit_is_taken_back(harness).await;
    an_unknown_attempt_holds_nothing(harness).await;
    what_was_given_up_is_not_committed(harness).await;
}

async fn each_event_that_comes_twice_counts_once(harness: &impl Harness) {
    for asked in [reserve(3), unsafely(reserve(3))] {
        let case = Case::new(harness);
        let first = attempt();
        for _ in 0..2 {
            let reply = case.ask(first, Event::Reserve(asked)).await;
            assert_eq!(reply, Reply::Reserved { number: 0, remaining: 2 });
        }
        for _ in 0..2 {
            assert_eq!(case.ask(first, Event::Renew).await, Reply::Renewed);
        }
        for _ in 0..3 {
            assert_eq!(case.commit(first).await, Reply::Committed { remaining: 2, is_spent: false });
        }
        assert_eq!(case.tally(&asked).await.committed, 1);
        let second = case.granted(asked).await;
        for _ in 0..2 {
            let reply = case.release(second, Counted::No).await;
            assert_eq!(reply, Reply::Released { cost_a_use: false, remaining: 2 });
        }
        let third = case.granted(asked).await;
        for _ in 0..2 {
            assert_eq!(case.ask(third, Event::Doubt).await, Reply::InDoubt);
        }
        let tally = case.tally(&asked).await;
        assert_eq!((tally.committed, tally.reserved, tally.doubtful), (1, 0, 1));
    }
}

async fn a_release_that_overtakes_its_reserve_cancels_it(harness: &impl Harness) {
    for event in [Event::Release(Counted::No), Event::Release(Counted::Yes), Event::TakeBack] {
        let (case, early) = (Case::new(harness), attempt());
        let nothing = Reply::Released { cost_a_use: false, remaining: 0 };
        assert_eq!(case.ask(early, event).await, nothing);
        let reply = case.ask(early, Event::Reserve(reserve(1))).await;
        assert_eq!(reply, Reply::Refused(Refused::Cancelled), "{event:?}");
        let next = case.granted(reserve(1)).await;
        assert_eq!(case.ask(early, event).await, nothing);
        assert_eq!(case.commit(next).await, SPENT);
    }
}

async fn a_settled_attempt_reserves_nothing(harness: &impl Harness) {
    let case = Case::new(harness);
    let asked = unsafely(reserve(9));
    let [committed, released] = [case.granted(asked).await, case.granted(asked).await];
    case.commit(committed).await;
    case.release(released, Counted::No).await;
    let doubtful = case.doubtful(asked).await;
    for settled in [committed, released, doubtful] {
        assert_eq!(case.ask(settled, Event::Reserve(asked)).await, Reply::Refused(Refused::Cancelled));
    }
    assert_eq!(case.ask(committed, Event::Release(Counted::No)).await, Reply::Lost);
    assert_eq!(case.ask(committed, Event::Doubt).await, Reply::Lost);
    assert_eq!(case.ask(committed, Event::Renew).await, Reply::Lost);
    assert_eq!(case.ask(released, Event::Doubt).await, Reply::Lost);
    let tally = case.tally(&asked).await;
    assert_eq!((tally.committed, tally.reserved, tally.doubtful), (1, 0, 1));
}

/// No byte of the response has left: a request that reads gives its use back, any other is in doubt.
async fn a_commit_is_taken_back(harness: &impl Harness) {
    let case = Case::new(harness);
    let first = case.granted(reserve(1)).await;
    assert_eq!(case.commit(first).await, SPENT);
    assert_eq!(case.ask(first, Event::TakeBack).await, RELEASED);
    let again = case.ask(first, Event::TakeBack).await;
    assert!(matches!(again, Reply::Released { cost_a_use: false, .. }), "{again:?}");
    assert_eq!(case.commit(first).await, Reply::Lost);
    let second = case.granted(reserve(1)).await;
    assert_eq!(case.ask(second, Event::TakeBack).await, RELEASED, "not committed yet");
    case.granted(reserve(1)).await;

    for is_committed in [true, false] {
        let case = Case::new(harness);
        let first = case.granted(unsafely(reserve(1))).await;
        if is_committed {
            assert_eq!(case.commit(first).await, SPENT);
        }
        for _ in 0..2 {
            assert_eq!(case.ask(first, Event::TakeBack).await, Reply::InDoubt);
        }
        assert_eq!(case.commit(first).await, Reply::Lost);
        assert_eq!(case.refused(reserve(1)).await, Refused::InDoubt);
        let tally = case.tally(&reserve(1)).await;
        assert_eq!((tally.committed, tally.reserved, tally.doubtful), (0, 0, 1));
        assert!(case.is_listed(first).await);
    }
}

async fn an_unknown_attempt_holds_nothing(harness: &impl Harness) {
    let case = Case::new(harness);
    assert_eq!(case.uses().await, None);
    let events = [Event::Renew, Event::Commit { amount: 1 }, Event::Doubt, Event::Resolve(Resolution::Used)];
    for event in events {
        assert_eq!(case.ask(attempt(), event).await, Reply::Lost, "{event:?}, of an unknown payment");
    }
    let first = case.granted(reserve(1)).await;
    for event in events {
        assert_eq!(case.ask(attempt(), event).await, Reply::Lost, "{event:?}");
    }
    assert_eq!(case.commit(first).await, SPENT);
}

async fn what_was_given_up_is_not_committed(harness: &impl Harness) {
    let case = Case::new(harness);
    let asked = unsafely(Reserve { amount: 2, ..reserve(4) });
    let released = case.granted(asked).await;
    case.release(released, Counted::No).await;
    assert_eq!(case.commit(released).await, Reply::Lost);
    let doubtful = case.doubtful(asked).await;
    assert_eq!(case.commit(doubtful).await, Reply::Lost, "its gateway said that it does not know");
    let tally = case.tally(&asked).await;
    assert_eq!((tally.committed, tally.reserved, tally.doubtful), (0, 0, 2));
    assert_eq!(case.release(doubtful, Counted::No).await, Reply::Released { cost_a_use: false, remaining: 4 });
}
