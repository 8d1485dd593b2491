//! Servers that are killed, paused and restarted.

use crate::server::Server;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Refused, Reply};
use l402_ledger::postgres::PostgresStore;
use l402_ledger::testing::reserve;
use l402_ledger::{LedgerStore, StoreError, StoreErrorKind};
use std::sync::Arc;
use tokio::time::sleep;

pub(crate) fn payment(number: u64) -> PaymentHash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    PaymentHash::from_bytes(bytes)
}

pub(crate) fn attempt(number: u64) -> AttemptId {
    AttemptId::from_bytes((u128::from(number) << 32).to_be_bytes())
}

pub(crate) const COMMIT: Event = Event::Commit { amount: 1 };
pub(crate) const SPENT: Reply = Reply::Committed { remaining: 0, is_spent: true };

/// Sells and uses up, until told to stop. Returns the payments whose commit was confirmed.
async fn sell(store: PostgresStore, next: Arc<AtomicU64>, is_over: Arc<AtomicBool>) -> Vec<u64> {
    let mut confirmed = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (payment, attempt) = (payment(number), attempt(number));
        let Ok(Reply::Reserved { .. }) = store.apply(&payment, attempt, Event::Reserve(reserve(1))).await else {
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        match store.apply(&payment, attempt, COMMIT).await {
            Ok(SPENT) => confirmed.push(number),
            Ok(reply) => panic!("what was reserved is still there: {reply:?}"),
            Err(error) => assert!(is_away(&error), "{error:?}"),
        }
    }
    confirmed
}

/// There is no reply, or nothing could be sent.
fn is_away(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Unavailable | StoreErrorKind::Busy)
}

/// What was committed is, and its use goes to nobody else.
async fn audit(store: &PostgresStore, confirmed: &[u64]) {
    for number in confirmed {
        let payment = payment(*number);
        assert_eq!(store.apply(&payment, attempt(*number), COMMIT).await.unwrap(), SPENT, "{number}");
        let other = store.apply(&payment, attempt(*number + (1 << 40)), Event::Reserve(reserve(1))).await.unwrap();
        assert_eq!(other, Reply::Refused(Refused::Spent), "{number}");
    }
}

async fn killed(server: &mut Server, kills: usize) {
    let config = server.config();
    let store = PostgresStore::open(&config).await.unwrap();
    let (next, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let tasks: Vec<_> =
        (0..8).map(|_| tokio::spawn(sell(store.clone(), Arc::clone(&next), Arc::clone(&is_over)))).collect();
    for _ in 0..kills {
        let before = next.load(Ordering::Relaxed);
        while next.load(Ordering::Relaxed) < before + 100 {
            sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        server.restart();
    }
    is_over.store(true, Ordering::Relaxed);
    let mut confirmed = Vec::new();
    for task in tasks {
        confirmed.extend(task.await.unwrap());
    }
    assert!(confirmed.len() > kills * 50, "{}", confirmed.len());
    audit(&store, &confirmed).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s6_nothing_that_was_committed_is_lost_when_the_server_is_killed() {
    killed(&mut Server::start(&[]), 5).await;
}

/// The steps do not go by the server's default, with which a commit is confirmed seconds before it is written.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s6_nothing_that_was_committed_is_lost_where_commits_are_asynchronous_by_default() {
    killed(&mut Server::start(&["synchronous_commit=off", "wal_writer_delay=10s", "wal_buffers=16MB"]), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn a_paused_server_is_unavailable_and_then_goes_on() {
    let server = Server::start(&[]);
    let config = server.config().with_deadline(Duration::from_millis(300)).with_pool_size(4);
    let store = PostgresStore::open(&config).await.unwrap();
    let (payment, first) = (payment(1), attempt(1));
    let reserved = store.apply(&payment, first, Event::Reserve(reserve(1))).await.unwrap();
    assert!(matches!(reserved, Reply::Reserved { .. }), "{reserved:?}");
    server.pause(true);
    for _ in 0..6 {
        // More often than there are connections.
        let error = store.apply(&payment, first, COMMIT).await.unwrap_err();
        assert!(is_away(&error), "{error:?}");
    }
    server.pause(false);
    let store = store.clone();
    let reply = loop {
        match store.apply(&payment, first, COMMIT).await {
            Ok(reply) => break reply,
            Err(error) => assert!(is_away(&error), "{error:?}"),
        }
    };
    assert_eq!(reply, SPENT, "whether or not one of the first commits was carried out");
    audit(&store, &[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn the_first_call_after_a_restart_succeeds() {
    let mut server = Server::start(&[]);
    let config = server.config().with_deadline(Duration::from_secs(30)).with_pool_size(3);
    let store = PostgresStore::open(&config).await.unwrap();
    let asked: Vec<_> = (0..9).map(|_| store.now()).collect();
    for asked in asked {
        asked.await.unwrap(); // the pool is full of connections
    }
    server.kill();
    let error = store.now().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    server.restart();
    store.now().await.unwrap();
}
