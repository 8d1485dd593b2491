//! Time for limits, and the spans over which they count.

use crate::msat::Msat;
use core::time::Duration;

/// A point in the time of a [`Clock`](super::Clock): milliseconds since 1970, unless its clock was wrong once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WindowTime(u64);

impl WindowTime {
    /// Takes milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Returns the time so much later, or the latest that can be counted.
    #[must_use]
    pub const fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    /// Returns how much later it is than `earlier`; nothing where that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A span over which a limit counts. It slides.
///
/// ```
/// use core::time::Duration;
/// use l402_core::purchase::{Window, WindowTime};
///
/// let closed_at = WindowTime::from_millis(1_700_000_000_000);
/// assert!(Window::Hour.counts(Some(closed_at), closed_at.after(Duration::from_secs(3_599))));
/// assert!(!Window::Hour.counts(Some(closed_at), closed_at.after(Duration::from_secs(3_600))));
/// assert!(Window::Hour.counts(None, closed_at), "what is open always counts");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// An hour.
    Hour,
    /// 24 hours.
    Day,
}

impl Window {
    /// Every window, the shortest first.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// Returns how long it is.
    pub const fn length(self) -> Duration {
        match self {
            Self::Hour => Duration::from_secs(3_600),
            Self::Day => Duration::from_secs(86_400),
        }
    }

    /// Tells whether an entry counts: while it has no outcome, and for the length of the window after that was recorded.
    pub const fn counts(self, closed_at: Option<WindowTime>, now: WindowTime) -> bool {
        match closed_at {
            None => true,
            Some(closed_at) => closed_at.after(self.length()).millis() > now.millis(),
        }
    }

    /// Adds up what counts, of entries by when they were closed and what they hold.
    pub fn sum(self, entries: impl IntoIterator<Item = (Option<WindowTime>, Msat)>, now: WindowTime) -> Msat {
        let counts = |(closed_at, held): (Option<WindowTime>, Msat)| self.counts(closed_at, now).then_some(held);
        entries.into_iter().filter_map(counts).fold(Msat::ZERO, Msat::saturating_add)
    }

    /// Returns when so much no longer counts, of entries in the order in which they were closed; [`None`] where that waits for an
    /// outcome, or there is not so much.
    ///
    /// ```
    /// use core::time::Duration;
    /// use l402_core::Msat;
    /// use l402_core::purchase::{Window, WindowTime};
    ///
    /// let at = |minutes: u64| WindowTime::default().after(Duration::from_secs(60 * minutes));
    /// let entries = [(None, Msat::new(9)), (Some(at(10)), Msat::new(5)), (Some(at(20)), Msat::new(5))];
    /// assert_eq!(Window::Hour.frees(entries, Msat::new(6), at(30)), Some(at(80)));
    /// assert_eq!(Window::Hour.frees(entries, Msat::new(11), at(30)), None);
    /// ```
    pub fn frees(
        self,
        entries: impl IntoIterator<Item = (Option<WindowTime>, Msat)>,
        excess: Msat,
        now: WindowTime,
    ) -> Option<WindowTime> {
        let mut freed = Msat::ZERO;
        let closed = entries.into_iter().filter_map(|(closed_at, held)| Some((closed_at?, held)));
        for (closed_at, held) in closed.filter(|(closed_at, _)| self.counts(Some(*closed_at), now)) {
            freed = freed.saturating_add(held);
            if freed >= excess {
                return Some(closed_at.after(self.length()));
            }
        }
        None
    }
}

/// Returns a duration in milliseconds, or the largest number of them.
pub(super) const fn millis(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000).saturating_add(time.subsec_millis() as u64)
}
