//! Idle connections to the upstream, the last one used on top.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::client::conn::http1::SendRequest;

use super::wire::Heard;

/// A connection, as whoever uses it sees it.
pub(super) struct Sender<B> {
    pub(super) send: SendRequest<B>,
    pub(super) heard: Heard,
}

/// A bounded stack of idle connections.
///
/// No task watches it: connections that stood idle too long are dropped when the pool is next used, and hyper's own
/// task notices those that the upstream closed.
pub(super) struct Pool<B> {
    idle: Mutex<VecDeque<Idle<B>>>,
    limit: usize,
    keep: Duration,
}

struct Idle<B> {
    sender: Sender<B>,
    since: Instant,
}

impl<B> Pool<B> {
    pub(super) fn new(limit: usize, keep: Duration) -> Self {
        Self { idle: Mutex::new(VecDeque::new()), limit, keep }
    }

    /// Takes out the connection that was used last among those that can send at once.
    pub(super) fn take(&self) -> Option<Sender<B>> {
        let now = Instant::now();
        let mut idle = self.lock();
        let mut at = idle.len();
        while let Some(below) = at.checked_sub(1) {
            at = below;
            let Some(entry) = idle.get(at) else { break };
            if entry.sender.send.is_closed() || now.duration_since(entry.since) > self.keep {
                idle.remove(at);
            } else if entry.sender.send.is_ready() {
                return idle.remove(at).map(|entry| entry.sender);
            }
        }
        None
    }

    /// Puts back a connection whose response has been read to its end.
    ///
    /// It need not be ready yet: its task may still have to notice the end, or be sending the rest of a request that
    /// was answered early.
    pub(super) fn put(&self, sender: Sender<B>) {
        if sender.send.is_closed() {
            return;
        }
        let since = Instant::now();
        let mut idle = self.lock();
        while idle.len() >= self.limit || idle.front().is_some_and(|oldest| self.is_stale(oldest, since)) {
            if idle.pop_front().is_none() {
                return;
            }
        }
        idle.push_back(Idle { sender, since });
    }

    fn is_stale(&self, entry: &Idle<B>, now: Instant) -> bool {
        entry.sender.send.is_closed() || now.duration_since(entry.since) > self.keep
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Idle<B>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
