//! How far a download is, on a terminal.

use core::time::Duration;
use std::io::{self, Write};
use std::time::Instant;

/// A line that is written anew now and then, and removed at the end.
#[derive(Debug)]
pub(super) struct Progress {
    total: Option<u64>,
    done: u64,
    begun: Instant,
    told: Option<Instant>,
}

impl Progress {
    pub(super) fn begin(total: Option<u64>) -> Self {
        Self { total, done: 0, begun: Instant::now(), told: None }
    }

    /// Notes that so many bytes have come.
    pub(super) fn note(&mut self, length: usize) {
        self.done = self.done.saturating_add(length as u64);
        if self.told.is_none_or(|told| told.elapsed() >= EVERY) {
            self.told = Some(Instant::now());
            let line = line(self.done, self.total, self.begun.elapsed());
            let _ = write!(io::stderr(), "\r\x1b[K{line}"); // nobody misses it
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(done: u64, total: Option<u64>, time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    let speed = size(done.saturating_mul(1000) / millis);
    let Some(total) = total.filter(|total| *total > 0) else { return format!("{}  {speed}/s", size(done)) };
    let percent = done.saturating_mul(100) / total;
    let full = usize::try_from(percent.min(100) / 5).unwrap_or_default();
    format!(
        "{percent:>3} % [{}{}] {} of {}  {speed}/s",
        "#".repeat(full),
        " ".repeat(20 - full),
        size(done),
        size(total)
    )
}

fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = bytes.saturating_mul(10);
    while tenths >= 10_240 && unit + 1 < units.len() {
        (tenths, unit) = (tenths / 1024, unit + 1);
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{}.{} {}", tenths / 10, tenths % 10, units[unit]) }
}

const EVERY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_of_how_much() {
        let second = Duration::from_secs(1);
        assert_eq!(line(512, Some(1024), second), " 50 % [##########          ] 512 B of 1.0 KiB  512 B/s");
        assert_eq!(line(3 << 20, None, 2 * second), "3.0 MiB  1.5 MiB/s");
        assert_eq!(line(9, Some(3), Duration::ZERO), "300 % [####################] 9 B of 3 B  8.7 KiB/s");
        assert_eq!(size(u64::MAX), "1677721.5 TiB");
    }
}
