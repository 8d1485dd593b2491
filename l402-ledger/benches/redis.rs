//! The store in Redis beside a bare script that sets one field, over the same kind of connection.
//!
//! `just bench-ledger-redis` prints calls per second, latencies, and memory. A use is two calls: reserve and commit. Rounds of
//! both take turns, so that a noisy moment meets both. With `--smoke`, everything runs once, briefly.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Reply};
use l402_ledger::LedgerStore;
use l402_ledger::redis::{RedisSettings, RedisStore};
use l402_ledger::testing::reserve;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let is_full = !std::env::args().any(|argument| argument == "--smoke");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for fsync in ["always", "everysec"] {
            for in_flight in [32, 256] {
                compare(fsync, in_flight, is_full).await;
            }
        }
        memory(if is_full { 100_000 } else { 1_000 }).await;
    });
}

async fn compare(fsync: &str, in_flight: usize, is_full: bool) {
    let (rounds, time) = if is_full { (9, Duration::from_secs(2)) } else { (1, Duration::from_millis(100)) };
    let server = Server::start(fsync);
    let (store, bare) = (server.open().await, Bare::open(&server).await);
    let (mut of_store, mut of_bare) = (vec![], vec![]);
    for _ in 0..rounds {
        of_bare.push(measure(in_flight, time, || Use::Bare(bare.clone())).await);
        of_store.push(measure(in_flight, time, || Use::Store(store.clone())).await);
    }
    let (bare, store) = (median(of_bare), median(of_store));
    println!("appendfsync {fsync}, {in_flight} in flight: {:.2} of a bare script", store.per_second / bare.per_second);
    for (name, run) in [("bare", bare), ("store", store)] {
        println!("  {name:5} {:8.0} calls/s, p50 {:6.2} ms, p99 {:6.2} ms", run.per_second, run.p50, run.p99);
    }
}

#[derive(Clone, Copy)]
struct Run {
    per_second: f64,
    p50: f64,
    p99: f64,
}

fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    runs[runs.len() / 2]
}

/// What one task does again and again.
enum Use {
    Bare(Bare),
    Store(RedisStore),
}

impl Use {
    async fn once(&mut self, number: u64) -> [Duration; 2] {
        let payment = PaymentHash::from_bytes(spread(number));
        match self {
            Self::Bare(bare) => [bare.call(&payment).await, bare.call(&payment).await],
            Self::Store(store) => {
                let begun = Instant::now();
                let attempt = AttemptId::from_bytes([1; 16]);
                let reply = store.apply(&payment, attempt, Event::Reserve(reserve(1))).await.expect("an answer");
                assert!(matches!(reply, Reply::Reserved { .. }), "{reply:?}");
                let reserved = begun.elapsed();
                let reply = store.apply(&payment, attempt, Event::Commit { amount: 1 }).await.expect("an answer");
                assert!(matches!(reply, Reply::Committed { is_spent: true, .. }), "{reply:?}");
                [reserved, begun.elapsed().saturating_sub(reserved)]
            }
        }
    }
}

/// A hash that no other number has.
fn spread(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    bytes
}

async fn measure(in_flight: usize, time: Duration, make: impl Fn() -> Use) -> Run {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let begun = Instant::now();
    let tasks = (0..in_flight).map(|_| {
        let mut what = make();
        tokio::spawn(async move {
            let mut times = vec![];
            while begun.elapsed() < time {
                times.extend(what.once(NEXT.fetch_add(1, Ordering::Relaxed)).await);
            }
            times
        })
    });
    let mut times = vec![];
    for task in tasks.collect::<Vec<_>>() {
        times.extend(task.await.expect("no panic"));
    }
    let elapsed = begun.elapsed();
    times.sort_unstable();
    let of = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Run { per_second: times.len() as f64 / elapsed.as_secs_f64(), p50: of(50), p99: of(99) }
}

/// A script that sets one field.
#[derive(Clone)]
struct Bare {
    connection: ConnectionManager,
    hash: Arc<str>,
}

impl Bare {
    async fn open(server: &Server) -> Self {
        let client = redis::Client::open(server.url()).expect("a URL");
        let patient = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(20)));
        let mut connection = ConnectionManager::new_with_config(client, patient).await.expect("a connection");
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg("redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return {1, 0, 0}");
        let hash: String = load.query_async(&mut connection).await.expect("a hash");
        Self { connection, hash: hash.into() }
    }

    async fn call(&mut self, payment: &PaymentHash) -> Duration {
        let begun = Instant::now();
        let mut command = redis::cmd("EVALSHA");
        command.arg(&*self.hash).arg(1).arg(format!("bare:{payment}")).arg("field").arg(&payment.as_bytes()[..]);
        let _: Vec<u64> = command.query_async(&mut self.connection).await.expect("an answer");
        begun.elapsed()
    }
}

/// Prints what a token costs while it lives, and for how long.
async fn memory(tokens: u64) {
    let server = Server::start("everysec");
    let store = server.open().await;
    let empty = server.used().await;
    for number in 0..tokens {
        let payment = PaymentHash::from_bytes(spread(number));
        let attempt = AttemptId::from_bytes([1; 16]);
        store.apply(&payment, attempt, Event::Reserve(reserve(1))).await.expect("an answer");
    }
    let reserved = server.used().await;
    for number in 0..tokens {
        let payment = PaymentHash::from_bytes(spread(number));
        store.apply(&payment, AttemptId::from_bytes([1; 16]), Event::Commit { amount: 1 }).await.expect("an answer");
    }
    let (committed, per) = (server.used().await, |bytes: u64| bytes / tokens);
    println!(
        "memory per token of one use: {} bytes reserved, {} for 10 minutes after its commit",
        per(reserved - empty),
        per(committed - empty)
    );
}

struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(fsync: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|at| at.local_addr()).expect("a port").port();
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "yes"]);
        command.args(["--appendfsync", fsync, "--dir"]).arg(folder.path());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("redis-server is installed");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = lines.map_while(Result::ok).find(|line| line.contains("Ready to accept connections"));
        ready.expect("it starts");
        Self { child, port, _folder: folder }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn open(&self) -> RedisStore {
        let settings = RedisSettings::new(&self.url()).expect("a URL").deadline(Duration::from_secs(20));
        RedisStore::open(&settings).await.expect("a store")
    }

    async fn used(&self) -> u64 {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
        let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.expect("an answer");
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a number");
        used.trim().parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
