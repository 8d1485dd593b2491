//! Which requests have come before.

use core::time::Duration;
use std::collections::{HashSet, VecDeque};
use std::time::Instant;

/// The nonces of the last two minutes.
#[derive(Debug)]
pub(crate) struct Nonces {
    known: HashSet<u128>,
    order: VecDeque<(Instant, u128)>,
    most: usize,
}

/// What a nonce is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Never,
    Before,
    /// There is no room to remember it.
    Full,
}

impl Nonces {
    pub(crate) fn new(most: usize) -> Self {
        Self { known: HashSet::new(), order: VecDeque::new(), most }
    }

    /// Remembers a nonce.
    pub(crate) fn see(&mut self, nonce: u128, now: Instant) -> Seen {
        while let Some((since, oldest)) = self.order.front().copied() {
            if now.duration_since(since) < REMEMBERED {
                break;
            }
            self.order.pop_front();
            self.known.remove(&oldest);
        }
        if self.known.contains(&nonce) {
            return Seen::Before;
        }
        if self.order.len() >= self.most {
            return Seen::Full;
        }
        self.known.insert(nonce);
        self.order.push_back((now, nonce));
        Seen::Never
    }
}

/// How far a request's time may be off.
pub(crate) const MOST_OFF: Duration = Duration::from_mins(1);

/// A request that was a minute ahead is believed for two, and a bit more for fractions.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 + 2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_taken_once_for_as_long_as_its_request_is_believed() {
        let (mut nonces, start) = (Nonces::new(2), Instant::now());
        assert_eq!(nonces.see(1, start), Seen::Never);
        assert_eq!(nonces.see(1, start + 2 * MOST_OFF), Seen::Before);
        assert_eq!(nonces.see(2, start + MOST_OFF), Seen::Never);
        assert_eq!(nonces.see(3, start + MOST_OFF), Seen::Full);
        assert_eq!(nonces.see(3, start + REMEMBERED), Seen::Never, "the first is forgotten");
        assert_eq!(nonces.see(2, start + REMEMBERED), Seen::Before);
        assert_eq!(nonces.order.len(), nonces.known.len());
    }
}
