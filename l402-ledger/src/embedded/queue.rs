//! What waits to be written.

use super::file::Change;
use super::waiting::Waiting;
use crate::revoke::Revocation;
use core::mem;
use core::time::Duration;
use l402_core::ledger::StoreTime;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// What waits to be written. Clones are the same queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    /// How many jobs the writer would rather have than begin at once.
    awaited: usize,
    is_closed: bool,
}

#[derive(Debug)]
pub(super) enum Job {
    /// Writes a row.
    Write(Change, Option<Waiting>),
    /// Says when all that was queued before is durable.
    Wait(Waiting),
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
            // To wake the writer is a system call: only who makes it begin does so.
            if state.jobs.len() == state.awaited.max(1) {
                self.0.1.notify_one();
            }
        }
    }

    /// Says when all that is queued by now is durable.
    pub(super) fn wait(&self) -> oneshot::Receiver<()> {
        let (waiting, receiver) = Waiting::new();
        self.push(Job::Wait(waiting));
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

    /// Says how many jobs may come in a moment, beside those that are there.
    pub(super) fn expect(&self, more: usize) {
        let mut state = self.state();
        state.awaited = state.jobs.len().saturating_add(more);
    }

    /// Waits for jobs, and takes all of them; [`None`] at the end. Before it begins with some, it waits for those that are
    /// expected, but not long.
    pub(super) fn take(&self, patience: Duration) -> Option<Vec<Job>> {
        let signal = &self.0.1;
        let is_early = |state: &mut State| state.jobs.len() < state.awaited && !state.is_closed;
        let state = signal.wait_timeout_while(self.state(), patience, is_early);
        let (mut state, _) = state.unwrap_or_else(PoisonError::into_inner);
        state.awaited = 0;
        let state = signal.wait_while(state, |state| state.jobs.is_empty() && !state.is_closed);
        let jobs = mem::take(&mut state.unwrap_or_else(PoisonError::into_inner).jobs);
        if jobs.is_empty() { None } else { Some(jobs) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
