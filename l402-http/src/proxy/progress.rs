//! How an exchange moves, noted where its bodies move and read where their deadlines are kept (P4, P6).
//!
//! 1. What counts is the time since something moved, not since the start.
//! 2. A client that sends its body is patient with us, and we with it: only the time in which the upstream would take more
//!    and the client has nothing counts against it. It may use up the idle time once for each *quota* of bytes, so that a byte
//!    now and then does not hold an upstream for ever.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::task::Waker;
use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::sweep::Watched;

/// The signs of life of one exchange or tunnel.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    last_ms: AtomicU64,
    upload: Option<Upload>,
}

/// Those of a body that the client sends.
#[derive(Debug)]
struct Upload {
    idle_ms: u64,
    quota: u64,
    on_client: AtomicBool,
    since_ms: AtomicU64,
    waited_ms: AtomicU64,
    bytes: AtomicU64,
    ended: AtomicBool,
    left_alone: AtomicBool,
    cut: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Progress {
    /// Nothing is sent up.
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), last_ms: AtomicU64::new(0), upload: None }
    }

    /// The client sends a body, and may let us wait for `idle` for each `quota` bytes of it.
    pub(super) fn of_upload(idle: Duration, quota: u64) -> Self {
        let upload = Upload {
            idle_ms: millis(idle),
            quota,
            on_client: AtomicBool::new(false),
            since_ms: AtomicU64::new(0),
            waited_ms: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            left_alone: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            waker: Mutex::new(None),
        };
        Self { upload: Some(upload), ..Self::new() }
    }

    /// Returns when the exchange began.
    pub(super) const fn start(&self) -> Instant {
        self.start
    }

    /// Notes that a body moved or ended.
    pub(super) fn moved(&self) {
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Returns when a body last moved.
    pub(super) fn last(&self) -> Instant {
        self.at(self.last_ms.load(Ordering::Relaxed))
    }

    /// Notes that the client sent so much.
    pub(super) fn took(&self, bytes: usize) {
        self.moved();
        let Some(upload) = &self.upload else { return };
        let now = self.now_ms();
        if upload.on_client.swap(false, Ordering::Relaxed) {
            let waited = now.saturating_sub(upload.since_ms.load(Ordering::Relaxed));
            upload.waited_ms.fetch_add(waited, Ordering::Relaxed);
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if upload.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) >= upload.quota {
            upload.bytes.store(0, Ordering::Relaxed);
            upload.waited_ms.store(0, Ordering::Relaxed);
        }
    }

    /// Notes that nothing more of the client's body comes.
    pub(super) fn ended(&self) {
        self.took(0);
        if let Some(upload) = &self.upload {
            upload.ended.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that the upstream would take more, but the client has not sent it yet. Returns whether it is not waited for any
    /// longer.
    pub(super) fn waits_for_client(&self, waker: &Waker) -> bool {
        let Some(upload) = &self.upload else { return false };
        if !upload.on_client.swap(true, Ordering::Relaxed) {
            upload.since_ms.store(self.now_ms(), Ordering::Relaxed);
        }
        let mut kept = upload.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
        upload.cut.load(Ordering::Relaxed)
    }

    /// Notes that the answer is over, so that no deadline looks whether the client still sends.
    pub(super) fn leave_alone(&self) {
        if let Some(upload) = &self.upload {
            upload.left_alone.store(true, Ordering::Relaxed);
        }
    }

    /// Returns when the client has let us wait for too long; [`None`] where it is not its turn.
    pub(super) fn client_ends(&self) -> Option<Instant> {
        let upload = self.upload.as_ref().filter(|upload| upload.on_client.load(Ordering::Relaxed))?;
        let left = upload.idle_ms.saturating_sub(upload.waited_ms.load(Ordering::Relaxed));
        Some(self.at(upload.since_ms.load(Ordering::Relaxed).saturating_add(left)))
    }

    fn now_ms(&self) -> u64 {
        millis(self.start.elapsed())
    }

    fn at(&self, ms: u64) -> Instant {
        self.start.checked_add(Duration::from_millis(ms)).unwrap_or(self.start)
    }
}

impl Watched for Progress {
    /// Breaks off the rest of a body whose answer is over.
    fn look(&self, now: Instant) -> bool {
        let Some(upload) = self.upload.as_ref().filter(|upload| !upload.ended.load(Ordering::Relaxed)) else {
            return false;
        };
        let is_late = self.client_ends().is_some_and(|end| end <= now);
        if !upload.left_alone.load(Ordering::Relaxed) || !is_late {
            return true;
        }
        upload.cut.store(true, Ordering::Relaxed);
        if let Some(waker) = upload.waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
        false
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const IDLE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn p6_a_byte_now_and_then_is_no_progress() {
        let progress = Progress::of_upload(IDLE, 100);
        let begun = Instant::now();
        for _ in 0..5 {
            progress.waits_for_client(Waker::noop());
            advance(Duration::from_secs(10)).await;
            progress.took(1);
        }
        progress.waits_for_client(Waker::noop());
        assert_eq!(progress.client_ends(), Some(begun + IDLE), "it had fifty of its sixty seconds");
        progress.took(100);
        progress.waits_for_client(Waker::noop());
        assert_eq!(progress.client_ends(), Some(Instant::now() + IDLE), "a quota later it has all of them again");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_slow_upstream_does_not_count_against_the_client() {
        let progress = Progress::of_upload(IDLE, 100);
        progress.took(1);
        advance(IDLE * 10).await;
        assert_eq!(progress.client_ends(), None);
        progress.waits_for_client(Waker::noop());
        assert_eq!(progress.client_ends(), Some(Instant::now() + IDLE));
    }

    #[tokio::test(start_paused = true)]
    async fn p6_an_upload_ends_after_the_response() {
        let progress = Progress::of_upload(IDLE, 1);
        assert!(!progress.waits_for_client(Waker::noop()));
        advance(IDLE * 2).await;
        assert!(progress.look(Instant::now()), "while there is no answer, another deadline counts");
        progress.leave_alone();
        assert!(!progress.look(Instant::now()));
        assert!(progress.waits_for_client(Waker::noop()), "its next look at the client fails");
    }
}
