//! Which Redis is opened, and what is said about it.

use crate::server::{Cluster, SAFE, Server};
use core::error::Error as _;
use l402_core::ledger::{AttemptId, Event, Refused, Reply};
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::redis::{RedisSettings, RedisStore, RedisWarning};
use l402_ledger::testing::reserve;
use l402_ledger::{LedgerStore, StoreErrorKind};

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn a_redis_that_loses_commits_is_refused() {
    let kind = async |server: &Server| server.open().await.expect_err("it is refused").kind();
    let forgetful = Server::start(&["--appendonly", "no"]);
    assert_eq!(kind(&forgetful).await, StoreErrorKind::Unsafe);
    let allowed = RedisStore::open(&forgetful.settings().may_lose_commits(true)).await.unwrap();
    assert_eq!(allowed.warnings(), [RedisWarning::NothingKept]);
    let evicting = Server::start(&[SAFE, &["--maxmemory-policy", "allkeys-lru"]].concat());
    assert_eq!(kind(&evicting).await, StoreErrorKind::Unsafe);
    let also_evicting = RedisStore::open(&evicting.settings().may_lose_commits(true)).await;
    assert_eq!(also_evicting.expect_err("no setting allows that").kind(), StoreErrorKind::Unsafe);
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn a_redis_that_cannot_be_used_says_why() {
    let why = async |url: &str| {
        let error = RedisStore::open(&RedisSettings::new(url).unwrap()).await.expect_err("it is refused");
        (error.kind(), error.source().map(ToString::to_string).unwrap_or_default())
    };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    drop(silent);
    let refused = (StoreErrorKind::Unavailable, "connection to redis: connection refused".to_owned());
    assert_eq!(why(&format!("redis://127.0.0.1:{port}")).await, refused);
    let server = Server::start(&[SAFE, &["--requirepass", "sesame"]].concat());
    let wrong = (StoreErrorKind::Denied, "wrong user or password for redis".to_owned());
    assert_eq!(why(&format!("redis://:canary@127.0.0.1:{}", server.port)).await, wrong);
    let (kind, none) = why(&format!("redis://127.0.0.1:{}", server.port)).await;
    assert_eq!((kind, none.contains("asks for a password")), (StoreErrorKind::Denied, true), "{none}");
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn what_it_can_lose_is_told() {
    assert_eq!(Server::start(SAFE).open().await.unwrap().warnings(), []);
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    assert_eq!(server.open().await.unwrap().warnings(), [RedisWarning::SyncedLater]);
    let _: () = server.raw(&["ACL", "SETUSER", "limited", "on", ">secret", "~*", "+@all", "-config"]).await;
    let limited = RedisStore::open(&server.settings().user("limited", "secret")).await.unwrap();
    assert_eq!(limited.warnings(), [RedisWarning::SyncUnknown]);
    let cluster = Cluster::start();
    assert_eq!(RedisStore::open(&cluster.settings()).await.unwrap().warnings(), [RedisWarning::Cluster]);
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn a_replica_is_refused_and_its_primary_draws_a_warning() {
    let primary = Server::start(SAFE);
    let port = primary.port.to_string();
    let replica = Server::start(&[SAFE, &["--replicaof", "127.0.0.1", &port]].concat());
    assert_eq!(replica.open().await.expect_err("it is refused").kind(), StoreErrorKind::ReadOnly);
    while !primary.raw::<String>(&["INFO", "replication"]).await.contains("connected_slaves:1") {
        tokio::time::sleep(core::time::Duration::from_millis(50)).await;
    }
    let store = primary.open().await.unwrap();
    assert_eq!(store.warnings(), [RedisWarning::Replicas]);
    // A primary that becomes a replica while it is in use.
    let _: () = primary.raw(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let asked = store.apply(&payment(1), attempt(1), Event::Reserve(reserve(1))).await;
    assert_eq!(asked.expect_err("it cannot be written").kind(), StoreErrorKind::ReadOnly);
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn a_newer_schema_is_left_alone() {
    let server = Server::start(SAFE);
    server.open().await.unwrap();
    let _: () = server.raw(&["SET", "{l402}:schema", "2 what a later version writes"]).await;
    assert_eq!(server.open().await.expect_err("it is refused").kind(), StoreErrorKind::TooNew);
    let _: () = server.raw(&["SET", "{l402}:schema", "something"]).await;
    assert_eq!(server.open().await.expect_err("it is refused").kind(), StoreErrorKind::Damaged);
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn s6_a_part_that_is_missing_is_noticed() {
    let server = Server::start(SAFE);
    let store = server.open().await.unwrap();
    let _: () = server.raw(&["DEL", "{l402:07}:horizon"]).await;
    assert_eq!(server.open().await.expect_err("it is refused").kind(), StoreErrorKind::Damaged);
    let asked = store.apply(&payment(7), attempt(1), Event::Reserve(reserve(1))).await;
    assert_eq!(asked.expect_err("a row may be missing").kind(), StoreErrorKind::Damaged);
    assert_eq!(store.sweep(1).await.expect_err("a shard is missing").kind(), StoreErrorKind::Damaged);
    let _: () = server.raw(&["DEL", "{l402}:schema"]).await;
    assert_eq!(server.open().await.expect_err("it is refused").kind(), StoreErrorKind::Damaged);
    // All at once is noticed while a gateway runs, and by the time at which the ledger was made.
    let _: () = server.raw(&["FLUSHALL"]).await;
    let asked = store.apply(&payment(1), attempt(1), Event::Reserve(reserve(1))).await;
    assert_eq!(asked.expect_err("a row may be missing").kind(), StoreErrorKind::Damaged);
    assert_ne!(server.open().await.unwrap().created_at(), store.created_at());
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn s5_the_horizon_of_all_is_no_lower_than_that_of_a_shard() {
    let server = Server::start(SAFE);
    let store = server.open().await.unwrap();
    let _: () = server.raw(&["SET", "{l402:07}:horizon", "1800000000"]).await;
    let _: () = server.raw(&["DEL", "{l402}:horizon"]).await;
    assert_eq!(store.now().await.expect_err("it is missing").kind(), StoreErrorKind::Damaged);
    let again = server.open().await.unwrap();
    assert_eq!(again.now().await.unwrap().horizon, UnixSeconds::new(1_800_000_000));
    // It does not go back, and a sweep tells it to the other shards.
    let _: () = server.raw(&["SET", "{l402:07}:horizon", "5"]).await;
    server.open().await.unwrap();
    assert_eq!(again.sweep(1).await.unwrap(), 0);
    assert_eq!(server.raw::<String>(&["GET", "{l402:a7}:horizon"]).await, "1800000000");
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn a_start_that_was_interrupted_is_finished() {
    let server = Server::start(SAFE);
    let _: () = server.raw(&["SET", "{l402}:schema", "1 1800000000000 opening"]).await;
    let _: () = server.raw(&["SET", "{l402:00}:horizon", "5"]).await;
    let (one, other) = tokio::join!(server.open(), server.open());
    assert_eq!(one.unwrap().created_at(), other.unwrap().created_at());
    assert_eq!(server.raw::<String>(&["GET", "{l402}:schema"]).await, "1 1800000000000");
    assert_eq!(server.raw::<String>(&["GET", "{l402:00}:horizon"]).await, "5", "nothing is replaced");
    // Two that begin at the same time make one ledger.
    let _: () = server.raw(&["FLUSHALL"]).await;
    let (one, other) = tokio::join!(server.open(), server.open());
    assert_eq!(one.unwrap().created_at(), other.unwrap().created_at());
}

#[tokio::test]
#[ignore = "needs redis-server: just stores"]
async fn ledgers_with_other_prefixes_do_not_mix() {
    let server = Server::start(SAFE);
    let one = server.open().await.unwrap();
    let other = RedisStore::open(&server.settings().prefix("shop:2").unwrap()).await.unwrap();
    for store in [&one, &other] {
        let reply = store.apply(&payment(1), attempt(1), Event::Reserve(reserve(1))).await.unwrap();
        assert_eq!(reply, Reply::Reserved { number: 0, remaining: 0 });
    }
    let reply = other.apply(&payment(1), attempt(2), Event::Reserve(reserve(1))).await.unwrap();
    assert_eq!(reply, Reply::Refused(Refused::Busy));
}

fn payment(first: u8) -> PaymentHash {
    PaymentHash::from_bytes([first; 32])
}

fn attempt(first: u8) -> AttemptId {
    AttemptId::from_bytes([first; 16])
}
