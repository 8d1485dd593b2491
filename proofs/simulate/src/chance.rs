//! Numbers that a seed determines.

use core::time::Duration;

/// A sequence of numbers (SplitMix64): the same for the same seed, on every machine.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Begins the sequence of a seed.
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a limit; 0 where that is 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.next() % limit }
    }

    /// Returns one of several.
    ///
    /// # Panics
    /// Where there is none.
    pub fn among<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len() as u64);
        all[usize::try_from(at).expect("it is below a length")]
    }

    /// Tells whether something happens that happens so often in a thousand cases.
    pub const fn happens(&mut self, in_a_thousand: u64) -> bool {
        self.below(1_000) < in_a_thousand
    }

    /// Returns a time between two numbers of milliseconds.
    pub const fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to.saturating_sub(from) + 1))
    }

    /// Begins a sequence of its own: what is drawn from one does not change the other.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self(self.next())
    }
}
