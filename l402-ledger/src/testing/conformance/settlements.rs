//! L5, S2: what gateways tell each other of payments that arrived. A store that cannot be shared has none.

use super::{Harness, payment};
use crate::{LedgerStore, SharedSettlements};
use core::time::Duration;
use l402_core::{PaymentHash, UnixSeconds};
use std::sync::Arc;

pub(super) async fn all(harness: &impl Harness) {
    if harness.store().settlements().is_none() {
        return;
    }
    l5_what_one_puts_another_gets(harness).await;
    putting_again_changes_nothing(harness).await;
    s2_of_two_ends_the_later_counts(harness).await;
    what_is_over_is_not_kept(harness).await;
}

fn shared(harness: &impl Harness) -> Arc<dyn SharedSettlements> {
    harness.store().settlements().expect("it is shared")
}

async fn put(harness: &impl Harness, payment: &PaymentHash, record: &[u8], ends_at: UnixSeconds) {
    shared(harness).put(payment, record, ends_at).await.expect("kept");
}

async fn found(harness: &impl Harness, payment: &PaymentHash) -> Option<Vec<u8>> {
    shared(harness).get(payment).await.expect("an answer")
}

/// The time in so many minutes, by the store's clock.
async fn minutes(harness: &impl Harness, minutes: u64) -> UnixSeconds {
    let now = harness.store().now().await.expect("a time").time;
    UnixSeconds::new(now.after(Duration::from_mins(minutes)).millis() / 1_000)
}

async fn l5_what_one_puts_another_gets(harness: &impl Harness) {
    let (one, other) = (payment(), payment());
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    assert_eq!(found(harness, &one).await, None);
    put(harness, &one, &every_byte, minutes(harness, 60).await).await;
    assert_eq!(found(harness, &one).await, Some(every_byte));
    assert_eq!(found(harness, &other).await, None);
}

async fn putting_again_changes_nothing(harness: &impl Harness) {
    let (payment, end) = (payment(), minutes(harness, 60).await);
    for record in [&b"a record"[..], b"a record", b"a later one", b"a later one"] {
        put(harness, &payment, record, end).await;
        assert_eq!(found(harness, &payment).await.as_deref(), Some(record));
    }
}

/// A sale that was made before the validity became shorter stays known for as long as it was sold.
async fn s2_of_two_ends_the_later_counts(harness: &impl Harness) {
    let (payment, later, sooner) = (payment(), minutes(harness, 60).await, minutes(harness, 20).await);
    put(harness, &payment, b"a record", later).await;
    put(harness, &payment, b"a record", sooner).await;
    harness.pass(Duration::from_mins(59)).await;
    assert!(found(harness, &payment).await.is_some());
    harness.pass(Duration::from_mins(2)).await;
    assert_eq!(found(harness, &payment).await, None);
}

async fn what_is_over_is_not_kept(harness: &impl Harness) {
    let payment = payment();
    let now = harness.store().now().await.expect("a time").time;
    put(harness, &payment, b"a record", UnixSeconds::new(now.millis() / 1_000 - 1)).await;
    assert_eq!(found(harness, &payment).await, None);
}
