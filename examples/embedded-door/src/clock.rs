//! The time of day, on a machine that only knows for how long it has been on.
//!
//! 1. Without a time no token opens: a door that cannot tell what has ended must not guess.
//! 2. Time goes forward only. A message that names an earlier time than the clock, or than the floor, changes nothing, so
//!    that no recorded message revives a token (threat S5).
//! 3. The floor is a time in the past that survives a power cut because it is part of the image: at least the day on which
//!    the image was made.
//!
//! # Limits
//! After a power cut, a recorded message that is later than the floor sets the clock back as far as the message is old.
//! A board with a battery-backed clock, or one that writes the time to flash now and then and passes it as the floor, is
//! free of that. The quartz decides how far the clock drifts between two messages: 50 ppm are 4 seconds a day.

/// Seconds since power-on, never fewer than before. Closures implement it.
pub trait Monotonic {
    /// Returns the seconds. They must not wrap: a 32-bit counter of milliseconds does, after 49 days.
    fn seconds(&self) -> u64;
}

impl<F: Fn() -> u64> Monotonic for F {
    fn seconds(&self) -> u64 {
        self()
    }
}

/// The time of day, once it was told.
///
/// ```
/// use core::cell::Cell;
/// use embedded_door::{Clock, Earlier};
///
/// let since_power_on = Cell::new(5);
/// let mut clock = Clock::new(|| since_power_on.get(), 1_700_000_000);
/// assert_eq!(clock.now(), None);
///
/// clock.set(1_700_000_060)?;
/// since_power_on.set(15);
/// assert_eq!(clock.now(), Some(1_700_000_070));
/// assert_eq!(clock.set(1_700_000_069), Err(Earlier));
/// # Ok::<(), Earlier>(())
/// ```
#[derive(Debug, Clone)]
pub struct Clock<M> {
    monotonic: M,
    floor: u64,
    /// The time at power-on, in Unix seconds.
    power_on: Option<u64>,
}

impl<M: Monotonic> Clock<M> {
    /// Starts without a time; `floor` is the earliest that will be believed, in Unix seconds.
    pub const fn new(monotonic: M, floor: u64) -> Self {
        Self { monotonic, floor, power_on: None }
    }

    /// Returns the time in Unix seconds; [`None`] until it was told.
    pub fn now(&self) -> Option<u64> {
        Some(self.power_on?.saturating_add(self.monotonic.seconds()))
    }

    /// Takes the time, in Unix seconds, from a source that was authenticated.
    ///
    /// # Errors
    /// [`Earlier`]; the clock is unchanged then.
    pub fn set(&mut self, unix: u64) -> Result<(), Earlier> {
        if unix < self.now().unwrap_or(self.floor) {
            return Err(Earlier);
        }
        self.power_on = Some(unix.saturating_sub(self.monotonic.seconds()));
        Ok(())
    }
}

/// The time is earlier than one that is known to have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier;

impl core::fmt::Display for Earlier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the time is earlier than one that has passed")
    }
}

impl core::error::Error for Earlier {}
