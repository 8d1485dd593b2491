//! The same request again, by its fingerprint and the client's key.

use super::{Case, Harness, keyed, page, reserve, unsafely};
use core::time::Duration;
use l402_core::ledger::{Counted, Event, Idempotence, LEASE, Refused, Reply, Reserve};

pub(super) async fn all(harness: &impl Harness) {
    a_doubtful_request_is_not_made_again(harness).await;
    a_repeatable_request_takes_its_doubtful_use_over(harness).await;
    a_key_takes_one_use(harness).await;
    a_key_belongs_to_one_request(harness).await;
    a_key_is_free_once_its_use_is_settled(harness).await;
    requests_without_a_fingerprint_are_never_the_same(harness).await;
    only_the_same_amount_of_the_same_counters_is_taken_over(harness).await;
}

fn repeatable(reserve: Reserve) -> Reserve {
    Reserve { idempotence: Idempotence::Repeatable, ..unsafely(reserve) }
}

async fn a_doubtful_request_is_not_made_again(harness: &impl Harness) {
    let case = Case::new(harness);
    case.doubtful(page(1, unsafely(reserve(9)))).await;
    assert_eq!(case.refused(page(1, unsafely(reserve(9)))).await, Refused::InDoubt);
    case.granted(page(2, unsafely(reserve(9)))).await;
    // Reserved only: two clients may ask for the same page at once.
    case.granted(page(2, unsafely(reserve(9)))).await;
    assert_eq!(case.tally(&reserve(9)).await.reserved, 2);
}

async fn a_repeatable_request_takes_its_doubtful_use_over(harness: &impl Harness) {
    for does_lapse in [true, false] {
        let (case, asked) = (Case::new(harness), page(1, repeatable(reserve(2))));
        let old = case.granted(asked).await;
        if does_lapse {
            harness.pass(LEASE + Duration::from_secs(1)).await;
        } else {
            case.ask(old, Event::Doubt).await;
        }
        let (new, reply) = case.reserve(asked).await;
        assert_eq!(reply, Reply::Reserved { number: 0, remaining: 1 }, "the same use");
        assert_eq!(case.commit(old).await, Reply::Lost, "it went to another");
        assert_eq!(case.release(old, Counted::No).await, Reply::Released { cost_a_use: false, remaining: 1 });
        let tally = case.tally(&asked).await;
        assert_eq!((tally.committed, tally.reserved, tally.doubtful), (0, 1, 0));
        assert_eq!(case.commit(new).await, Reply::Committed { remaining: 1, is_spent: false });
        assert_eq!(case.tally(&asked).await.committed, 1);
    }
}

async fn a_key_takes_one_use(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), keyed(1, page(1, unsafely(reserve(9)))));
    let first = case.granted(asked).await;
    assert_eq!(case.refused(asked).await, Refused::Busy, "its first request is under way");
    case.granted(keyed(2, page(1, unsafely(reserve(9))))).await;
    case.ask(first, Event::Doubt).await;
    assert_eq!(case.refused(asked).await, Refused::InDoubt);
    let (_, reply) = case.reserve(Reserve { idempotence: Idempotence::Repeatable, ..asked }).await;
    assert!(matches!(reply, Reply::Reserved { number: 0, .. }), "{reply:?}");
}

async fn a_key_belongs_to_one_request(harness: &impl Harness) {
    let case = Case::new(harness);
    let first = case.granted(keyed(1, page(1, repeatable(reserve(9))))).await;
    for _ in 0..2 {
        assert_eq!(case.refused(keyed(1, page(2, repeatable(reserve(9))))).await, Refused::KeyHeld);
        assert_eq!(case.refused(keyed(1, repeatable(reserve(9)))).await, Refused::KeyHeld);
        case.ask(first, Event::Doubt).await;
    }
    // The key goes first: the doubt about a page is not that of a request with another key.
    case.granted(keyed(2, page(1, repeatable(reserve(9))))).await;
    assert_eq!(case.tally(&reserve(9)).await.doubtful, 1);
    // A request without a key is told by its fingerprint, whatever key the first one had.
    assert_eq!(case.refused(page(1, unsafely(reserve(9)))).await, Refused::InDoubt);
}

async fn a_key_is_free_once_its_use_is_settled(harness: &impl Harness) {
    let (case, asked) = (Case::new(harness), keyed(1, page(1, unsafely(reserve(9)))));
    let first = case.granted(asked).await;
    case.commit(first).await;
    let second = case.granted(asked).await;
    case.release(second, Counted::No).await;
    case.granted(asked).await;
}

async fn requests_without_a_fingerprint_are_never_the_same(harness: &impl Harness) {
    let case = Case::new(harness);
    case.doubtful(repeatable(reserve(9))).await;
    case.granted(repeatable(reserve(9))).await;
    case.doubtful(keyed(1, repeatable(reserve(9)))).await;
    assert_eq!(case.refused(keyed(1, repeatable(reserve(9)))).await, Refused::KeyHeld);
}

async fn only_the_same_amount_of_the_same_counters_is_taken_over(harness: &impl Harness) {
    let case = Case::new(harness);
    let asked = page(1, repeatable(reserve(9)));
    case.doubtful(asked).await;
    assert_eq!(case.refused(Reserve { amount: 2, ..asked }).await, Refused::InDoubt);
    case.granted(Reserve { amount: 1, ..asked }).await;
}
