//! The embedded store beside a bare loop of the same engine: a durable upsert of one row, with group commit.
//!
//! `just bench-ledger` prints a table. Both write to files of their own in one folder, and take turns. A use of a request that only
//! reads is one durable step, and one upsert stands beside it; a use of one that may have an effect is two, beside two upserts. Then
//! it prints what a token costs in memory while it is held, and what uses cost on the disk, before and after their end.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the bench")]

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use l402_core::ledger::{AttemptId, Event, Reply, Reserve, SKEW, Safety, StoreTime};
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::LedgerStore;
use l402_ledger::embedded::{Durability, Embedded};
use l402_ledger::testing::reserve;
use redb::{Database, TableDefinition};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;
use tokio::sync::oneshot;

fn main() {
    let is_full = !std::env::args().any(|argument| argument == "--smoke");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        println!(
            "{:>9} {:>8} {:>10} {:>10} {:>6}   p50, p99 in ms",
            "in flight", "method", "upserts/s", "steps/s", "ratio"
        );
        for in_flight in [32, 256] {
            for safety in [Safety::Safe, Safety::Unsafe] {
                compare(folder.path(), in_flight, safety, is_full).await;
            }
        }
        memory(folder.path(), if is_full { 100_000 } else { 1_000 }).await;
        size(folder.path(), if is_full { 1_000_000 } else { 1_000 }).await;
    });
}

async fn compare(folder: &Path, in_flight: usize, safety: Safety, is_full: bool) {
    let (rounds, time) = if is_full { (7, Duration::from_secs(3)) } else { (1, Duration::from_millis(100)) };
    let steps = if safety == Safety::Safe { 1 } else { 2 };
    let path = |name| folder.join(format!("{name}-{in_flight}-{steps}"));
    let (bare, store) = (Bare::open(&path("bare")), open(&path("ledger")));
    let (mut of_bare, mut of_store) = (vec![], vec![]);
    for _ in 0..rounds {
        of_bare.push(measure(in_flight, time, steps, || Use::Bare(bare.clone(), steps), || bare.syncs()).await);
        of_store.push(measure(in_flight, time, steps, || Use::Store(store.clone(), safety), || store.syncs()).await);
    }
    let mut ratios: Vec<_> =
        of_bare.iter().zip(&of_store).map(|(bare, store)| store.per_second / bare.per_second).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let (bare, store, ratio) = (median(of_bare), median(of_store), ratios[ratios.len() / 2]);
    let method = if safety == Safety::Safe { "safe" } else { "unsafe" };
    println!(
        "{in_flight:>9} {method:>8} {:>10.0} {:>10.0} {ratio:>6.2}   upserts {:.2}, {:.2}; use {:.2}, {:.2}",
        bare.per_second, store.per_second, bare.p50, bare.p99, store.p50, store.p99
    );
    for (name, run) in [("bare", bare), ("store", store)] {
        println!("          {name}: {:.0} syncs/s, {:.1} uses a sync", run.syncs, run.uses_a_sync);
    }
}

#[derive(Clone, Copy)]
struct Run {
    per_second: f64,
    syncs: f64,
    uses_a_sync: f64,
    p50: f64,
    p99: f64,
}

fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    runs[runs.len() / 2]
}

/// What one task does again and again.
#[derive(Clone)]
enum Use {
    Bare(Bare, u32),
    Store(Embedded, Safety),
}

impl Use {
    async fn once(&self, number: u64) {
        let payment = PaymentHash::from_bytes(spread(number));
        match self {
            Self::Bare(bare, steps) => {
                for _ in 0..*steps {
                    bare.upsert(payment).await;
                }
            }
            Self::Store(store, safety) => sell(store, &payment, Reserve { safety: *safety, ..reserve(1) }).await,
        }
    }
}

