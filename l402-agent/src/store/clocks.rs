//! What the clocks of the system say.

use core::fmt;
use l402_core::purchase::{BootId, Reading};
use std::time::SystemTime;

/// The clocks of a system. Tests have their own.
pub trait Clocks: Send + Sync + fmt::Debug {
    /// Reads them, at one moment.
    fn read(&self) -> Reading;
}

/// Those of this system. Only Linux says which boot it is, and how long ago.
#[derive(Debug, Clone, Copy)]
pub struct SystemClocks {
    boot: Option<BootId>,
}

impl SystemClocks {
    /// Finds out which boot it is.
    pub fn new() -> Self {
        Self { boot: boot() }
    }
}

impl Default for SystemClocks {
    fn default() -> Self {
        Self::new()
    }
}

impl Clocks for SystemClocks {
    fn read(&self) -> Reading {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Reading { boot: self.boot, since_boot_ms: since_boot_ms(), wall_ms }
    }
}

#[cfg(target_os = "linux")]
fn boot() -> Option<BootId> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
    u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32).map(u128::to_be_bytes)
}

#[cfg(target_os = "linux")]
fn since_boot_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000)
}

#[cfg(not(target_os = "linux"))]
const fn boot() -> Option<BootId> {
    None
}

#[cfg(not(target_os = "linux"))]
const fn since_boot_ms() -> u64 {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_says_which_boot_it_is() {
        let clocks = SystemClocks::new();
        let (one, other) = (clocks.read(), clocks.read());
        assert!(one.boot.is_some() && one.boot == other.boot);
        assert!(one.since_boot_ms > 0 && one.since_boot_ms <= other.since_boot_ms);
    }
}
