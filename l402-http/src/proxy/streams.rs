//! Connections of HTTP/2 to the upstream, each for many exchanges at once.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::task::Waker;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::uri::Scheme;
use hyper::client::conn::http2::SendRequest;

use super::wire::Heard;

/// A connection that is shared.
pub(super) struct Connection<B> {
    pub(super) send: SendRequest<B>,
    pub(super) scheme: Scheme,
    pub(super) opened: Instant,
    load: Arc<Load>,
}

impl<B> Connection<B> {
    pub(super) fn new(send: SendRequest<B>, scheme: Scheme, load: Arc<Load>) -> Self {
        Self { send, scheme, opened: Instant::now(), load }
    }

    /// Begins a stream, if the upstream allows one more.
    pub(super) fn stream(&self) -> Option<Stream> {
        if !self.is_usable() {
            return None;
        }
        let most = self.load.most.load(Ordering::Relaxed).min(MOST_STREAMS);
        let begun = self.load.streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |streams| {
            Some(streams.saturating_add(1)).filter(|streams| *streams <= most)
        });
        begun.ok().map(|_| Stream(Arc::clone(&self.load)))
    }

    fn is_usable(&self) -> bool {
        !self.send.is_closed() && !self.load.condemned.load(Ordering::Relaxed)
    }

    fn is_unused(&self) -> bool {
        self.load.streams.load(Ordering::Relaxed) == 0
    }
}

/// What is under way on a connection.
pub(super) struct Load {
    streams: AtomicUsize,
    /// So many streams at once does the upstream allow.
    most: AtomicUsize,
    condemned: AtomicBool,
    used: Mutex<Instant>,
    /// Of the task that knows what the upstream allows, which hyper wakes for requests alone.
    waker: Mutex<Option<Waker>>,
    heard: Heard,
}

impl Load {
    pub(super) fn new(heard: Heard) -> Arc<Self> {
        Arc::new(Self {
            streams: AtomicUsize::new(0),
            most: AtomicUsize::new(MOST_STREAMS),
            condemned: AtomicBool::new(false),
            used: Mutex::new(Instant::now()),
            waker: Mutex::new(None),
            heard,
        })
    }

    /// Notes what the upstream allows, and who is to be woken to say so again.
    pub(super) fn allow(&self, streams: usize, waker: &Waker) {
        self.most.store(streams, Ordering::Relaxed);
        let mut kept = lock(&self.waker);
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }
}

/// One of the streams, until it is dropped.
pub(super) struct Stream(Arc<Load>);

impl Stream {
    /// Whether the upstream has closed the connection.
    pub(super) fn is_cut(&self) -> bool {
        self.0.heard.has_ended()
    }

    /// Lets no other stream begin on the connection.
    pub(super) fn condemn(&self) {
        self.0.condemned.store(true, Ordering::Relaxed);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        *lock(&self.0.used) = Instant::now();
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
        if let Some(waker) = &*lock(&self.0.waker) {
            waker.wake_by_ref();
        }
    }
}

/// All of them.
pub(super) struct Connections<B>(Vec<Connection<B>>);

impl<B> Connections<B> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn push(&mut self, connection: Connection<B>) {
        self.0.push(connection);
    }

    /// Finds the first that `take` makes something of; those that are of no use any more are dropped.
    pub(super) fn find<T>(&mut self, take: impl FnMut(&Connection<B>) -> Option<T>) -> Option<T> {
        self.0.retain(Connection::is_usable);
        self.0.iter().find_map(take)
    }

    /// Drops what has not been used for so long.
    pub(super) fn drop_unused(&mut self, keep: Duration) {
        let is_kept = |connection: &Connection<B>| {
            let used = *lock(&connection.load.used);
            connection.is_usable() && (!connection.is_unused() || used.elapsed() <= keep)
        };
        self.0.retain(is_kept);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// No more than this at once, whatever the upstream allows: another connection is opened for more.
const MOST_STREAMS: usize = 256;
