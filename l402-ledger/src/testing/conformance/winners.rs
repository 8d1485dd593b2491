//! S3: who gets a use, and what the others are told.

use super::{Case, Harness, RELEASED, SPENT, attempt, reserve, unsafely};
use crate::LedgerStore;
use l402_core::ledger::{Counted, Event, Refused, Reply, Reserve};
use std::sync::Arc;
use tokio::sync::Barrier;

pub(super) async fn all(harness: &impl Harness) {
    s3_one_use_goes_to_one_attempt(harness).await;
    s3_a_hundred_at_once_have_one_winner(harness).await;
    s3_a_bundle_serves_as_many_at_once_as_it_has_uses(harness).await;
    s3_payments_do_not_mix(harness).await;
    s3_a_lower_limit_of_a_counter_holds(harness).await;
    amounts_are_taken_and_the_rest_comes_back(harness).await;
    numbers_that_were_given_back_come_first(harness).await;
}

/// Of two attempts at one use, one is granted; once it has committed, the other is told that the token is spent.
async fn s3_one_use_goes_to_one_attempt(harness: &impl Harness) {
    let case = Case::new(harness);
    let (first, reply) = case.reserve(reserve(1)).await;
    assert_eq!(reply, Reply::Reserved { number: 0, remaining: 0 });
    assert_eq!(case.refused(reserve(1)).await, Refused::Busy);
    assert_eq!(case.commit(first).await, SPENT);
    assert_eq!(case.refused(reserve(1)).await, Refused::Spent);

    let case = Case::new(harness);
    let first = case.granted(reserve(1)).await;
    assert_eq!(case.release(first, Counted::No).await, RELEASED);
    case.granted(reserve(1)).await;
}

async fn s3_a_hundred_at_once_have_one_winner(harness: &impl Harness) {
    for asked in [reserve(1), unsafely(reserve(1))] {
        let case = Case::new(harness);
        let replies = at_once(&case, asked, 100).await;
        let granted = replies.iter().filter(|reply| matches!(reply, Reply::Reserved { number: 0, .. })).count();
        let busy = replies.iter().filter(|reply| **reply == Reply::Refused(Refused::Busy)).count();
        assert_eq!((granted, busy), (1, 99), "{replies:?}");
        assert_eq!(case.tally(&asked).await.reserved, 1);
    }
}

async fn s3_a_bundle_serves_as_many_at_once_as_it_has_uses(harness: &impl Harness) {
    let case = Case::new(harness);
    let replies = at_once(&case, reserve(10), 40).await;
    let numbers = replies.iter().filter_map(|reply| match reply {
        Reply::Reserved { number, .. } => Some(*number),
        _ => None,
    });
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..10), "each use has its own number: {numbers:?}");
}

/// Asks for the same at the same time, each for an attempt of its own.
async fn at_once(case: &Case<'_, impl Harness>, asked: Reserve, count: usize) -> Vec<Reply> {
    let barrier = Arc::new(Barrier::new(count));
    let tasks = (0..count).map(|_| {
        let (store, payment, barrier) = (case.harness.store(), case.payment, Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            store.apply(&payment, attempt(), Event::Reserve(asked)).await.expect("an answer")
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut replies = Vec::new();
    for task in tasks {
        replies.push(task.await.expect("no panic"));
    }
    replies
}

async fn s3_payments_do_not_mix(harness: &impl Harness) {
    let [one, other] = [Case::new(harness), Case::new(harness)];
    let attempt = one.granted(reserve(1)).await;
    assert_eq!(other.commit(attempt).await, Reply::Lost, "it holds no use of that payment");
    let theirs = other.granted(reserve(1)).await;
    assert_eq!(one.commit(attempt).await, SPENT);
    assert_eq!(other.tally(&reserve(1)).await.committed, 0);
    assert_eq!(other.commit(theirs).await, SPENT);
}

async fn s3_a_lower_limit_of_a_counter_holds(harness: &impl Harness) {
    for (first, then) in [(5, 1), (1, 5)] {
        let case = Case::new(harness);
        let attempt = case.granted(reserve(first)).await;
        case.commit(attempt).await;
        assert_eq!(case.refused(reserve(then)).await, Refused::Spent, "{first}, then {then}");
    }
}

async fn amounts_are_taken_and_the_rest_comes_back(harness: &impl Harness) {
    let (case, ten) = (Case::new(harness), Reserve { amount: 10, ..reserve(25) });
    let first = case.granted(ten).await;
    let (second, reply) = case.reserve(ten).await;
    assert_eq!(reply, Reply::Reserved { number: 1, remaining: 5 });
    assert_eq!(case.refused(ten).await, Refused::Busy);
    assert_eq!(case.ask(first, Event::Commit { amount: 4 }).await, Reply::Committed { remaining: 11, is_spent: false });
    assert_eq!(
        case.ask(second, Event::Commit { amount: 99 }).await,
        Reply::Committed { remaining: 11, is_spent: false },
        "no more than was reserved"
    );
    assert_eq!(case.ask(first, Event::TakeBack).await, Reply::Released { cost_a_use: false, remaining: 15 });
    let tally = case.tally(&ten).await;
    assert_eq!((tally.committed, tally.reserved, tally.free()), (10, 0, 15));
    case.granted(ten).await;
    assert_eq!(case.refused(Reserve { amount: 16, ..ten }).await, Refused::Spent);
    assert_eq!(case.refused(Reserve { amount: 15, ..ten }).await, Refused::Busy);
    case.granted(Reserve { amount: 5, ..ten }).await;
}

async fn numbers_that_were_given_back_come_first(harness: &impl Harness) {
    let case = Case::new(harness);
    let mut attempts = Vec::new();
    for number in 0..5 {
        let (attempt, reply) = case.reserve(reserve(9)).await;
        assert_eq!(reply, Reply::Reserved { number, remaining: 8 - u64::from(number) });
        attempts.push(attempt);
    }
    case.commit(attempts[0]).await;
    case.commit(attempts[1]).await;
    case.ask(attempts[1], Event::TakeBack).await;
    case.release(attempts[3], Counted::No).await;
    case.release(attempts[2], Counted::No).await;
    for expected in [1, 2, 3, 5] {
        let (_, reply) = case.reserve(reserve(9)).await;
        assert!(matches!(reply, Reply::Reserved { number, .. } if number == expected), "{expected}: {reply:?}");
    }
}
