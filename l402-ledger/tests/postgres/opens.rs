//! Opening: first tables, later versions, wrong passwords, read-only servers, and what is warned of.

use crate::server::{PASSWORD, Pooler, Server};
use core::error::Error;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Reply, StoreTime};
use l402_ledger::postgres::{PostgresConfig, PostgresStore, PostgresWarning};
use l402_ledger::testing::reserve;
use l402_ledger::{LedgerStore, StoreErrorKind};

const RESERVE: fn() -> Event = || Event::Reserve(reserve(1));

async fn kind_of(config: &PostgresConfig) -> StoreErrorKind {
    let error = PostgresStore::open(config).await.unwrap_err();
    let mut said = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(!said.contains(PASSWORD) && !said.contains("wrong-canary"), "{said}");
    error.kind()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn gateways_that_open_a_new_database_at_once_make_its_tables_once() {
    let server = Server::start(&[]);
    let opening: Vec<_> = (0..12)
        .map(|_| {
            let config = server.config();
            tokio::spawn(async move { PostgresStore::open(&config).await })
        })
        .collect();
    for opening in opening {
        drop(opening.await.unwrap().unwrap());
    }
    server.sql("DO $$ BEGIN ASSERT (SELECT count(*) = 1 AND max(version) > 0 FROM l402.version); END $$");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn s6_a_ledger_that_began_anew_says_so() {
    let server = Server::start(&[]);
    let first = server.store().await.created_at();
    assert!(first > StoreTime::default());
    assert_eq!(server.store().await.created_at(), first);
    server.sql("DROP SCHEMA l402 CASCADE");
    assert!(server.store().await.created_at() > first);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn tables_of_a_later_version_are_left_alone() {
    let server = Server::start(&[]);
    drop(server.store().await);
    server.sql("UPDATE l402.version SET version = 99");
    assert_eq!(kind_of(&server.config()).await, StoreErrorKind::TooNew);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn a_user_without_rights_opens_what_another_has_made() {
    let server = Server::start(&[]);
    drop(server.store().await);
    server.sql(
        "CREATE USER seller PASSWORD 'seller'; GRANT USAGE ON SCHEMA l402 TO seller; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA l402 TO seller",
    );
    let url = server.url().replace(&format!("gateway:{PASSWORD}"), "seller:seller");
    let seller = PostgresConfig::from_url(&url).unwrap();
    let store = PostgresStore::open(&seller).await.unwrap();
    server.sql("REVOKE DELETE ON l402.attempt FROM seller");
    assert_eq!(kind_of(&seller).await, StoreErrorKind::Denied, "a gateway that cannot count must not sell");
    server.sql("GRANT DELETE ON l402.attempt TO seller");
    let reply =
        store.apply(&PaymentHash::from_bytes([1; 32]), AttemptId::from_bytes([1; 16]), RESERVE()).await.unwrap();
    assert!(matches!(reply, Reply::Reserved { .. }), "{reply:?}");
    assert_eq!(kind_of(&seller.with_schema("another").unwrap()).await, StoreErrorKind::Denied);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn l1_a_wrong_user_or_password_is_denied_and_not_repeated() {
    let server = Server::start(&[]);
    let pooler = Pooler::start(&server);
    for url in [server.url(), pooler.url()] {
        let config = PostgresConfig::from_url(&url).unwrap();
        assert_eq!(kind_of(&config.with_password("wrong-canary")).await, StoreErrorKind::Denied, "{url}");
        let nobody = PostgresConfig::from_url(&url.replace("gateway:", "nobody:")).unwrap();
        assert_eq!(kind_of(&nobody).await, StoreErrorKind::Denied, "{url}");
    }
    let without = PostgresConfig::from_url(&server.url().replace(&format!(":{PASSWORD}"), "")).unwrap();
    assert_eq!(kind_of(&without).await, StoreErrorKind::Denied);
    let absent = server.url().replace("/postgres", "/absent").replacen("absent:", "postgres:", 1);
    assert_eq!(kind_of(&PostgresConfig::from_url(&absent).unwrap()).await, StoreErrorKind::Unavailable);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn a_server_that_is_not_there_is_unavailable() {
    let mut server = Server::start(&[]);
    server.kill();
    let config = server.config().with_deadline(Duration::from_millis(200));
    assert_eq!(kind_of(&config).await, StoreErrorKind::Unavailable);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn a_standby_is_read_only_and_draws_a_warning_where_it_follows_asynchronously() {
    let server = Server::start(&[]);
    let store = server.store().await;
    assert_eq!(store.warnings().await.unwrap(), []);
    let standby = server.standby();
    assert_eq!(kind_of(&standby.config()).await, StoreErrorKind::ReadOnly);
    while store.warnings().await.unwrap() != [PostgresWarning::AsynchronousStandby] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Of several hosts the one that takes writes is used.
    let hosts = |first: &Server, second: &Server| {
        let [first, second] =
            [first, second].map(|server| server.url().split('@').nth(1).unwrap().replace("/postgres", ""));
        let url = format!("postgres://gateway:{PASSWORD}@{first},{second}/postgres?target_session_attrs=read-write");
        PostgresConfig::from_url(&url).unwrap()
    };
    drop(PostgresStore::open(&hosts(&standby, &server)).await.unwrap());
    assert_eq!(kind_of(&hosts(&standby, &standby)).await, StoreErrorKind::ReadOnly);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn a_server_that_turns_read_only_says_so_and_loses_nothing() {
    let server = Server::start(&[]);
    let config = server.config().with_pool_size(1);
    let (payment, attempt) = (PaymentHash::from_bytes([2; 32]), AttemptId::from_bytes([2; 16]));
    let store = PostgresStore::open(&config).await.unwrap();
    store.apply(&payment, attempt, RESERVE()).await.unwrap();
    server.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    server.sql("SELECT pg_reload_conf()");
    let error = loop {
        match store.apply(&payment, attempt, Event::Renew).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await, // not yet
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly);
    assert_eq!(kind_of(&config).await, StoreErrorKind::ReadOnly);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn settings_that_lose_what_was_committed_draw_a_warning() {
    for (setting, warning) in [
        ("fsync=off", PostgresWarning::Fsync),
        ("full_page_writes=off", PostgresWarning::FullPageWrites),
        ("synchronous_commit=local", PostgresWarning::SynchronousCommit),
        ("default_transaction_isolation=repeatable read", PostgresWarning::Isolation),
    ] {
        let server = Server::start(&[setting]);
        assert_eq!(server.store().await.warnings().await.unwrap(), [warning], "{setting}");
    }
}
