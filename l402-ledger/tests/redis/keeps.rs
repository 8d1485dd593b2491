//! What is kept, for how long, and that much of it is no burden.

use crate::server::{LONG, SAFE, Server};
use core::time::Duration;
use l402_core::ledger::{
    AttemptId, DoubtRule, Event, Fingerprint, Idempotence, LEASE, Reply, Reserve, Resolution, Safety,
};
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::LedgerStore;
use l402_ledger::testing::reserve;

fn payment() -> PaymentHash {
    PaymentHash::from_bytes([9; 32])
}

fn row() -> String {
    format!("{{l402:09}}:{}", "09".repeat(32))
}

fn attempt(number: u32) -> AttemptId {
    let mut bytes = [5; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    AttemptId::from_bytes(bytes)
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn settled_attempts_are_beside_the_row_and_go_by_themselves() {
    let server = Server::start(SAFE);
    let store = server.open().await.unwrap();
    for number in 0..1_000 {
        store.apply(&payment(), attempt(number), Event::Reserve(reserve(5_000))).await.unwrap();
        store.apply(&payment(), attempt(number), Event::Commit { amount: 1 }).await.unwrap();
    }
    assert!(server.raw::<usize>(&["HLEN", &row()]).await < 5, "a call reads no more of it than of a new row");
    let keys = async |pattern: String| server.raw::<Vec<Vec<u8>>>(&["KEYS", &pattern]).await.len();
    assert_eq!(keys(format!("{}:*", row())).await, 1_000);
    server.pass(LONG);
    assert_eq!(keys(format!("{}:*", row())).await, 0);
    assert_eq!(keys(row()).await, 1, "the row itself stays until its token has ended");
}

/// The row goes at the end of its token, and what was settled a moment before is still remembered.
#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn what_a_deleted_row_knew_is_forgotten_with_it() {
    let server = Server::start(SAFE);
    let store = server.open().await.unwrap();
    let ends_at = UnixSeconds::new(store.now().await.unwrap().time.millis() / 1_000 + 60);
    let asked = Event::Reserve(Reserve { ends_at, ..reserve(1) });
    store.apply(&payment(), attempt(1), asked).await.unwrap();
    server.pass(Duration::from_secs(20));
    for _ in 0..31 {
        assert_eq!(store.apply(&payment(), attempt(1), Event::Renew).await.unwrap(), Reply::Renewed);
        server.pass(Duration::from_secs(20));
    }
    let committed = store.apply(&payment(), attempt(1), Event::Commit { amount: 1 }).await.unwrap();
    assert_eq!(committed, Reply::Committed { remaining: 0, is_spent: true });
    server.pass(Duration::from_secs(30));
    assert_eq!(store.sweep(10).await.unwrap(), 1);
    assert_eq!(server.raw::<usize>(&["ZCARD", "{l402:09}:ends"]).await, 0);
    assert_eq!(store.apply(&payment(), attempt(1), Event::Commit { amount: 1 }).await.unwrap(), Reply::Lost);
    assert_eq!(store.uses(&payment()).await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn a_deleted_row_leaves_nothing_open() {
    let server = Server::start(SAFE);
    let store = server.open().await.unwrap();
    let ends_at = UnixSeconds::new(store.now().await.unwrap().time.millis() / 1_000 + 60);
    let asked = Event::Reserve(Reserve { ends_at, safety: Safety::Unsafe, ..reserve(1) });
    store.apply(&payment(), attempt(1), asked).await.unwrap();
    assert_eq!(server.raw::<usize>(&["ZCARD", "{l402:09}:open"]).await, 1);
    server.pass(LONG + Duration::from_mins(1));
    assert_eq!(store.sweep(10).await.unwrap(), 1);
    assert_eq!(server.raw::<usize>(&["ZCARD", "{l402:09}:open"]).await, 0);
}

/// As in every store, so that a difference to another is a fault.
#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn of_two_doubts_about_one_request_that_with_the_lower_id_is_taken_over() {
    let server = Server::start(SAFE);
    let store = server.open().await.unwrap();
    for (byte, ids) in [(1, [8, 9]), (2, [9, 8])] {
        let payment = PaymentHash::from_bytes([byte; 32]);
        let fingerprint = Some(Fingerprint::from_bytes([7; 32]));
        let asked = Reserve { fingerprint, safety: Safety::Unsafe, idempotence: Idempotence::Repeatable, ..reserve(9) };
        for id in ids {
            store.apply(&payment, attempt(id), Event::Reserve(asked)).await.unwrap();
        }
        for id in ids {
            store.apply(&payment, attempt(id), Event::Doubt).await.unwrap();
        }
        store.apply(&payment, attempt(1), Event::Reserve(asked)).await.unwrap();
        assert_eq!(store.apply(&payment, attempt(8), Event::Doubt).await.unwrap(), Reply::Lost);
        assert_eq!(store.apply(&payment, attempt(9), Event::Doubt).await.unwrap(), Reply::InDoubt);
    }
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn thousands_of_leases_end_in_one_step() {
    let server = Server::start(SAFE);
    let store = server.open().await.unwrap();
    let doubt = DoubtRule::After(LEASE, Resolution::Unused);
    for number in 0..5_000 {
        let fingerprint = Some(Fingerprint::from_bytes([7; 32])).filter(|_| number % 2 == 0);
        let safety = if number % 3 == 0 { Safety::Unsafe } else { Safety::Safe };
        let asked = Reserve { fingerprint, safety, doubt, ..reserve(5_000) };
        store.apply(&payment(), attempt(number), Event::Reserve(asked)).await.unwrap();
    }
    server.pass(LEASE);
    let tally = store.uses(&payment()).await.unwrap().unwrap().tallies[0].1;
    assert_eq!((tally.free(), tally.reserved, tally.doubtful), (5_000 - 1_667, 0, 1_667));
    assert_eq!(store.doubtful(usize::MAX).await.unwrap().len(), 1_667);
    assert_eq!(store.doubtful(10).await.unwrap().len(), 10);
    server.pass(LEASE);
    assert_eq!(store.doubtful(usize::MAX).await.unwrap().len(), 0, "resolved by now, though nobody has asked yet");
    let reply = store.apply(&payment(), attempt(6_000), Event::Reserve(reserve(5_000))).await.unwrap();
    assert_eq!(reply, Reply::Reserved { number: 0, remaining: 4_999 });
    assert_eq!(server.raw::<usize>(&["ZCARD", "{l402:09}:open"]).await, 0);
    assert!(server.raw::<usize>(&["HLEN", &row()]).await < 10, "nothing is left of them");
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn limits_that_lua_cannot_count_are_never_exceeded() {
    let server = Server::start(SAFE);
    let (store, exact) = (server.open().await.unwrap(), (1 << 53) - 1);
    let huge = |amount| Event::Reserve(Reserve { amount, ..reserve(u64::MAX) });
    let refused = store.apply(&payment(), attempt(1), huge(u64::MAX)).await.unwrap();
    assert!(matches!(refused, Reply::Refused(_)), "{refused:?}");
    let granted = store.apply(&payment(), attempt(2), huge(exact - 1)).await.unwrap();
    assert_eq!(granted, Reply::Reserved { number: 0, remaining: 1 });
    let granted = store.apply(&payment(), attempt(3), huge(1)).await.unwrap();
    assert_eq!(granted, Reply::Reserved { number: 1, remaining: 0 });
    let committed = store.apply(&payment(), attempt(2), Event::Commit { amount: u64::MAX }).await.unwrap();
    assert_eq!(committed, Reply::Committed { remaining: 0, is_spent: false });
    let tally = store.uses(&payment()).await.unwrap().unwrap().tallies[0].1;
    assert_eq!((tally.limit, tally.committed, tally.reserved), (exact, exact - 1, 1));
}
