//! What a store finds when it is opened, and what it keeps in memory.

use super::super::memory::CANCELLED;
use super::disk::Disk;
use super::{Moved, ask, attempt, payment};
use crate::LedgerStore;
use crate::embedded::{Durability, Embedded};
use crate::error::StoreErrorKind;
use crate::testing::reserve;
use core::time::Duration;
use l402_core::UnixSeconds;
use l402_core::ledger::{AttemptId, Counted, DoubtRule, Event, Refused, Reply, Reserve, Resolution, SKEW, Safety};

fn open(disk: &Disk, moved: &Moved) -> Embedded {
    Embedded::open_on(Box::new(disk.clone()), Durability::Power, moved.clock()).unwrap()
}

fn unsafely(reserve: Reserve) -> Event {
    Event::Reserve(Reserve { safety: Safety::Unsafe, ..reserve })
}

#[tokio::test]
async fn s3_what_a_predecessor_held_is_available_or_in_doubt_at_once() {
    let (disk, moved) = (Disk::default(), Moved::new());
    let store = open(&disk, &moved);
    ask(&store, payment(1), attempt(1), Event::Reserve(reserve(1))).await;
    ask(&store, payment(2), attempt(2), unsafely(reserve(1))).await;
    let after = Reserve { doubt: DoubtRule::After(Duration::from_mins(1), Resolution::Unused), ..reserve(1) };
    ask(&store, payment(3), attempt(3), unsafely(after)).await;
    drop(store);

    let store = open(&disk, &moved);
    assert_eq!(store.live(), 0);
    let mut doubtful = store.doubtful(9).await.unwrap();
    doubtful.sort_by_key(|doubtful| doubtful.attempt);
    assert!(doubtful.iter().map(|doubtful| doubtful.payment).eq([payment(2), payment(3)]), "{doubtful:?}");
    let reply = ask(&store, payment(1), attempt(4), Event::Reserve(reserve(1))).await;
    assert_eq!(reply, Reply::Reserved { number: 0, remaining: 0 }, "it only reads");
    let reply = ask(&store, payment(2), attempt(4), Event::Reserve(reserve(1))).await;
    assert_eq!(reply, Reply::Refused(Refused::InDoubt));
    assert_eq!(ask(&store, payment(2), attempt(2), Event::Resolve(Resolution::Unused)).await, Reply::Resolved);
    // The rule's time began when the store was opened, and goes on over another start.
    moved.pass(40_000);
    drop(store);
    let store = open(&disk, &moved);
    moved.pass(20_000);
    assert_eq!(store.doubtful(9).await.unwrap(), []);
}

#[tokio::test]
async fn a_spent_token_costs_no_memory_and_its_commit_can_be_repeated() {
    let (disk, moved) = (Disk::default(), Moved::new());
    let store = open(&disk, &moved);
    for number in 0..9 {
        ask(&store, payment(number), attempt(1), Event::Reserve(reserve(1))).await;
    }
    assert_eq!(store.live(), 9);
    let spent = Reply::Committed { remaining: 0, is_spent: true };
    for number in 0..9 {
        assert_eq!(ask(&store, payment(number), attempt(1), Event::Commit { amount: 1 }).await, spent);
    }
    store.sweep(1).await.unwrap(); // the writer has taken notice by then
    assert_eq!(store.live(), 0);
    assert_eq!(ask(&store, payment(1), attempt(1), Event::Commit { amount: 1 }).await, spent);
    assert_eq!(ask(&store, payment(1), attempt(2), Event::Reserve(reserve(1))).await, Reply::Refused(Refused::Spent));
    assert_eq!(store.live(), 0);
}

#[tokio::test]
async fn what_was_given_back_is_forgotten_in_time() {
    let (disk, moved) = (Disk::default(), Moved::new());
    let store = open(&disk, &moved);
    let syncs = store.syncs();
    for number in 0..5 {
        ask(&store, payment(number), attempt(1), Event::Reserve(reserve(1))).await;
        ask(&store, payment(number), attempt(1), Event::Release(Counted::No)).await;
    }
    assert_eq!(store.syncs(), syncs, "nothing of it is written");
    assert_eq!(store.live(), 5, "a reserve that comes late is refused");
    moved.pass(u64::try_from(SKEW.as_millis()).unwrap());
    store.sweep(1).await.unwrap();
    assert_eq!(store.live(), 0);
}

/// The third try costs a use, however long the tries are apart.
#[tokio::test]
async fn tries_outlive_the_memory_and_the_process() {
    let (disk, moved) = (Disk::default(), Moved::new());
    for (number, cost_a_use) in [(1, false), (2, false), (3, true)] {
        let store = open(&disk, &moved);
        ask(&store, payment(1), attempt(number), Event::Reserve(reserve(1))).await;
        let reply = ask(&store, payment(1), attempt(number), Event::Release(Counted::Yes)).await;
        assert_eq!(reply, Reply::Released { cost_a_use, remaining: u64::from(!cost_a_use) });
    }
}

/// Requests that nobody answers cost nothing, so there may be any number of them.
#[tokio::test]
async fn what_was_given_back_takes_memory_for_so_many_attempts_only() {
    let (disk, moved) = (Disk::default(), Moved::new());
    let store = open(&disk, &moved);
    let id = |number: usize| AttemptId::from_bytes((number as u128).to_be_bytes());
    for number in 0..=CANCELLED {
        ask(&store, payment(1), id(number), Event::Reserve(reserve(1))).await;
        ask(&store, payment(1), id(number), Event::Release(Counted::No)).await;
    }
    let again = |number| ask(&store, payment(1), id(number), Event::Reserve(reserve(1)));
    assert_eq!(again(1).await, Reply::Refused(Refused::Cancelled));
    assert_eq!(again(CANCELLED).await, Reply::Refused(Refused::Cancelled));
    assert_eq!(again(0).await, Reply::Reserved { number: 0, remaining: 0 }, "it is forgotten");
}

#[tokio::test]
async fn s5_the_horizon_outlives_the_process() {
    let (disk, moved) = (Disk::default(), Moved::new());
    let store = open(&disk, &moved);
    let soon = Event::Reserve(Reserve { ends_at: UnixSeconds::new(1_800_000_100), ..reserve(1) });
    ask(&store, payment(1), attempt(1), soon).await;
    ask(&store, payment(1), attempt(1), Event::Commit { amount: 1 }).await;
    let later = Moved::new();
    later.pass(1_000_000);
    drop(store);
    let store = open(&disk, &later);
    assert_eq!(store.sweep(9).await.unwrap(), 1);
    drop(store);
    let store = open(&disk, &moved); // the clock is back where it was
    assert_eq!(ask(&store, payment(1), attempt(2), soon).await, Reply::Refused(Refused::Ended));
}

#[test]
fn one_program_has_the_file_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    assert_eq!(Embedded::open(&path, Durability::Power).map(drop).unwrap_err().kind(), StoreErrorKind::Absent);
    let store = Embedded::open_or_create(&path, Durability::Power).unwrap();
    for open in [Embedded::open, Embedded::open_or_create] {
        assert_eq!(open(&path, Durability::Power).map(drop).unwrap_err().kind(), StoreErrorKind::InUse);
    }
    drop(store);
    Embedded::open(&path, Durability::Process).unwrap();
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["ledger"], "nothing is left of making it");
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    drop(Embedded::open_or_create(&path, Durability::Power).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
