//! What waits to be written.

use super::file::Change;
use crate::revoke::Revocation;
use core::mem;
use l402_core::ledger::StoreTime;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    /// Puts something on the deny-list.
    Revoke(Revocation, oneshot::Sender<()>),
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

    /// Drops what waits: its owners learn it from their receivers.
    pub(super) fn clear(&self) {
        self.state().jobs.clear();
    }

    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.0.1.notify_one();
    }

    /// Waits for jobs, and takes all of them; [`None`] at the end.
    pub(super) fn take(&self) -> Option<Vec<Job>> {
        let state = self.state();
        let mut state = self.0.1.wait_while(state, |state| state.jobs.is_empty() && !state.is_closed);
        let state = state.as_mut().unwrap_or_else(|poisoned| poisoned.get_mut());
        if state.jobs.is_empty() { None } else { Some(mem::take(&mut state.jobs)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
