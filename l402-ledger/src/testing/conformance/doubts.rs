//! Doubts, and who ends them.

use super::{Case, Harness, attempt, reserve, unsafely};
use crate::LedgerStore;
use core::time::Duration;
use l402_core::ledger::{DoubtRule, Event, LEASE, Refused, Reply, Reserve, Resolution};

pub(super) async fn all(harness: &impl Harness) {
    a_person_resolves_a_doubt(harness).await;
    a_rule_resolves_a_doubt_after_its_time(harness).await;
    a_doubt_without_a_rule_stays(harness).await;
    doubts_are_listed_up_to_a_number(harness).await;
    a_decision_stays(harness).await;
}

async fn a_person_resolves_a_doubt(harness: &impl Harness) {
    let asked = unsafely(reserve(2));
    for (resolution, committed) in [(Resolution::Used, 1), (Resolution::Unused, 0)] {
        let case = Case::new(harness);
        let doubtful = case.doubtful(asked).await;
        assert!(case.is_listed(doubtful).await);
        assert_eq!(case.ask(doubtful, Event::Resolve(resolution)).await, Reply::Resolved);
        assert!(!case.is_listed(doubtful).await);
        assert_eq!(case.ask(doubtful, Event::Resolve(resolution)).await, Reply::Lost);
        let tally = case.tally(&asked).await;
        assert_eq!((tally.committed, tally.doubtful, tally.free()), (committed, 0, 2 - committed));
    }
    let case = Case::new(harness);
    let held = case.granted(asked).await;
    for unknown in [held, attempt()] {
        let reply = case.ask(unknown, Event::Resolve(Resolution::Used)).await;
        assert_eq!(reply, Reply::Lost, "only a doubt is resolved");
    }
    assert_eq!(case.tally(&asked).await.reserved, 1);
}

async fn a_rule_resolves_a_doubt_after_its_time(harness: &impl Harness) {
    const TIME: Duration = Duration::from_mins(2);
    for (resolution, refused) in [(Resolution::Used, Some(Refused::Spent)), (Resolution::Unused, None)] {
        for does_lapse in [false, true] {
            let case = Case::new(harness);
            let asked = Reserve { doubt: DoubtRule::After(TIME, resolution), ..unsafely(reserve(1)) };
            let doubtful = case.granted(asked).await;
            if does_lapse {
                harness.pass(LEASE).await;
            } else {
                case.ask(doubtful, Event::Doubt).await;
            }
            assert_eq!(case.refused(asked).await, Refused::InDoubt);
            harness.pass(TIME / 2).await;
            assert_eq!(case.refused(asked).await, Refused::InDoubt);
            assert!(case.is_listed(doubtful).await);
            harness.pass(TIME / 2).await;
            assert!(!case.is_listed(doubtful).await);
            let reply = case.reserve(asked).await.1;
            match refused {
                Some(refused) => assert_eq!(reply, Reply::Refused(refused)),
                None => assert_eq!(reply, Reply::Reserved { number: 0, remaining: 0 }),
            }
        }
    }
}

async fn a_doubt_without_a_rule_stays(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), unsafely(reserve(1)));
    let doubtful = case.doubtful(asked).await;
    harness.pass(Duration::from_hours(48)).await;
    assert_eq!(case.refused(asked).await, Refused::InDoubt);
    assert!(case.is_listed(doubtful).await);
    assert_eq!(case.ask(doubtful, Event::Resolve(Resolution::Unused)).await, Reply::Resolved);
    case.granted(asked).await;
}

async fn doubts_are_listed_up_to_a_number(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), unsafely(reserve(3)));
    let mut made = [case.doubtful(asked).await, case.doubtful(asked).await, case.doubtful(asked).await];
    let listed = harness.store().doubtful(usize::MAX).await.expect("an answer");
    let mut ours: Vec<_> = listed.into_iter().filter(|doubtful| doubtful.payment == case.payment).collect();
    ours.sort_by_key(|doubtful| doubtful.attempt);
    let numbers = made.iter().zip(0..).map(|(attempt, number)| (*attempt, number)).collect::<Vec<(_, u32)>>();
    made.sort_unstable();
    assert!(ours.iter().map(|doubtful| doubtful.attempt).eq(made), "{ours:?}");
    assert!(ours.iter().all(|doubtful| numbers.contains(&(doubtful.attempt, doubtful.number))), "{ours:?}");
    assert!(ours.iter().all(|doubtful| doubtful.ends_at == asked.ends_at), "{ours:?}");
    assert_eq!(harness.store().doubtful(2).await.expect("an answer").len(), 2);
    assert_eq!(harness.store().doubtful(0).await.expect("an answer").len(), 0);
    for attempt in made {
        case.ask(attempt, Event::Resolve(Resolution::Unused)).await;
    }
}

/// A gateway that has had no reply to what it owes asks for it again, whatever was decided meanwhile.
async fn a_decision_stays(harness: &impl Harness) {
    const TIME: Duration = Duration::from_mins(2);
    for (resolution, committed) in [(Resolution::Used, 1), (Resolution::Unused, 0)] {
        for is_rule in [false, true] {
            let case = Case::new(harness);
            let doubt = if is_rule { DoubtRule::After(TIME, resolution) } else { DoubtRule::Hold };
            let asked = Reserve { doubt, ..unsafely(reserve(2)) };
            let lost = case.granted(asked).await;
            case.ask(lost, Event::Commit { amount: 1 }).await;
            assert_eq!(case.ask(lost, Event::TakeBack).await, Reply::InDoubt);
            if is_rule {
                harness.pass(TIME).await;
            } else {
                assert_eq!(case.ask(lost, Event::Resolve(resolution)).await, Reply::Resolved);
            }
            assert!(matches!(case.ask(lost, Event::TakeBack).await, Reply::Released { cost_a_use: false, .. }));
            assert_eq!(case.ask(lost, Event::Commit { amount: 1 }).await, Reply::Lost);
            assert_eq!(case.ask(lost, Event::Doubt).await, Reply::Lost);
            assert!(!case.is_listed(lost).await);
            case.granted(asked).await;
            let tally = case.tally(&asked).await;
            assert_eq!((tally.committed, tally.reserved, tally.doubtful), (committed, 1, 0));
        }
    }
}
