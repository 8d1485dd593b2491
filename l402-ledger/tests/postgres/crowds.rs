//! Many that want the same, and connections that take long to make.

use crate::crashes::{COMMIT, SPENT, attempt, payment};
use crate::server::Server;
use core::time::Duration;
use l402_core::ledger::{Counted, Event, Refused, Reply};
use l402_ledger::postgres::{PostgresConfig, PostgresStore};
use l402_ledger::testing::reserve;
use l402_ledger::{LedgerStore, StoreErrorKind};
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;

/// Two payments, each with a use that is reserved, out of so many; and the first one's row is locked by somebody.
async fn locked(server: &Server, deadline: Duration, limit: u64) -> (PostgresStore, tokio_postgres::Client) {
    let store = PostgresStore::open(&server.config().with_deadline(deadline)).await.unwrap();
    for number in [1, 2] {
        store.apply(&payment(number), attempt(number), Event::Reserve(reserve(limit))).await.unwrap();
    }
    // Something is written, so that the first attempt no longer stands in the row of the payment.
    store.apply(&payment(1), attempt(3), Event::Release(Counted::No)).await.unwrap();
    let lock = connect(server).await;
    let row = format!("SELECT FROM l402.payment WHERE payment = decode('{}', 'hex') FOR UPDATE", payment(1));
    lock.batch_execute(&format!("BEGIN; {row}")).await.unwrap();
    (store, lock)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s3_who_is_refused_waits_for_nobody() {
    let server = Server::start(&[]);
    let (store, lock) = locked(&server, Duration::from_secs(20), 1).await;
    let ask = async |number| store.apply(&payment(1), attempt(number), Event::Reserve(reserve(1))).await;
    assert_eq!(ask(10).await.unwrap(), Reply::Refused(Refused::Busy));
    lock.batch_execute("ROLLBACK").await.unwrap();
    store.apply(&payment(1), attempt(1), COMMIT).await.unwrap();
    lock.batch_execute("BEGIN; SELECT FROM l402.payment FOR UPDATE").await.unwrap();
    assert_eq!(ask(11).await.unwrap(), Reply::Refused(Refused::Spent));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s3_a_crowd_that_waits_for_a_row_keeps_no_commit_waiting() {
    let server = Server::start(&[]);
    let (store, lock) = locked(&server, Duration::from_mins(1), 1_000).await;
    let looker = connect(&server).await;
    let crowd = (0..16).map(|number| {
        let store = store.clone();
        tokio::spawn(
            async move { store.apply(&payment(1), attempt(100 + number), Event::Reserve(reserve(1_000))).await },
        )
    });
    let crowd: Vec<_> = crowd.collect();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while looker.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < 12 {
        sleep(Duration::from_millis(5)).await;
    }
    let committed = store.apply(&payment(2), attempt(2), COMMIT).await.unwrap();
    assert_eq!(committed, Reply::Committed { remaining: 999, is_spent: false });
    lock.batch_execute("ROLLBACK").await.unwrap();
    for reserved in crowd {
        assert!(matches!(reserved.await.unwrap().unwrap(), Reply::Reserved { .. }));
    }
}

/// Else it would take a use for a request that has been answered.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s3_a_reservation_that_waits_too_long_is_not_made_later() {
    let server = Server::start(&[]);
    let (store, lock) = locked(&server, Duration::from_secs(4), 1_000).await;
    let error = store.apply(&payment(1), attempt(10), Event::Reserve(reserve(1_000))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy);
    lock.batch_execute("ROLLBACK").await.unwrap();
    let reply = store.apply(&payment(1), attempt(10), COMMIT).await.unwrap();
    assert_eq!(reply, Reply::Lost, "there is no such reservation");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn a_connection_that_takes_longer_than_anybody_waits_is_made() {
    let server = Server::start(&[]);
    let closed = Arc::new(Notify::new());
    let proxy = slow_to_connect(&server, Arc::clone(&closed)).await;
    let config = PostgresConfig::from_url(&proxy).unwrap().with_deadline(Duration::from_millis(250));
    let store = PostgresStore::open(&config).await.unwrap();
    closed.notify_waiters();
    let mut errors = 0;
    while let Err(error) = store.now().await {
        assert!(matches!(error.kind(), StoreErrorKind::Busy | StoreErrorKind::Unavailable), "{error:?}");
        errors += 1;
        assert!(errors < 100, "each one begins anew");
    }
    assert!(errors > 0, "it takes longer than a call waits");
    store.apply(&payment(1), attempt(1), Event::Reserve(reserve(1))).await.unwrap();
    assert_eq!(store.apply(&payment(1), attempt(1), COMMIT).await.unwrap(), SPENT);
}

/// A way to the server on which each connection takes a second, and which closes those that it has when it is told so.
async fn slow_to_connect(server: &Server, closed: Arc<Notify>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, here) = (server.url(), listener.local_addr().unwrap().to_string());
    let there = url.rsplit('@').next().and_then(|there| there.split('/').next()).unwrap().to_owned();
    let url = url.replace(&there, &here);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (there, closed) = (there.clone(), Arc::clone(&closed));
            tokio::spawn(async move {
                sleep(Duration::from_secs(1)).await;
                let mut server = TcpStream::connect(there).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    () = closed.notified() => {}
                }
            });
        }
    });
    url
}

/// A connection past the store.
async fn connect(server: &Server) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
