//! The one thread that writes: everything that waits goes into one transaction with one sync.

use super::file::{Change, File};
use super::memory::Memory;
use crate::error::StoreError;
use core::mem;
use l402_core::ledger::StoreTime;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What waits to be written. Clones are the same queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    is_closed: bool,
}

#[derive(Debug)]
pub(super) enum Job {
    /// Writes a row.
    Write(Change, Option<oneshot::Sender<()>>),
    /// Says when all that was queued before is durable.
    Wait(oneshot::Sender<()>),
    /// Deletes what is over.
    Sweep { now: StoreTime, most: usize, done: oneshot::Sender<usize> },
}

impl Queue {
    /// Adds a job. One that comes after the end is dropped, which its owner learns from its receiver.
    pub(super) fn push(&self, job: Job) {
        let mut state = self.state();
        if !state.is_closed {
            state.jobs.push(job);
            self.0.1.notify_one();
        }
    }

    /// Says when all that is queued by now is durable.
    pub(super) fn wait(&self) -> oneshot::Receiver<()> {
        let (done, receiver) = oneshot::channel();
        self.push(Job::Wait(done));
        receiver
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.0.1.notify_one();
    }

    /// Waits for jobs, and takes all of them; [`None`] at the end.
    fn take(&self) -> Option<Vec<Job>> {
        let state = self.state();
        let mut state = self.0.1.wait_while(state, |state| state.jobs.is_empty() && !state.is_closed);
        let state = state.as_mut().unwrap_or_else(|poisoned| poisoned.get_mut());
        if state.jobs.is_empty() { None } else { Some(mem::take(&mut state.jobs)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
            let mut is_whole = true;
            while let Some(jobs) = end.queue.take() {
                // Jobs that come after a failure are dropped: nobody is told that they are durable.
                if is_whole && let Err(error) = carry_out(jobs, &file, &memory) {
                    memory.fail(&error);
                    is_whole = false;
                }
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
        self.queue.state().jobs.clear();
    }
}

fn carry_out(jobs: Vec<Job>, file: &File, memory: &Memory) -> Result<(), StoreError> {
    let (mut changes, mut waiting, mut sweeps) =
        (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()), vec![]);
    for job in jobs {
        match job {
            Job::Write(change, done) => {
                changes.push(change);
                waiting.extend(done);
            }
            Job::Wait(done) => waiting.push(done),
            Job::Sweep { now, most, done } => sweeps.push((now, most, done)),
        }
    }
    if !changes.is_empty() {
        file.write(&mut changes)?;
    }
    for done in waiting {
        done.send(()).unwrap_or_default(); // whoever does not wait any more
    }
    memory.written(&changes);
    for (now, most, done) in sweeps {
        let (payments, horizon) = file.sweep(now, most)?;
        memory.swept(&payments, horizon);
        done.send(payments.len()).unwrap_or_default();
    }
    Ok(())
}
