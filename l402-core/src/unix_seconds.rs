//! Points in time: whole seconds since 1970, as invoices and tokens count them.
//!
//! This crate has no clock. A caller with the standard library asks the system:
//!
//! ```
//! use l402_core::UnixSeconds;
//! use std::time::SystemTime;
//!
//! let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
//! let now = UnixSeconds::new(since_1970.as_secs());
//! assert_eq!(now.saturating_add(60).seconds_since(now), 60);
//! # Ok::<(), std::time::SystemTimeError>(())
//! ```

use core::fmt;

/// A point in time, in seconds since 1970-01-01 00:00 UTC.
///
/// Arithmetic says what happens at the ends of the range: it returns [`None`], or stops there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// Takes a number of seconds since 1970.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Returns the number of seconds since 1970.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the time that many seconds later, or [`None`] where it is too late to be counted.
    pub const fn checked_add(self, seconds: u64) -> Option<Self> {
        match self.0.checked_add(seconds) {
            Some(seconds) => Some(Self(seconds)),
            None => None,
        }
    }

    /// Returns the time that many seconds later, or the latest time that can be counted.
    #[must_use]
    pub const fn saturating_add(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Returns the seconds from `earlier` to this time; zero where `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<u64> for UnixSeconds {
    /// Takes a number of seconds since 1970.
    fn from(seconds: u64) -> Self {
        Self(seconds)
    }
}

impl From<UnixSeconds> for u64 {
    /// Returns the number of seconds since 1970.
    fn from(time: UnixSeconds) -> Self {
        time.0
    }
}

impl fmt::Display for UnixSeconds {
    /// Writes the number and its unit: `1700000000 s since 1970`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s since 1970", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_ends_at_the_ends_of_the_range() {
        let (now, latest) = (UnixSeconds::new(1_700_000_000), UnixSeconds::new(u64::MAX));
        assert_eq!(now.checked_add(60), Some(UnixSeconds::new(1_700_000_060)));
        assert_eq!(latest.checked_add(1), None);
        assert_eq!(latest.saturating_add(1), latest);
        assert_eq!(now.seconds_since(latest), 0);
    }
}
