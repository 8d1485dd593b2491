//! L1: rates that gateways share. A store that cannot be shared, or is too slow for it, has none.

use super::{Harness, payment};
use crate::{Bucket, LedgerStore, Taken};
use core::time::Duration;
use l402_core::PaymentHash;

pub(super) async fn all(harness: &impl Harness) {
    if harness.store().rates().is_none() {
        return;
    }
    l1_all_who_share_a_bucket_have_what_it_holds(harness).await;
    l1_a_request_is_counted_in_each_bucket_or_in_none(harness).await;
    l1_a_clock_that_is_set_back_holds_nobody_up(harness).await;
}

/// One more every 20 minutes, so that what a slow machine takes for a question does not count.
fn three_an_hour(name: &str) -> Bucket {
    Bucket::new(name, 3.try_into().expect("not 0"), Duration::from_hours(1))
}

async fn take(harness: &impl Harness, payment: &PaymentHash, buckets: &[Bucket]) -> Taken {
    harness.store().rates().expect("it is shared").take(payment, buckets).await.expect("an answer")
}

#[track_caller]
fn is_refused(taken: Taken, by: usize) {
    let Taken::No { bucket, wait } = taken else { panic!("there was room") };
    assert_eq!(bucket, by);
    assert!(wait <= Duration::from_mins(20) && wait > Duration::from_mins(10), "{wait:?}");
}

async fn l1_all_who_share_a_bucket_have_what_it_holds(harness: &impl Harness) {
    let ([one, other], bucket) = ([payment(), payment()], [three_an_hour("a")]);
    for _ in 0..3 {
        assert_eq!(take(harness, &one, &bucket).await, Taken::Yes);
    }
    is_refused(take(harness, &one, &bucket).await, 0);
    assert_eq!(take(harness, &other, &bucket).await, Taken::Yes, "another payment");
    assert_eq!(take(harness, &one, &[three_an_hour("b")]).await, Taken::Yes, "another bucket");
    harness.pass(Duration::from_mins(21)).await;
    assert_eq!(take(harness, &one, &bucket).await, Taken::Yes);
    is_refused(take(harness, &one, &bucket).await, 0);
    harness.pass(Duration::from_hours(50)).await;
    for _ in 0..3 {
        assert_eq!(take(harness, &one, &bucket).await, Taken::Yes, "it holds no more than before");
    }
    is_refused(take(harness, &one, &bucket).await, 0);
}

async fn l1_a_request_is_counted_in_each_bucket_or_in_none(harness: &impl Harness) {
    let (payment, of_route, of_service) = (payment(), three_an_hour("route"), three_an_hour("service"));
    let both = [of_route.clone(), of_service.clone()];
    assert_eq!(take(harness, &payment, &both).await, Taken::Yes);
    for _ in 0..2 {
        assert_eq!(take(harness, &payment, core::slice::from_ref(&of_service)).await, Taken::Yes);
    }
    is_refused(take(harness, &payment, &both).await, 1);
    for _ in 0..2 {
        assert_eq!(take(harness, &payment, core::slice::from_ref(&of_route)).await, Taken::Yes, "it was not counted");
    }
    is_refused(take(harness, &payment, &both).await, 0);
    assert_eq!(take(harness, &payment, &[]).await, Taken::Yes);
}

async fn l1_a_clock_that_is_set_back_holds_nobody_up(harness: &impl Harness) {
    let (payment, bucket) = (payment(), [three_an_hour("a")]);
    assert_eq!(take(harness, &payment, &bucket).await, Taken::Yes);
    harness.turn_back(Duration::from_hours(5)).await;
    is_refused(take(harness, &payment, &bucket).await, 0);
    harness.pass(Duration::from_hours(5)).await;
    assert_eq!(take(harness, &payment, &bucket).await, Taken::Yes);
}
