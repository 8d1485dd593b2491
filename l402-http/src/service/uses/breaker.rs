//! A circuit breaker, so that a ledger that is away does not cost each request its deadline.
//!
//! 1. After so many failures in a row, nobody asks for a second. Then one question is let through, and what becomes of it decides
//!    for all.
//! 2. A question that is dropped says nothing.
//! 3. What a request asks that holds a use is let through in any case: others that fail at a busy ledger must not cost it its use.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The breaker in front of one ledger.
#[derive(Debug, Default)]
pub(in crate::service) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Nobody asks until then.
    until: Option<Instant>,
    is_probed: bool,
}

/// Leave to ask.
#[derive(Debug)]
pub(in crate::service) struct Turn<'b> {
    breaker: &'b Breaker,
    is_probe: bool,
}

/// What an answer means to those who come after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum News {
    /// The ledger is there, as it was.
    None,
    /// It fails now.
    Down,
    /// It is there again.
    Up,
}

impl Breaker {
    /// Lets a question through; [`None`] where it would fail.
    pub(in crate::service) fn turn(&self) -> Option<Turn<'_>> {
        let mut state = self.lock();
        let is_probe = state.failures >= FAILURES;
        if is_probe {
            if state.is_probed || state.until.is_some_and(|until| Instant::now() < until) {
                return None;
            }
            state.is_probed = true;
        }
        drop(state);
        Some(Turn { breaker: self, is_probe })
    }

    /// Lets a question through in any case.
    pub(in crate::service) const fn pass(&self) -> Turn<'_> {
        Turn { breaker: self, is_probe: false }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// There was an answer.
    pub(in crate::service) fn answered(self) -> News {
        let mut state = self.breaker.lock();
        let news = if state.failures == 0 { News::None } else { News::Up };
        state.failures = 0;
        news
    }

    /// There was none.
    pub(in crate::service) fn failed(self) -> News {
        let mut state = self.breaker.lock();
        state.failures = state.failures.saturating_add(1);
        state.until = Instant::now().checked_add(PAUSE);
        if state.failures == 1 { News::Down } else { News::None }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.lock().is_probed = false;
        }
    }
}

/// Failures in a row after which nobody asks.
const FAILURES: u32 = 3;

/// For how long nobody asks.
const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn s1_a_dead_ledger_is_asked_by_one_request_a_second() {
        let breaker = Breaker::default();
        for expected in [News::Down, News::None, News::None] {
            assert_eq!(breaker.turn().unwrap().failed(), expected);
        }
        assert!(breaker.turn().is_none());
        advance(PAUSE).await;
        let probe = breaker.turn().unwrap();
        assert!(breaker.turn().is_none(), "one is enough");
        probe.failed();
        assert!(breaker.turn().is_none());
        advance(PAUSE).await;
        assert_eq!(breaker.pass().failed(), News::None);
        assert!(breaker.turn().is_none());
        advance(PAUSE).await;
        drop(breaker.turn().unwrap());
        assert_eq!(breaker.turn().unwrap().answered(), News::Up);
        assert_eq!(breaker.turn().unwrap().answered(), News::None);
    }
}
