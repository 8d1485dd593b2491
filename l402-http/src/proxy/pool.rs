//! Connections to the upstream that the next request may use: idle ones, the last one used on top, and those of HTTP/2.

use core::future::pending;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::{Instant, sleep};

use super::limit::ConnectionLimit;
use super::sender::Sender;
use super::streams::{Connection, Connections};

/// A bounded stack of idle connections.
///
/// A task drops those that stood idle too long, since each holds a descriptor, and room that another upstream may need (P6);
/// hyper's own task notices those that the upstream closed. None is kept while somebody waits for room, whose request may be
/// another upstream's or another thread's.
pub(super) struct Pool<B> {
    stack: Mutex<Stack<B>>,
    limit: usize,
    keep: Duration,
    all: Option<ConnectionLimit>,
}

struct Stack<B> {
    idle: VecDeque<Idle<B>>,
    shared: Connections<B>,
    /// Whether the task runs that drops the old ones.
    is_watched: bool,
}

struct Idle<B> {
    sender: Sender<B>,
    since: Instant,
}

impl<B> Pool<B> {
    pub(super) fn new(limit: usize, keep: Duration, all: Option<ConnectionLimit>) -> Self {
        let stack = Stack { idle: VecDeque::new(), shared: Connections::new(), is_watched: false };
        Self { stack: Mutex::new(stack), limit, keep, all }
    }

    /// Takes a stream of a connection that is shared, and no older than `since`.
    pub(super) fn stream(&self, since: Option<Instant>) -> Option<Sender<B>> {
        let is_young = |connection: &Connection<B>| since.is_none_or(|since| connection.opened >= since.into_std());
        self.lock().shared.find(|connection| Some(connection).filter(|found| is_young(found)).and_then(Sender::of))
    }

    /// Keeps a connection that is shared.
    pub(super) fn share(&self, connection: Connection<B>) {
        self.lock().shared.push(connection);
    }

    /// Takes out the connection that was used last among those that can send at once.
    pub(super) fn take(&self, now: Instant) -> Option<Sender<B>> {
        let idle = &mut self.lock().idle;
        let mut at = idle.len();
        while let Some(below) = at.checked_sub(1) {
            at = below;
            let Some(entry) = idle.get(at) else { break };
            if entry.sender.is_closed() || now.duration_since(entry.since) > self.keep {
                idle.remove(at);
            } else if entry.sender.is_ready() {
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
        if matches!(sender, Sender::Many { .. }) || sender.is_closed() || self.is_short() {
            return self.leave(sender);
        }
        let since = Instant::now();
        let idle = &mut self.lock().idle;
        while idle.len() >= self.limit || idle.front().is_some_and(|oldest| self.is_stale(oldest, since)) {
            if idle.pop_front().is_none() {
                return;
            }
        }
        idle.push_back(Idle { sender, since });
    }

    /// Drops a connection, or a stream of one that is shared, whose response is over.
    pub(super) fn leave(&self, sender: Sender<B>) {
        drop(sender);
        if self.is_short() {
            self.lock().shared.drop_unused(Duration::ZERO);
        }
    }

    /// Whether somebody waits for room.
    fn is_short(&self) -> bool {
        self.all.as_ref().is_some_and(ConnectionLimit::is_short)
    }

    /// Starts the task that drops old connections, unless it runs.
    pub(super) fn watch(self: &Arc<Self>)
    where
        B: Send + 'static,
    {
        if core::mem::replace(&mut self.lock().is_watched, true) {
            return;
        }
        let watch = Watch(Arc::downgrade(self));
        let (every, all) = (self.keep.max(SHORTEST), self.all.clone());
        tokio::spawn(async move {
            let stale = async {
                loop {
                    sleep(every).await;
                    let Some(pool) = watch.0.upgrade() else { return };
                    pool.drop_stale();
                }
            };
            let unused = || watch.0.upgrade().map_or((), |pool| pool.drop_unused());
            let short = async {
                match &all {
                    Some(all) => all.when_short(unused).await,
                    None => pending().await,
                }
            };
            tokio::select! { () = stale => {}, () = short => {} }
        });
    }

    /// Drops what is not in use.
    fn drop_unused(&self) {
        let mut stack = self.lock();
        stack.idle.clear();
        stack.shared.drop_unused(Duration::ZERO);
    }

    /// Drops what stood idle too long.
    fn drop_stale(&self) {
        let now = Instant::now();
        let mut stack = self.lock();
        stack.idle.retain(|entry| !self.is_stale(entry, now));
        stack.shared.drop_unused(self.keep);
    }

    fn is_stale(&self, entry: &Idle<B>, now: Instant) -> bool {
        entry.sender.is_closed() || now.duration_since(entry.since) > self.keep
    }

    fn lock(&self) -> MutexGuard<'_, Stack<B>> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task's claim to be the one that watches, until it ends, for one because its runtime is gone.
struct Watch<B>(Weak<Pool<B>>);

impl<B> Drop for Watch<B> {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.lock().is_watched = false;
        }
    }
}

const SHORTEST: Duration = Duration::from_millis(10);
