//! Deadlines that move with the bodies (P4): what counts is the time since the last frame, not since the start.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

/// The last sign of life of a request body, written by the task that sends it and read by whoever waits for the answer.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    last_ms: AtomicU64,
    on_client: AtomicBool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), last_ms: AtomicU64::new(0), on_client: AtomicBool::new(false) }
    }

    /// Notes that the body moved or ended.
    pub(super) fn moved(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(elapsed, Ordering::Relaxed);
        self.on_client.store(false, Ordering::Relaxed);
    }

    /// Notes that the upstream would take more, but the client has not sent it yet.
    pub(super) fn waits_for_client(&self) {
        self.on_client.store(true, Ordering::Relaxed);
    }

    /// Returns when the body last moved.
    pub(super) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last_ms.load(Ordering::Relaxed))
    }

    /// Returns whether the client is the one who keeps the others waiting.
    pub(super) fn is_on_client(&self) -> bool {
        self.on_client.load(Ordering::Relaxed)
    }
}
