//! S1: the deny-list.

use super::{Harness, payment};
use crate::{LedgerStore, Revocation, Revocations};
use core::time::Duration;
use l402_core::UnixSeconds;
use l402_core::ledger::SKEW;

pub(super) async fn all(harness: &impl Harness) {
    s1_what_is_revoked_is_listed_for_every_gateway(harness).await;
    s1_a_revocation_outlives_its_tokens_by_the_skew(harness).await;
    a_later_end_counts(harness).await;
}

async fn list(harness: &impl Harness) -> Revocations {
    harness.store().revocations(None).await.expect("an answer").expect("a list")
}

async fn revoke(harness: &impl Harness, revocation: Revocation) {
    harness.store().revoke(revocation).await.expect("revoked");
}

/// So much from now, by the store's clock.
async fn after(harness: &impl Harness, time: Duration) -> UnixSeconds {
    let now = harness.store().now().await.expect("a time").time;
    UnixSeconds::new(now.after(time).millis() / 1_000)
}

const HOUR: Duration = Duration::from_hours(1);

async fn s1_what_is_revoked_is_listed_for_every_gateway(harness: &impl Harness) {
    let before = list(harness).await.version;
    assert_eq!(harness.store().revocations(Some(before)).await.expect("an answer"), None);
    let until = after(harness, HOUR).await;
    let (one, epoch) = (Revocation::of_payment(payment(), until), Revocation::of_epoch(7));
    for revocation in [one, epoch, epoch] {
        revoke(harness, revocation).await;
    }
    let Revocations { version, entries } =
        harness.store().revocations(Some(before)).await.expect("an answer").expect("it has changed");
    assert_ne!(version, before);
    assert_eq!(entries.iter().filter(|entry| **entry == epoch).count(), 1, "{entries:?}");
    assert!(entries.contains(&one), "{entries:?}");
    assert_eq!(harness.store().revocations(Some(version)).await.expect("an answer"), None);
}

async fn s1_a_revocation_outlives_its_tokens_by_the_skew(harness: &impl Harness) {
    let revocation = Revocation::of_payment(payment(), after(harness, HOUR).await);
    revoke(harness, revocation).await;
    harness.pass(HOUR + SKEW.saturating_sub(Duration::from_mins(1))).await;
    harness.store().sweep(1_000).await.expect("swept");
    assert!(list(harness).await.entries.contains(&revocation), "a gateway's clock may be behind");
    harness.pass(Duration::from_mins(2)).await;
    harness.store().sweep(1_000).await.expect("swept");
    let entries = list(harness).await.entries;
    assert!(!entries.contains(&revocation), "{entries:?}");
    assert!(entries.contains(&Revocation::of_epoch(7)), "an epoch is revoked for good");
}

async fn a_later_end_counts(harness: &impl Harness) {
    let (payment, soon, later) = (payment(), after(harness, HOUR).await, after(harness, 2 * HOUR).await);
    for until in [soon, later, soon] {
        revoke(harness, Revocation::of_payment(payment, until)).await;
    }
    let entries = list(harness).await.entries;
    let of_payment: Vec<_> = entries.iter().filter(|entry| entry.what == crate::Revoked::Payment(payment)).collect();
    assert_eq!(of_payment, [&Revocation::of_payment(payment, later)]);
}
