//! The ledger of uses on real gateways, servers and sockets. `just kill-ledger` and `just stores` run all of it.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod audit;
mod book;
mod buyer;
mod clock;
mod gateway;
mod halt;
mod kill;
mod metered;
mod node;
mod nodes;
mod outage;
mod proxy;
mod race;
mod rates;
mod seeded;
mod stores;
mod town;
mod upstream;
mod wire;

#[allow(dead_code, reason = "the tests of the store use the rest")]
#[path = "../../../../l402-ledger/tests/postgres/server.rs"]
mod postgres_server;
#[allow(dead_code, reason = "the tests of the store use the rest")]
#[path = "../../../../l402-ledger/tests/redis/server.rs"]
mod redis_server;
#[path = "../../../../l402-ledger/tests/servers/clock.rs"]
mod server_clock;

use book::Book;
use buyer::Unclear;
use core::time::Duration;
use halt::{Point, Trigger};
use l402_core::Msat;
use node::FakeNodeInFiles;
use outage::Trouble;
use seeded::Seeded;
use std::sync::{Arc, Mutex};
use stores::Kind;
use tokio::sync::Semaphore;
use town::Purse;

/// What the upstream and the buyers share.
struct Scene {
    book: Book,
    purses: metered::Book,
    node: FakeNodeInFiles,
    /// What buyers pay with, if not by that.
    purse: Option<Purse>,
    /// Payments whose outcome nobody knows yet.
    unclear: Mutex<Vec<Unclear>>,
    /// What the upstream waits for before some of its answers.
    gate: Semaphore,
    trigger: Mutex<Option<Arc<Trigger>>>,
    /// Tokens that several buyers use at once.
    shared: Mutex<Vec<usize>>,
}

impl Scene {
    fn new(node: FakeNodeInFiles) -> Self {
        Self {
            book: Book::default(),
            purses: metered::Book::default(),
            node,
            purse: None,
            unclear: Mutex::default(),
            gate: Semaphore::new(0),
            trigger: Mutex::default(),
            shared: Mutex::default(),
        }
    }

    /// Says what happens, to whoever kills at that.
    fn at(&self, point: Point) {
        if let Some(trigger) = &*self.trigger.lock().unwrap() {
            trigger.at(point);
        }
    }

    fn watch(&self, trigger: Option<Arc<Trigger>>) {
        *self.trigger.lock().unwrap() = trigger;
    }

    fn share(&self, token: usize) {
        self.shared.lock().unwrap().push(token);
    }

    fn unshare(&self, token: usize) {
        self.shared.lock().unwrap().retain(|shared| *shared != token);
    }

    fn shared(&self, seeded: &mut Seeded) -> Option<usize> {
        let shared = self.shared.lock().unwrap();
        (!shared.is_empty()).then(|| seeded.of(&shared))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the others start it, and kill it"]
async fn the_gateway_that_is_killed() {
    gateway::run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_kills_with_the_embedded_store() {
    kill::gateways(Kind::Embedded, kills(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_kills_with_redis() {
    kill::gateways(Kind::Redis, kills(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s1_kills_with_postgres() {
    kill::gateways(Kind::Postgres, kills(20)).await;
}

/// Each start of a gateway starts a real node, too.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: just kill-ledger"]
async fn s1_kills_of_gateways_with_a_lightning_node() {
    kill::gateways_with_a_node(Kind::Embedded, kills(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_kills_of_redis() {
    kill::servers(Kind::Redis, kills(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s1_kills_of_postgres() {
    kill::servers(Kind::Postgres, kills(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_thousand_at_once_with_the_embedded_store() {
    race::for_one_use(Kind::Embedded, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s3_a_thousand_at_once_over_three_gateways_with_redis() {
    race::for_one_use(Kind::Redis, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_while_redis_is_killed_nothing_is_served_or_sold() {
    outage::of(Kind::Redis, Trouble::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_while_redis_is_paused_nothing_is_served_or_sold() {
    outage::of(Kind::Redis, Trouble::Paused).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn s1_while_redis_is_slow_nothing_is_served_or_sold() {
    outage::of(Kind::Redis, Trouble::Slow).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s3_a_thousand_at_once_over_three_gateways_with_postgres() {
    race::for_one_use(Kind::Postgres, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s1_while_postgres_is_killed_nothing_is_served_or_sold() {
    outage::of(Kind::Postgres, Trouble::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s1_while_postgres_is_paused_nothing_is_served_or_sold() {
    outage::of(Kind::Postgres, Trouble::Paused).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn s1_while_postgres_is_slow_nothing_is_served_or_sold() {
    outage::of(Kind::Postgres, Trouble::Slow).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn l1_gateways_with_one_redis_share_the_rate_of_a_token() {
    rates::shared_through_redis().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server: just stores"]
async fn l5_gateways_with_redis_tell_each_other_of_payments() {
    nodes::share(Kind::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: just stores"]
async fn l5_gateways_with_postgres_tell_each_other_of_payments() {
    nodes::share(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server and faketime: just stores"]
async fn s5_a_clock_of_redis_that_is_moved_revives_nothing() {
    clock::is_moved(Kind::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and faketime: just stores"]
async fn s5_a_clock_of_postgres_that_is_moved_revives_nothing() {
    clock::is_moved(Kind::Postgres).await;
}

/// How many; few unless a variable says otherwise.
fn kills(few: usize) -> usize {
    std::env::var("L402_KILLS").map_or(few, |kills| kills.parse().expect("L402_KILLS is a number"))
}

const PRICE: Msat = Msat::from_sat(21);
const DEADLINE: Duration = Duration::from_secs(2);
