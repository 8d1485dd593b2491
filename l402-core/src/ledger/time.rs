//! The time of a store.

use crate::unix_seconds::UnixSeconds;
use core::time::Duration;

/// A point in time by the clock of a store: milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StoreTime(u64);

impl StoreTime {
    /// Takes milliseconds since 1970.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns milliseconds since 1970.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Returns the time so much later.
    #[must_use]
    pub const fn after(self, time: Duration) -> Self {
        let millis = time.as_secs().saturating_mul(1_000).saturating_add(time.subsec_millis() as u64);
        Self(self.0.saturating_add(millis))
    }
}

impl From<UnixSeconds> for StoreTime {
    fn from(seconds: UnixSeconds) -> Self {
        Self(seconds.get().saturating_mul(1_000))
    }
}

/// The time at which a store takes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The store's clock.
    pub time: StoreTime,
    /// The latest end of a token whose record was deleted. A token with that end or an earlier one is refused, since it may
    /// have been spent.
    pub horizon: UnixSeconds,
}
