//! A Redis that is killed, stopped, or restarted.

use crate::server::{LONG, SAFE, Server};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use l402_core::ledger::{AttemptId, Event, Refused, Reply, Reserve};
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::redis::RedisStore;
use l402_ledger::testing::reserve;
use l402_ledger::{LedgerStore, StoreErrorKind};
use std::sync::Arc;

const ONCE: fn() -> Event = || Event::Reserve(reserve(1));
const COMMIT: Event = Event::Commit { amount: 1 };

/// Uses one token after another until told to stop, and returns those whose commit was replied to.
async fn spend(store: RedisStore, worker: u8, stop: Arc<AtomicBool>) -> Vec<PaymentHash> {
    let mut committed = vec![];
    for number in 0..u32::MAX {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut bytes = [worker; 32];
        bytes[..4].copy_from_slice(&number.reverse_bits().to_be_bytes());
        let (payment, attempt) = (PaymentHash::from_bytes(bytes), AttemptId::from_bytes([1; 16]));
        let Ok(Reply::Reserved { .. }) = store.apply(&payment, attempt, ONCE()).await else { continue };
        if let Ok(Reply::Committed { .. }) = store.apply(&payment, attempt, COMMIT).await {
            committed.push(payment);
        }
    }
    committed
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_what_was_committed_outlives_kills() {
    let server = Server::start(SAFE);
    let store = RedisStore::open(&server.settings().deadline(Duration::from_secs(2))).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..16).map(|worker| tokio::spawn(spend(store.clone(), worker, Arc::clone(&stop)))).collect();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.kill();
        server.run();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    stop.store(true, Ordering::Relaxed);
    let (patient, mut count) = (server.open().await.unwrap(), 0);
    for worker in workers {
        for payment in worker.await.unwrap() {
            let again = patient.apply(&payment, AttemptId::from_bytes([2; 16]), ONCE()).await.unwrap();
            assert_eq!(again, Reply::Refused(Refused::Spent));
            let same = patient.apply(&payment, AttemptId::from_bytes([1; 16]), COMMIT).await.unwrap();
            assert_eq!(same, Reply::Committed { remaining: 0, is_spent: true });
            count += 1;
        }
    }
    assert!(count > 100, "{count} uses were committed between kills");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_a_stopped_redis_is_unavailable_and_then_answers_again() {
    let (server, payment, attempt) =
        (Server::start(SAFE), PaymentHash::from_bytes([1; 32]), AttemptId::from_bytes([1; 16]));
    let store = RedisStore::open(&server.settings().deadline(Duration::from_millis(300))).await.unwrap();
    assert!(matches!(store.apply(&payment, attempt, ONCE()).await.unwrap(), Reply::Reserved { .. }));
    server.signal("STOP");
    for _ in 0..3 {
        let error = store.apply(&payment, attempt, COMMIT).await.expect_err("no answer");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
    server.signal("CONT");
    assert_eq!(until_it_answers(&store, &payment, attempt, COMMIT).await, SPENT);
    assert_eq!(
        store.apply(&payment, AttemptId::from_bytes([2; 16]), ONCE()).await.unwrap(),
        Reply::Refused(Refused::Spent)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_a_restarted_redis_is_found_again() {
    let (server, payment, attempt) =
        (Server::start(SAFE), PaymentHash::from_bytes([1; 32]), AttemptId::from_bytes([1; 16]));
    let store = RedisStore::open(&server.settings().deadline(Duration::from_secs(1))).await.unwrap();
    store.apply(&payment, attempt, ONCE()).await.unwrap();
    server.kill();
    let error = store.apply(&payment, attempt, COMMIT).await.expect_err("nobody answers");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let opened = RedisStore::open(&server.settings()).await;
    assert_eq!(opened.expect_err("nobody answers").kind(), StoreErrorKind::Unavailable);
    server.run(); // it has forgotten the scripts
    assert_eq!(until_it_answers(&store, &payment, attempt, COMMIT).await, SPENT);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s5_the_horizon_outlives_a_restart() {
    let (server, payment) = (Server::start(SAFE), PaymentHash::from_bytes([1; 32]));
    let store = server.open().await.unwrap();
    let soon = UnixSeconds::new(store.now().await.unwrap().time.millis() / 1_000 + 60);
    let once = Event::Reserve(Reserve { ends_at: soon, ..reserve(1) });
    store.apply(&payment, AttemptId::from_bytes([1; 16]), once).await.unwrap();
    server.pass(LONG + Duration::from_mins(1));
    assert_eq!(store.sweep(10).await.unwrap(), 1);
    server.kill();
    let back = i64::try_from((LONG + Duration::from_mins(1)).as_millis()).unwrap();
    server.step(-back);
    server.run();
    let again = until_it_answers(&store, &payment, AttemptId::from_bytes([2; 16]), once).await;
    assert_eq!(again, Reply::Refused(Refused::Ended));
}

const SPENT: Reply = Reply::Committed { remaining: 0, is_spent: true };

async fn until_it_answers(store: &RedisStore, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Reply {
    for _ in 0..200 {
        match store.apply(payment, attempt, event).await {
            Ok(reply) => return reply,
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not answer any more");
}