async fn sell(store: &Embedded, payment: &PaymentHash, what: Reserve) {
    let attempt = AttemptId::from_bytes([1; 16]);
    let reply = store.apply(payment, attempt, Event::Reserve(what)).await.unwrap();
    assert!(matches!(reply, Reply::Reserved { .. }), "{reply:?}");
    let reply = store.apply(payment, attempt, Event::Commit { amount: 1 }).await.unwrap();
    assert_eq!(reply, Reply::Committed { remaining: 0, is_spent: true });
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
async fn measure(in_flight: usize, time: Duration, steps: u32, make: impl Fn() -> Use, syncs: impl Fn() -> u64) -> Run {
    let (begun, before) = (Instant::now(), syncs());
    let tasks = (0..in_flight).map(|_| {
        let what = make();
        tokio::spawn(async move {
            let mut times = vec![];
            while begun.elapsed() < time {
                let begun = Instant::now();
                what.once(NEXT.fetch_add(1, Ordering::Relaxed)).await;
                times.push(begun.elapsed());
            }
            times
        })
    });
    let mut times = vec![];
    for task in tasks.collect::<Vec<_>>() {
        times.extend(task.await.unwrap());
    }
    let (elapsed, syncs) = (begun.elapsed().as_secs_f64(), (syncs() - before) as f64);
    times.sort_unstable();
    let of = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    let uses = times.len() as f64;
    Run {
        per_second: uses * f64::from(steps) / elapsed,
        syncs: syncs / elapsed,
        uses_a_sync: uses / syncs,
        p50: of(50),
        p99: of(99),
    }
}

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A hash that no other number has.
fn spread(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn open(path: &Path) -> Embedded {
    Embedded::open_or_create(path, Durability::Power).unwrap()
}

const ROWS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("rows");

/// One thread that writes for all: what waits goes into one transaction with one sync.
#[derive(Clone)]
struct Bare(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Vec<(PaymentHash, oneshot::Sender<()>)>>,
    came: Condvar,
    syncs: AtomicU64,
}

impl Bare {
    fn open(path: &Path) -> Self {
        let (database, queue) = (Database::create(path).unwrap(), Arc::new(Queue::default()));
        let writer = Arc::downgrade(&queue);
        std::thread::spawn(move || {
            // It ends with the last who asks.
            while let Some(queue) = writer.upgrade() {
                let jobs = core::mem::take(&mut *queue.waiting.lock().unwrap());
                if jobs.is_empty() {
                    let waiting = queue.waiting.lock().unwrap();
                    drop(queue.came.wait_timeout_while(waiting, Duration::from_millis(100), |jobs| jobs.is_empty()));
                    continue;
                }
                let transaction = database.begin_write().unwrap();
                let mut rows = transaction.open_table(ROWS).unwrap();
                for (payment, _) in &jobs {
                    rows.insert(payment.as_bytes(), &VALUE[..]).unwrap();
                }
                drop(rows);
                transaction.commit().unwrap();
                queue.syncs.fetch_add(1, Ordering::Relaxed);
                for (_, done) in jobs {
                    done.send(()).unwrap_or_default();
                }
            }
        });
        Self(queue)
    }

    async fn upsert(&self, payment: PaymentHash) {
        let (done, waits) = oneshot::channel();
        self.0.waiting.lock().unwrap().push((payment, done));
        self.0.came.notify_one();
        waits.await.unwrap();
    }

    fn syncs(&self) -> u64 {
        self.0.syncs.load(Ordering::Relaxed)
    }
}

/// Some bytes, about as many as the row of a token has.
const VALUE: [u8; 48] = [7; 48];

/// Prints what a token costs while a request holds it.
async fn memory(folder: &Path, tokens: u64) {
    let (store, before) = (open(&folder.join("memory")), resident());
    for number in 0..tokens {
        let payment = PaymentHash::from_bytes(spread(number));
        store.apply(&payment, AttemptId::from_bytes([1; 16]), Event::Reserve(reserve(1))).await.unwrap();
    }
    let held = resident().saturating_sub(before) / tokens;
    println!("{} tokens held: {held} bytes of memory each", store.live());
}

/// Prints what uses cost on the disk, and what is left of that after the tokens have ended.
async fn size(folder: &Path, uses: u64) {
    let (path, now) = (folder.join("size"), Arc::new(AtomicU64::new(START)));
    drop(open(&path));
    let clock = Arc::clone(&now);
    let time = move || StoreTime::from(UnixSeconds::new(clock.load(Ordering::Relaxed)));
    let store = Embedded::open_with_clock(&path, Durability::Power, time).unwrap();
    let begun = Instant::now();
    let tasks = (0..256_u64).map(|first| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (first..uses).step_by(256) {
                let what = Reserve { ends_at: UnixSeconds::new(START + 3_600), ..reserve(1) };
                sell(&store, &PaymentHash::from_bytes(spread(number)), what).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let (bytes, took) = (length(&path), begun.elapsed());
    println!(
        "{uses} uses in {:.1} s: {} MB, {} bytes a use; {} in memory",
        took.as_secs_f64(),
        bytes >> 20,
        bytes / uses,
        store.live()
    );
    now.fetch_add(3_600 + SKEW.as_secs() + 1, Ordering::Relaxed);
    let (begun, mut swept) = (Instant::now(), 0);
    loop {
        match store.sweep(1_000).await.unwrap() {
            0 => break,
            some => swept += some as u64,
        }
    }
    assert_eq!(swept, uses, "all of them have ended");
    println!("after their end: {} MB; deleted in {:.1} s", length(&path) >> 20, begun.elapsed().as_secs_f64());
    drop(store);
    drop(open(&path));
    println!("opened again: {} MB", length(&path) >> 20);
}

const START: u64 = 1_800_000_000;

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// The memory of this process, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1_024
}
