//! Spans of time for people.

use core::fmt;

/// A span in seconds, shown as the configuration writes it: `90s` as `1m30s`, a day and an hour as `1d1h`.
///
/// ```
/// use l402_http::response::Seconds;
///
/// assert_eq!(Seconds(4_200).to_string(), "1h10m");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
            if rest >= unit {
                write!(f, "{}{name}", rest / unit)?;
                rest %= unit;
            }
        }
        if rest > 0 || self.0 == 0 { write!(f, "{rest}s") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_shown_in_the_units_of_the_configuration() {
        let shown = [0, 2, 90, 600, 602, 3_600, 4_200, 86_400, 90_000, 605_400].map(|span| Seconds(span).to_string());
        assert_eq!(shown, ["0s", "2s", "1m30s", "10m", "10m2s", "1h", "1h10m", "1d", "1d1h", "7d10m"]);
    }
}
