//! The gateway's clock beside the ledger's: a gateway that reads the ends of tokens by a clock that is far off serves what has
//! ended, or refuses what has not.

use core::time::Duration;
use l402_core::UnixSeconds;
use l402_core::ledger::{SKEW, StoreTime};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The last comparison.
#[derive(Debug, Default)]
pub(super) struct Comparison(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<(Instant, Agreement)>,
    is_asked: bool,
}

/// Whether the clocks agree well enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// They do.
    Close,
    /// They are more than half of [`SKEW`] apart.
    Apart,
}

/// The right to compare, while the others go on with the last result.
#[derive(Debug)]
pub(super) struct Turn<'c>(&'c Comparison);

impl Comparison {
    /// Returns the last result, if it is fresh enough or somebody is about to renew it; else it is the caller's turn.
    pub(super) fn known(&self, fresh: Duration) -> Result<Agreement, Turn<'_>> {
        let mut state = self.lock();
        match state.last {
            Some((at, agreement)) if state.is_asked || at.elapsed() < fresh => Ok(agreement),
            _ => {
                state.is_asked = true;
                drop(state);
                Err(Turn(self))
            }
        }
    }

    /// Forgets the last result.
    pub(super) fn forget(&self) {
        self.lock().last = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Compares.
    pub(super) fn compared(self, store: StoreTime, here: UnixSeconds) -> Agreement {
        let apart = store.millis().abs_diff(StoreTime::from(here).millis());
        let agreement = if u128::from(apart) > (SKEW / 2).as_millis() { Agreement::Apart } else { Agreement::Close };
        self.0.lock().last = Some((Instant::now(), agreement));
        agreement
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().is_asked = false;
    }
}
