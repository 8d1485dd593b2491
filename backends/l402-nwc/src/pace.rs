//! How often a wallet is asked for invoices: requests that nobody has paid for must not wear it out (threat L1).
//!
//! 1. Invoices come out of a bucket, which fills at a steady rate.
//! 2. A wallet that says that it is asked too often is left alone: for a second, then twice as long each time, up to a minute.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The bucket, and the pause.
#[derive(Debug)]
pub(crate) struct Pace {
    each: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the bucket is full again.
    full_at: Option<Instant>,
    pause: Duration,
    until: Option<Instant>,
}

impl Pace {
    /// So many in a second, and [`BURST`] times as many at once.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { each: Duration::from_secs(1) / per_second.max(1), state: Mutex::default() }
    }

    /// Tells whether an invoice may be asked for now, and takes it out of the bucket.
    pub(crate) fn take(&self, now: Instant) -> bool {
        let mut state = self.state();
        let full_at = state.full_at.map_or(now, |full_at| full_at.max(now));
        let next = full_at + self.each;
        let is_allowed = next <= now + Duration::from_secs(BURST);
        if is_allowed {
            state.full_at = Some(next);
        }
        is_allowed
    }

    /// Tells whether the wallet is to be left alone.
    pub(crate) fn is_paused(&self, now: Instant) -> bool {
        self.state().until.is_some_and(|until| now < until)
    }

    /// Notes that the wallet was asked too often.
    pub(crate) fn too_fast(&self, now: Instant) {
        let mut state = self.state();
        if state.until.is_some_and(|until| now < until) {
            return; // it was asked before the pause began
        }
        state.pause = state.pause.saturating_mul(2).clamp(SHORTEST, LONGEST);
        state.until = Some(now + state.pause);
    }

    /// Notes that the wallet has answered.
    pub(crate) fn answered(&self) {
        self.state().pause = Duration::ZERO;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const BURST: u64 = 3;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_invoices_come_at_a_steady_rate() {
        let (pace, begin) = (Pace::new(10), Instant::now());
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        assert_eq!((0..100).filter(|_| pace.take(at(0))).count(), 30);
        assert!(!pace.take(at(99)));
        assert!(pace.take(at(100)));
        assert!(!pace.take(at(100)));
        assert_eq!((0..100).filter(|_| pace.take(at(60_000))).count(), 30, "no more than full");
    }

    #[test]
    fn l1_a_wallet_that_is_asked_too_often_is_left_alone() {
        let (pace, begin) = (Pace::new(10), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(!pace.is_paused(at(0)));
        pace.too_fast(at(0));
        pace.too_fast(at(0));
        assert!(pace.is_paused(at(0)) && !pace.is_paused(at(1)), "a second");
        pace.too_fast(at(1));
        assert!(pace.is_paused(at(2)) && !pace.is_paused(at(3)), "two");
        for hours in 1..=10 {
            pace.too_fast(at(3_600 * hours));
        }
        assert!(pace.is_paused(at(36_059)) && !pace.is_paused(at(36_060)), "a minute at most");
        pace.answered();
        pace.too_fast(at(40_000));
        assert!(!pace.is_paused(at(40_001)), "from the beginning");
    }
}
