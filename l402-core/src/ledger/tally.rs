//! One counter, counted.

/// How much of a counter is taken, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tally {
    /// How much there was to begin with.
    pub limit: u64,
    /// Used for good.
    pub committed: u64,
    /// Held by attempts.
    pub reserved: u64,
    /// Held by attempts of which nothing is known.
    pub doubtful: u64,
    /// Tries since the last one that cost a use; see [`TRIES`](super::TRIES).
    pub tries: u8,
}

impl Tally {
    /// Begins.
    pub const fn new(limit: u64) -> Self {
        Self { limit, committed: 0, reserved: 0, doubtful: 0, tries: 0 }
    }

    /// Returns what no attempt has taken.
    pub const fn free(&self) -> u64 {
        self.limit.saturating_sub(self.committed).saturating_sub(self.reserved).saturating_sub(self.doubtful)
    }

    /// Tells whether nothing of it is remembered.
    pub const fn is_untouched(&self) -> bool {
        self.committed == 0 && self.reserved == 0 && self.doubtful == 0 && self.tries == 0
    }
}
