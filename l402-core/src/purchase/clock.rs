//! The clock that limits are measured by. It is stored, and never goes back.
//!
//! 1. Within one boot it advances by the time since boot, which nobody can set.
//! 2. Across boots it follows the wall clock. Where that is behind, the clock stands still, and the [passage](Passage) says so
//!    until the owner [accepts](Clock::accept) that, for this boot. A difference of [`TOLERANCE`] is that of a computer's own clock.
//! 3. A jump forward of more than a day is said, since it lets an hour or a day end early. Who can set the wall clock and restart the
//!    system can do that.

use super::window::WindowTime;
use core::time::Duration;

/// What names the time since the system was started.
pub type BootId = [u8; 16];

/// What the clocks of a system say, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Which boot it is; [`None`] where the system does not say, which is then never the same.
    pub boot: Option<BootId>,
    /// Milliseconds since that boot, sleep included.
    pub since_boot_ms: u64,
    /// The wall clock: milliseconds since 1970.
    pub wall_ms: u64,
}

/// The stored clock.
///
/// ```
/// use l402_core::purchase::{Clock, Passage, Reading};
///
/// let reading = Reading { boot: Some([1; 16]), since_boot_ms: 5_000, wall_ms: 1_700_000_000_000 };
/// let mut clock = Clock::start(&reading);
/// // Somebody sets the wall clock; the time since boot says how much has passed.
/// assert_eq!(clock.pass(&Reading { since_boot_ms: 6_000, wall_ms: 0, ..reading }), Passage::On);
/// assert_eq!(clock.time().millis(), 1_700_000_001_000);
/// // After the next start, the wall clock is a day behind.
/// let behind = Reading { boot: Some([2; 16]), since_boot_ms: 0, wall_ms: 1_699_913_600_000 };
/// assert!(matches!(clock.pass(&behind), Passage::Behind { .. }));
/// clock.accept(&behind);
/// assert_eq!(clock.pass(&behind), Passage::On);
/// assert_eq!(clock.time().millis(), 1_700_000_001_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The time.
    pub time: WindowTime,
    /// The boot in which it was stored.
    pub boot: Option<BootId>,
    /// Milliseconds since that boot.
    pub since_boot_ms: u64,
}

/// What a passage of time was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// As usual.
    On,
    /// The wall clock is far ahead after a boot.
    Jumped(Duration),
    /// The wall clock is behind after a boot. The time stands still.
    Behind(Duration),
}

impl Clock {
    /// Starts with the wall clock.
    pub const fn start(reading: &Reading) -> Self {
        let Reading { boot, since_boot_ms, wall_ms } = *reading;
        Self { time: WindowTime::from_millis(wall_ms), boot, since_boot_ms }
    }

    /// Returns the time as of the last passage.
    pub const fn time(&self) -> WindowTime {
        self.time
    }

    /// Takes in what the clocks of the system say.
    pub fn pass(&mut self, reading: &Reading) -> Passage {
        if reading.boot.is_some() && reading.boot == self.boot {
            let passed = reading.since_boot_ms.saturating_sub(self.since_boot_ms);
            self.time = self.time.after(Duration::from_millis(passed));
            self.since_boot_ms = self.since_boot_ms.max(reading.since_boot_ms);
            return Passage::On;
        }
        let wall = WindowTime::from_millis(reading.wall_ms);
        let behind = self.time.since(wall);
        if behind > TOLERANCE {
            return Passage::Behind(behind);
        }
        let forward = wall.since(self.time);
        (self.boot, self.since_boot_ms) = (reading.boot, reading.since_boot_ms);
        self.time = self.time.max(wall);
        if forward > JUMP { Passage::Jumped(forward) } else { Passage::On }
    }

    /// Goes on from the stored time in this boot, however far the wall clock is behind.
    pub const fn accept(&mut self, reading: &Reading) {
        (self.boot, self.since_boot_ms) = (reading.boot, reading.since_boot_ms);
    }
}

/// By how much the wall clock may be behind after a boot.
const TOLERANCE: Duration = Duration::from_secs(120);

/// More than this is a jump.
const JUMP: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const START: Reading = Reading { boot: Some([1; 16]), since_boot_ms: 10_000, wall_ms: 1_000_000_000 };
    const DAY: u64 = 86_400_000;

    fn other(wall_ms: u64) -> Reading {
        Reading { boot: Some([2; 16]), since_boot_ms: 0, wall_ms }
    }

    #[test]
    fn a5_within_a_boot_the_wall_clock_says_nothing() {
        let mut clock = Clock::start(&START);
        for wall_ms in [0, START.wall_ms + 100 * DAY] {
            assert_eq!(clock.pass(&Reading { wall_ms, since_boot_ms: 11_000, ..START }), Passage::On);
            assert_eq!(clock.time().millis(), START.wall_ms + 1_000);
        }
        // Such as in another namespace of times.
        assert_eq!(clock.pass(&Reading { since_boot_ms: 5, ..START }), Passage::On);
        assert_eq!(clock.pass(&Reading { since_boot_ms: 11_000, ..START }), Passage::On);
        assert_eq!(clock.time().millis(), START.wall_ms + 1_000, "nothing passes twice");
    }

    #[test]
    fn a5_across_boots_the_time_never_goes_back() {
        for (wall_ms, time, passage) in [
            (START.wall_ms + 5, START.wall_ms + 5, Passage::On),
            (START.wall_ms + DAY, START.wall_ms + DAY, Passage::On),
            (START.wall_ms + DAY + 1, START.wall_ms + DAY + 1, Passage::Jumped(Duration::from_millis(DAY + 1))),
            (START.wall_ms - 120_000, START.wall_ms, Passage::On),
            (START.wall_ms - 120_001, START.wall_ms, Passage::Behind(Duration::from_millis(120_001))),
        ] {
            let mut clock = Clock::start(&START);
            assert_eq!(clock.pass(&other(wall_ms)), passage, "{wall_ms}");
            assert_eq!(clock.time().millis(), time, "{wall_ms}");
        }
    }

    #[test]
    fn a5_what_was_accepted_holds_for_one_boot() {
        let mut clock = Clock::start(&START);
        let behind = other(START.wall_ms - 10 * DAY);
        assert!(matches!(clock.pass(&behind), Passage::Behind(_)));
        assert!(matches!(clock.pass(&behind), Passage::Behind(_)), "until it is accepted");
        clock.accept(&behind);
        assert_eq!(clock.time().millis(), START.wall_ms);
        assert_eq!(clock.pass(&Reading { since_boot_ms: 7, ..behind }), Passage::On);
        let next = Reading { boot: Some([3; 16]), since_boot_ms: 0, wall_ms: behind.wall_ms + 7 };
        assert!(matches!(clock.pass(&next), Passage::Behind(_)));
        assert_eq!(clock.time().millis(), START.wall_ms + 7);
    }

    #[test]
    fn a5_a_system_that_names_no_boot_is_another_each_time() {
        let nameless = Reading { boot: None, ..START };
        let mut clock = Clock::start(&nameless);
        assert_eq!(clock.pass(&Reading { since_boot_ms: u64::MAX, ..nameless }), Passage::On);
        assert_eq!(clock.time().millis(), START.wall_ms);
    }
}
