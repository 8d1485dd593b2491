//! Steps a second of the store in PostgreSQL, beside a bare loop of the same kind: a durable upsert of one row.
//!
//! Both have a pool of the same size on the same server, and take turns. The bare loop upserts each row twice, as each use takes
//! two steps: one is reserved and committed. `just bench-ledger-postgres` prints a table.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the bench")]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/postgres/server.rs"]
mod server;
#[allow(dead_code, reason = "the tests use it")]
#[path = "../tests/servers/clock.rs"]
mod server_clock;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use deadpool_postgres::{Manager, Pool};
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Reply};
use l402_ledger::LedgerStore;
use l402_ledger::postgres::PostgresStore;
use l402_ledger::testing::reserve;
use server::Server;
use std::sync::Arc;
use std::time::Instant;
use tokio_postgres::NoTls;
use tokio_postgres::types::Type;

const CONNECTIONS: usize = 16;

/// What a turn has measured.
#[derive(Clone)]
struct Turn {
    a_second: f64,
    /// In milliseconds, sorted.
    latencies: Vec<f64>,
}

impl Turn {
    fn percentile(&self, percent: usize) -> f64 {
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

#[tokio::main]
async fn main() {
    let is_smoke = std::env::args().any(|argument| argument == "--smoke");
    let (rounds, time) = if is_smoke { (1, Duration::from_millis(100)) } else { (7, Duration::from_secs(4)) };
    let server = Server::start(&["shared_buffers=256MB", "max_wal_size=4GB"]);
    server.sql("CREATE TABLE bare (key bytea PRIMARY KEY, count bigint NOT NULL)");
    let store =
        PostgresStore::open(&server.config().with_pool_size(CONNECTIONS).with_deadline(time * 10)).await.unwrap();
    let manager = Manager::new(server.url().parse().unwrap(), NoTls);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build().unwrap();
    println!("{:>9} {:>10} {:>10} {:>6}   p50, p99 in ms", "in flight", "upserts/s", "steps/s", "ratio");
    for in_flight in [32, 256] {
        let (mut bare, mut steps) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            bare.push(turn(in_flight, time, |number| upsert_twice(pool.clone(), number)).await);
            steps.push(turn(in_flight, time, |number| sell(store.clone(), number)).await);
        }
        let mut ratios: Vec<_> = bare.iter().zip(&steps).map(|(bare, steps)| steps.a_second / bare.a_second).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let (bare, steps) = (median(bare), median(steps));
        println!(
            "{in_flight:>9} {:>10.0} {:>10.0} {:>6.2}   upsert {:.1}, {:.1}; step {:.1}, {:.1}",
            bare.a_second,
            steps.a_second,
            ratios[ratios.len() / 2],
            bare.percentile(50),
            bare.percentile(99),
            steps.percentile(50),
            steps.percentile(99),
        );
    }
}

/// Runs so many at the same time, each again and again.
async fn turn<F>(in_flight: usize, time: Duration, both: impl Fn(u64) -> F) -> Turn
where
    F: Future<Output = [f64; 2]> + Send + 'static,
{
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (begun, latencies) = (Instant::now(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let mut running = tokio::task::JoinSet::new();
    while begun.elapsed() < time {
        while running.len() < in_flight {
            running.spawn(both(NEXT.fetch_add(1, Ordering::Relaxed)));
        }
        let taken = running.join_next().await.unwrap().unwrap();
        latencies.lock().unwrap().extend(taken);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    running.shutdown().await;
    let mut latencies = core::mem::take(&mut *latencies.lock().unwrap());
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let a_second = latencies.len() as f64 / elapsed;
    latencies.sort_unstable_by(f64::total_cmp);
    Turn { a_second, latencies }
}

async fn upsert_twice(pool: Pool, number: u64) -> [f64; 2] {
    let key = payment(number);
    let mut taken = [0.0; 2];
    for taken in &mut taken {
        let begun = Instant::now();
        let upsert = "INSERT INTO bare VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET count = bare.count + 1";
        let client = pool.get().await.unwrap();
        client.query_typed(upsert, &[(&&key.as_bytes()[..], Type::BYTEA)]).await.unwrap();
        *taken = begun.elapsed().as_secs_f64() * 1e3;
    }
    taken
}

async fn sell(store: PostgresStore, number: u64) -> [f64; 2] {
    let (payment, attempt) = (payment(number), AttemptId::from_bytes(u128::from(number).to_be_bytes()));
    let begun = Instant::now();
    let reply = store.apply(&payment, attempt, Event::Reserve(reserve(1))).await.unwrap();
    assert!(matches!(reply, Reply::Reserved { .. }), "{reply:?}");
    let reserved = begun.elapsed().as_secs_f64() * 1e3;
    let begun = Instant::now();
    let reply = store.apply(&payment, attempt, Event::Commit { amount: 1 }).await.unwrap();
    assert_eq!(reply, Reply::Committed { remaining: 0, is_spent: true });
    [reserved, begun.elapsed().as_secs_f64() * 1e3]
}

fn median(mut turns: Vec<Turn>) -> Turn {
    turns.sort_unstable_by(|one, other| one.a_second.total_cmp(&other.a_second));
    turns.swap_remove(turns.len() / 2)
}

/// Spread, as hashes are.
fn payment(number: u64) -> PaymentHash {
    let mut bytes = [0; 32];
    for (at, part) in (0_u64..).zip(bytes.chunks_mut(8)) {
        part.copy_from_slice(&(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 + 2 * at).to_be_bytes());
    }
    PaymentHash::from_bytes(bytes)
}
