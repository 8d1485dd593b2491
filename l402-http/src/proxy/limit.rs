//! How many connections to upstreams there may be, and what is tied to an exchange while it lasts (P6).

use core::any::Any;
use core::fmt;
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// A bound on connections to upstreams, used and idle ones together; clones share it.
///
/// ```
/// use l402_http::proxy::{ConnectionLimit, UpstreamConfig};
///
/// let limit = ConnectionLimit::new(512);
/// let weather = UpstreamConfig::new(&"http://127.0.0.1:3000".parse()?)?.connection_limit(limit.clone());
/// let maps = UpstreamConfig::new(&"http://127.0.0.1:3001".parse()?)?.connection_limit(limit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ConnectionLimit(Arc<Limit>);

struct Limit {
    room: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Woken when somebody begins to wait.
    short: Notify,
}

impl ConnectionLimit {
    /// Allows this many connections at once.
    pub fn new(most: usize) -> Self {
        let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Limit { room, waiting: AtomicUsize::new(0), short: Notify::new() }))
    }

    /// Waits for room, in the order of those who wait.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.0.room);
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = Waiting::on(&self.0.waiting);
        self.0.short.notify_waiters();
        room.acquire_owned().await.ok() // the semaphore is never closed
    }

    /// Whether somebody waits for room, so that none may be held idle.
    pub(super) fn is_short(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }

    /// Calls this whenever somebody begins to wait for room; never completes.
    pub(super) async fn when_short(&self, mut make_room: impl FnMut()) {
        loop {
            let mut told = pin!(self.0.short.notified());
            told.as_mut().enable();
            // After the line above, so that no request that begins to wait is missed.
            if self.is_short() {
                make_room();
            }
            told.await;
        }
    }
}

impl fmt::Debug for ConnectionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionLimit").field("free", &self.0.room.available_permits()).finish_non_exhaustive()
    }
}

/// Counts one who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn on(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What ties a tunnel to the server of the client's connection; it goes into the extensions of a request.
///
/// Without it a tunnel ends when it stands idle or its token ends, and is not told when the server stops.
///
/// ```
/// use l402_http::proxy::Session;
/// use std::sync::Arc;
///
/// let (stop, stopping) = tokio::sync::watch::channel(false);
/// let seat = Arc::new("what counts the connection");
/// let session = Session::new(stopping).holding(seat);
/// stop.send_replace(true); // each tunnel gets a close frame and ends
/// # let _ = session;
/// ```
#[derive(Clone)]
pub struct Session {
    pub(super) stopping: watch::Receiver<bool>,
    held: Option<Arc<dyn Any + Send + Sync>>,
}

impl Session {
    /// Tunnels end when `stopping` turns true, or its sender is dropped. They hold a clone of it as long as they live.
    pub fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { stopping, held: None }
    }

    /// Drops `held` no earlier than the last tunnel has ended.
    #[must_use]
    pub fn holding(mut self, held: Arc<dyn Any + Send + Sync>) -> Self {
        self.held = Some(held);
        self
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("stopping", &*self.stopping.borrow()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn p6_room_is_limited_and_comes_back() {
        let limit = ConnectionLimit::new(1);
        let first = limit.room().now_or_never().expect("there is room");
        let mut second = Box::pin(limit.room());
        assert!(second.as_mut().now_or_never().is_none() && limit.is_short());
        drop(first);
        assert!(second.as_mut().now_or_never().is_some());
        drop(second);
        assert!(!limit.is_short());
    }
}
