//! Warnings that an attack would repeat without end: one line in a while, which says how many were left out.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// One kind of warning.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(State { last: None, left_out: 0 }))
    }

    /// Returns how many were left out since the last one that was said, if it is time to say another.
    pub(super) fn turn(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| last.elapsed() < EVERY) {
            state.left_out = state.left_out.saturating_add(1);
            return None;
        }
        state.last = Some(Instant::now());
        Some(core::mem::take(&mut state.left_out))
    }
}

const EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_warning_is_said_once_in_a_while() {
        let seldom = Seldom::new();
        assert_eq!(seldom.turn(), Some(0));
        for _ in 0..1000 {
            assert_eq!(seldom.turn(), None);
        }
        advance(EVERY).await;
        assert_eq!(seldom.turn(), Some(1000));
        assert_eq!(seldom.turn(), None);
    }
}
