//! The gateway's clock beside the ledger's: a gateway that reads the ends of tokens by a clock that is far off serves what has
//! ended, or refuses what has not.
//!
//! The ledger's horizon comes with its time: no token is sold that ends by it, since each use of it would be refused.

use core::time::Duration;
use l402_core::UnixSeconds;
use l402_core::ledger::{Now, SKEW, StoreTime};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The last comparison.
#[derive(Debug, Default)]
pub(super) struct Comparison(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<(Instant, Look)>,
    is_asked: bool,
}

/// What a look at the ledger's clock has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) agreement: Agreement,
    /// The latest end of a token whose record was deleted.
    pub(super) horizon: UnixSeconds,
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
    pub(super) fn known(&self, fresh: Duration) -> Result<Look, Turn<'_>> {
        let mut state = self.lock();
        match state.last {
            Some((at, look)) if state.is_asked || at.elapsed() < fresh => Ok(look),
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
    pub(super) fn compared(self, Now { time, horizon }: Now, here: UnixSeconds) -> Look {
        let apart = time.millis().abs_diff(StoreTime::from(here).millis());
        let agreement = if u128::from(apart) > (SKEW / 2).as_millis() { Agreement::Apart } else { Agreement::Close };
        let look = Look { agreement, horizon };
        self.0.lock().last = Some((Instant::now(), look));
        look
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().is_asked = false;
    }
}
