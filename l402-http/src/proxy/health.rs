//! What is known of an upstream without asking it: whether it can be reached.
//!
//! 1. An attempt to connect that fails says that the upstream is down, and one that succeeds that it is not. What an upstream
//!    answers, or how slowly, says nothing.
//! 2. [`Upstream::watch`](super::Upstream::watch) tries an upstream to which no request connects, so that no paid request has to
//!    find out: often at first while it is down, then less and less often.
//! 3. A sale looks here first, which costs no I/O (`Paywall::deliverable`).

use core::error::Error;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Whether an upstream can be reached, as the last attempts found. Clones are about the same upstream.
#[derive(Clone)]
pub struct Health(Arc<State>);

struct State {
    authority: Box<str>,
    service: OnceLock<Box<str>>,
    watched: AtomicBool,
    /// Woken when the last watch ends.
    left: Notify,
    /// Woken when a connected upstream turns out to be down.
    fell: Notify,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// When somebody last connected.
    contact: Option<Instant>,
    down: Option<Down>,
}

struct Down {
    since: Instant,
    /// When the next attempt is due.
    retry: Instant,
    pause: Duration,
}

impl Health {
    pub(super) fn new(authority: &str) -> Self {
        Self(Arc::new(State {
            authority: authority.into(),
            service: OnceLock::new(),
            watched: AtomicBool::new(false),
            left: Notify::new(),
            fell: Notify::new(),
            known: Mutex::default(),
        }))
    }

    /// Returns since when the upstream is down; [`None`] where it is not, or was never tried.
    pub fn down(&self) -> Option<Outage> {
        let now = Instant::now();
        let known = self.known();
        let down = known.down.as_ref()?;
        Some(Outage { lasted: now.duration_since(down.since), retry_after: down.retry.duration_since(now) })
    }

    /// Returns host and port of the upstream.
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// Returns the name that log lines give the service.
    pub(super) fn service(&self) -> &str {
        self.0.service.get().map_or("-", |name| name)
    }

    pub(super) fn set_service(&self, name: &str) {
        let _ = self.0.service.set(name.into()); // the first name stays
    }

    /// Notes that somebody has connected.
    pub(super) fn connected(&self) {
        let mut known = self.known();
        known.contact = Some(Instant::now());
        if let Some(down) = known.down.take() {
            let seconds = down.since.elapsed().as_secs();
            tracing::info!(service = self.service(), upstream = self.authority(), seconds, "upstream reachable again");
        }
    }

    /// Notes that no connection can be made.
    pub(super) fn failed(&self, cause: &(dyn Error + 'static)) {
        let now = Instant::now();
        let mut known = self.known();
        if let Some(down) = &mut known.down {
            down.pause = (down.pause * 2).min(LONGEST_PAUSE);
            down.retry = now + down.pause;
            return;
        }
        known.down = Some(Down { since: now, retry: now + FIRST_PAUSE, pause: FIRST_PAUSE });
        drop(known);
        self.0.fell.notify_one();
        tracing::warn!(
            service = self.service(),
            upstream = self.authority(),
            error = cause,
            "upstream unreachable: its routes are not sold"
        );
    }

    /// Calls `reach`, which notes what it finds, whenever the upstream is to be tried; never completes. Does nothing while
    /// another watches.
    pub(super) async fn watch<F: Future<Output = ()>>(&self, every: Duration, reach: impl Fn() -> F) {
        while self.0.watched.swap(true, Ordering::AcqRel) {
            self.0.left.notified().await;
        }
        let _watch = Watch(self);
        loop {
            tokio::select! {
                () = sleep_until(self.due(every)) => {}
                () = self.0.fell.notified() => continue,
            }
            if self.due(every) > Instant::now() {
                continue; // somebody has connected since
            }
            reach().await;
        }
    }

    /// When the upstream is to be tried.
    fn due(&self, every: Duration) -> Instant {
        let known = self.known();
        match (&known.down, known.contact) {
            (Some(down), _) => down.retry,
            (None, Some(contact)) => contact.checked_add(every).unwrap_or_else(|| Instant::now() + A_DAY),
            (None, None) => Instant::now(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("authority", &self.authority()).field("down", &self.down()).finish()
    }
}

/// An upstream that cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// For how long that has been known.
    pub lasted: Duration,
    /// How long it is until the next attempt.
    pub retry_after: Duration,
}

/// Lets another watch when this one ends, as with the runtime of its thread.
struct Watch<'a>(&'a Health);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.0.watched.store(false, Ordering::Release);
        self.0.0.left.notify_one();
    }
}

/// The attempt to connect had no answer.
#[derive(Debug)]
pub(super) struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection in time (timeouts.connect)")
    }
}

impl Error for TimedOut {}

/// Between the first failure and the next attempt; each further one takes twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

const A_DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[tokio::test(start_paused = true)]
    async fn attempts_become_rarer_and_success_forgets_that() {
        let health = Health::new("upstream.example");
        assert_eq!(health.down(), None, "what was never tried is not down");
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            health.failed(&refused);
            pauses.push(health.down().expect("down").retry_after.as_millis());
        }
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        health.connected();
        assert_eq!(health.down(), None);
        health.failed(&refused);
        assert_eq!(health.down().expect("down").retry_after.as_millis(), 250);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_upstream_is_probed() {
        let health = Health::new("upstream.example");
        let every = Duration::from_secs(10);
        assert_eq!(health.due(every), Instant::now());
        health.connected();
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(health.due(every) - Instant::now(), Duration::from_secs(6));
    }
}
