//! The suite that every store passes.

use crate::server::{Certificates, Cluster, SAFE, Server, Shared, free_port};
use crate::server_clock::Clock;
use core::error::Error;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Refused, Reply};
use l402_ledger::redis::{RedisSettings, RedisStore};
use l402_ledger::testing::{conformance, reserve};
use l402_ledger::{LedgerStore, StoreErrorKind};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn a_redis_alone_conforms() {
    let server = Server::start(SAFE);
    let shared = Shared::of(&server).await;
    conformance::all(&shared).await;
    conformance::like_the_account(&shared, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn a_cluster_of_three_conforms() {
    let cluster = Cluster::start();
    let shared = Shared::open(&cluster.settings(), &cluster.clock).await;
    conformance::all(&shared).await;
    for node in &cluster.nodes {
        assert!(node.raw::<usize>(&["DBSIZE"]).await > 0, "each node has a part of it");
    }
}

const CANARY: &str = "canary-8d1f";

/// As the module says: what a user needs, and no more.
const GATEWAY: &str = "user gateway on >canary-8d1f ~{l402* -@all +eval +evalsha +time +info +get +set +exists +mget +hget \
                       +pttl +hmget +hgetall +hkeys +hset +hdel +unlink +zadd +zrem +zrange +zrangebyscore +config|get";

fn with_tls(certificates: &Certificates) -> (Server, Clock) {
    std::fs::write(certificates.path("users"), format!("user default off\n{GATEWAY}\n")).unwrap();
    let (port, clock) = (free_port(), Clock::new());
    let path = |name| certificates.path(name).to_str().unwrap().to_owned();
    let (tls_port, users) = (port.to_string(), path("users"));
    let (ca, cert, key) = (path("ca.pem"), path("cert.pem"), path("key.pem"));
    let tls = ["--port", "0", "--tls-port", &tls_port, "--tls-auth-clients", "no", "--aclfile", &users];
    let files = ["--tls-ca-cert-file", &ca, "--tls-cert-file", &cert, "--tls-key-file", &key];
    (Server::start_at(&[SAFE, &tls, &files].concat(), clock.clone(), port), clock)
}

fn settings_of(server: &Server) -> RedisSettings {
    RedisSettings::new(&format!("rediss://127.0.0.1:{}", server.port)).unwrap().deadline(Duration::from_secs(20))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn a_redis_with_tls_and_users_conforms() {
    let certificates = Certificates::make();
    let (server, clock) = with_tls(&certificates);
    let settings = settings_of(&server).ca(certificates.ca.as_bytes()).unwrap().user("gateway", CANARY);
    let shared = Shared::open(&settings, &clock).await;
    conformance::all(&shared).await;
    let store = RedisStore::open(&settings).await.unwrap();
    assert_eq!(store.warnings(), []);
    assert!(!format!("{settings:?} {store:?}").contains(CANARY));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn who_may_not_is_denied_and_no_password_is_shown() {
    let certificates = Certificates::make();
    let (server, _) = with_tls(&certificates);
    let trusting = settings_of(&server).ca(certificates.ca.as_bytes()).unwrap();
    let wrong = format!("{CANARY}-wrong");
    for (settings, expected) in [
        (trusting.clone().user("gateway", &wrong), StoreErrorKind::Denied),
        (trusting.clone().user("nobody", &wrong), StoreErrorKind::Denied),
        (trusting, StoreErrorKind::Denied),
        (settings_of(&server).user("gateway", CANARY), StoreErrorKind::Unavailable), // an authority nobody knows
        (settings_of(&server).ca(Certificates::make().ca.as_bytes()).unwrap(), StoreErrorKind::Unavailable),
    ] {
        let error = RedisStore::open(&settings).await.expect_err("it is refused");
        assert_eq!(error.kind(), expected, "{:?}", error.source());
        let shown = format!("{error} {error:?} {:?} {settings:?}", error.source().map(ToString::to_string));
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s3_a_thousand_at_once_have_one_winner() {
    let (server, payment) = (Server::start(SAFE), PaymentHash::from_bytes([3; 32]));
    let mut stores = vec![];
    for _ in 0..3 {
        stores.push(server.open().await.unwrap());
    }
    let barrier = Arc::new(tokio::sync::Barrier::new(1_000));
    let tasks = (0..1_000u128).map(|number| {
        let (store, barrier) = (stores[usize::try_from(number % 3).unwrap()].clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            let attempt = AttemptId::from_bytes(number.to_be_bytes());
            store.apply(&payment, attempt, Event::Reserve(reserve(1))).await.unwrap()
        })
    });
    let (mut granted, mut busy) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Reply::Reserved { number: 0, remaining: 0 } => granted += 1,
            Reply::Refused(Refused::Busy) => busy += 1,
            reply => panic!("{reply:?}"),
        }
    }
    assert_eq!((granted, busy), (1, 999));
}
