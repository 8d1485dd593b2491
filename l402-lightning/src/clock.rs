//! The time of day, as invoices count it.

use l402_core::UnixSeconds;
use std::time::SystemTime;

/// Returns the time of the system; zero on a clock that stands before 1970.
pub fn unix_now() -> UnixSeconds {
    UnixSeconds::new(SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()))
}
