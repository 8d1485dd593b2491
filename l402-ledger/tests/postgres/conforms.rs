//! The suite that every store passes, and what only servers show.

use crate::server::{Pooler, Server};
use core::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Refused, Reply};
use l402_ledger::postgres::{PostgresConfig, PostgresStore};
use l402_ledger::testing::conformance::{self, Harness};
use l402_ledger::testing::reserve;
use l402_ledger::{Ledger, LedgerStore};
use std::sync::Arc;
use tokio::sync::Barrier;

/// Three gateways at one server, which take turns.
struct Three {
    stores: [PostgresStore; 3],
    turn: AtomicUsize,
    ahead: AtomicI64,
}

impl Three {
    async fn open(url: &str) -> Self {
        // A slow machine is no reason to fail.
        let config = PostgresConfig::from_url(url).unwrap().with_deadline(Duration::from_mins(1)).with_pool_size(8);
        let mut stores = Vec::new();
        for _ in 0..3 {
            stores.push(PostgresStore::open(&config).await.unwrap());
        }
        Self { stores: stores.try_into().unwrap(), turn: AtomicUsize::new(0), ahead: AtomicI64::new(0) }
    }

    fn next(&self) -> &PostgresStore {
        &self.stores[self.turn.fetch_add(1, Ordering::Relaxed) % 3]
    }

    fn move_clock(&self, millis: i64) {
        let ahead = self.ahead.fetch_add(millis, Ordering::Relaxed) + millis;
        self.stores.iter().for_each(|store| store.set_ahead(ahead));
    }
}

impl Harness for Three {
    fn store(&self) -> Ledger {
        Ledger::new(self.next().clone())
    }

    async fn pass(&self, time: Duration) {
        self.move_clock(i64::try_from(time.as_millis()).unwrap());
    }

    async fn turn_back(&self, time: Duration) {
        self.move_clock(-i64::try_from(time.as_millis()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn the_store_conforms() {
    let server = Server::start(&[]);
    let three = Three::open(&server.url()).await;
    conformance::all(&three).await;
    conformance::like_the_account(&three, 250).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn the_store_conforms_behind_pgbouncer_in_transaction_mode() {
    let server = Server::start(&[]);
    let pooler = Pooler::start(&server);
    conformance::all(&Three::open(&pooler.url()).await).await;
}

/// Somebody who likes it strict makes it slower, and breaks nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn the_store_conforms_where_transactions_are_serializable() {
    let server = Server::start(&["default_transaction_isolation=serializable"]);
    let three = Three::open(&server.url()).await;
    conformance::like_the_account(&three, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s3_of_a_thousand_at_once_over_three_stores_one_has_the_use() {
    let server = Server::start(&[]);
    let three = Three::open(&server.url()).await;
    let (payment, barrier) = (PaymentHash::from_bytes([3; 32]), Arc::new(Barrier::new(1_000)));
    let tasks = (0..1_000_u64).map(|number| {
        let (store, barrier) = (three.next().clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            let attempt = AttemptId::from_bytes(u128::from(number).to_be_bytes());
            barrier.wait().await;
            store.apply(&payment, attempt, Event::Reserve(reserve(1))).await.unwrap()
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let (mut granted, mut busy) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Reply::Reserved { number: 0, remaining: 0 } => granted += 1,
            Reply::Refused(Refused::Busy) => busy += 1,
            reply => panic!("{reply:?}"),
        }
    }
    assert_eq!((granted, busy), (1, 999));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn two_services_share_a_database() {
    let server = Server::start(&[]);
    let [one, other] = ["one", "select"].map(|schema| server.config().with_schema(schema).unwrap());
    let [one, other] = [PostgresStore::open(&one).await.unwrap(), PostgresStore::open(&other).await.unwrap()];
    let (payment, attempt) = (PaymentHash::from_bytes([4; 32]), AttemptId::from_bytes([4; 16]));
    one.apply(&payment, attempt, Event::Reserve(reserve(1))).await.unwrap();
    assert_eq!(other.uses(&payment).await.unwrap(), None);
    let reply = other.apply(&payment, attempt, Event::Commit { amount: 1 }).await.unwrap();
    assert_eq!(reply, Reply::Lost);
    assert!(one.uses(&payment).await.unwrap().is_some());
}
