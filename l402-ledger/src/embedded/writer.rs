//! The one thread that writes: everything that waits goes into one transaction with one sync.

use super::file::File;
use super::memory::Memory;
use super::queue::{Job, Queue};
use super::waiting;
use crate::error::StoreError;
use core::time::Duration;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

/// How much of the time that a write took is waited before the next one.
const PATIENCE: u32 = 4;

/// A disk that takes longer is not waited for in proportion.
const LONGEST_WRITE: Duration = Duration::from_millis(20);

/// The thread. Dropped, it writes what is queued, and ends.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Queue,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system starts no more threads.
    pub(super) fn start(queue: Queue, file: Arc<File>, memory: Arc<Memory>) -> std::io::Result<Self> {
        let end = AtEnd { queue: queue.clone(), memory: Arc::clone(&memory) };
        let thread = std::thread::Builder::new().name("l402-ledger".into()).spawn(move || {
            let (mut is_whole, mut patience) = (true, Duration::ZERO);
            while let Some(jobs) = end.queue.take(patience) {
                let (begun, count) = (Instant::now(), jobs.len());
                // Jobs that come after a failure are dropped: nobody is told that they are durable.
                if is_whole && let Err(error) = carry_out(jobs, &file, &memory) {
                    memory.fail(&error);
                    is_whole = false;
                }
                // Those who were told may come back soon. Without them the next batch is half of what it could be, for the same sync.
                end.queue.expect(count);
                patience = begun.elapsed().min(LONGEST_WRITE) / PATIENCE;
            }
            drop(end);
        })?;
        Ok(Self { queue, thread: Some(thread) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default(); // one that panicked has closed the store
        }
    }
}

/// However the thread ends, nobody waits for it.
struct AtEnd {
    queue: Queue,
    memory: Arc<Memory>,
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.memory.close();
        self.queue.close();
        self.queue.clear();
    }
}

fn carry_out(jobs: Vec<Job>, file: &File, memory: &Memory) -> Result<(), StoreError> {
    let (mut changes, mut waiting) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
    let (mut revocations, mut sweeps) = (vec![], vec![]);
    for job in jobs {
        match job {
            Job::Write(change, who) => {
                changes.push(change);
                waiting.extend(who);
            }
            Job::Wait(who) => waiting.push(who),
            Job::Revoke(revocation, done) => revocations.push((revocation, done)),
            Job::Sweep { now, most, done } => sweeps.push((now, most, done)),
        }
    }
    if !changes.is_empty() {
        file.write(&changes)?;
    }
    waiting::tell(waiting);
    memory.written(&changes);
    for (revocation, done) in revocations {
        file.revoke(&revocation)?;
        done.send(()).unwrap_or_default();
    }
    for (now, most, done) in sweeps {
        let (payments, horizon) = file.sweep(now, most)?;
        memory.swept(&payments, horizon);
        done.send(payments.len()).unwrap_or_default();
    }
    Ok(())
}
