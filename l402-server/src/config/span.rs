//! Spans of time as people write them: `500ms`, `30s`, `5m`, `1h`, `7d`.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

/// A span of time above zero and of at most ten years.
///
/// ```
/// # use l402_server::config::Span;
/// # use std::time::Duration;
/// assert_eq!("1h".parse::<Span>()?.duration(), Duration::from_secs(3600));
/// # Ok::<(), l402_server::config::SpanError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// Returns the span as a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(SpanError::Unit)?;
        let (digits, unit) = text.split_at(unit_at);
        let unit_ms: u64 = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => DAY_MS,
            _ => return Err(SpanError::Unit),
        };
        if digits.is_empty() {
            return Err(SpanError::Unit);
        }
        match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms)) {
            Some(0) => Err(SpanError::Zero),
            Some(ms) if ms <= MOST_MS => Ok(Self(Duration::from_millis(ms))),
            _ => Err(SpanError::TooLong),
        }
    }
}

/// Why a text is no span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanError {
    /// It is not a whole number with a unit.
    Unit,
    /// It is zero.
    Zero,
    /// It is longer than ten years.
    TooLong,
}

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "write a whole number and its unit, such as \"500ms\", \"30s\", \"5m\", \"1h\" or \"7d\"",
            Self::Zero => "the time must be greater than zero",
            Self::TooLong => "the time must be at most ten years",
        })
    }
}

impl core::error::Error for SpanError {}

const DAY_MS: u64 = 86_400_000;
const MOST_MS: u64 = 3_650 * DAY_MS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_or_refused_with_the_reason() {
        for (text, expected) in [
            ("500ms", Ok(500)),
            ("30s", Ok(30_000)),
            ("5 m", Ok(300_000)),
            ("5min", Ok(300_000)),
            ("1h", Ok(3_600_000)),
            ("7d", Ok(604_800_000)),
            ("7", Err(SpanError::Unit)),
            ("h", Err(SpanError::Unit)),
            ("1.5h", Err(SpanError::Unit)),
            ("1h30m", Err(SpanError::Unit)),
            ("", Err(SpanError::Unit)),
            ("0s", Err(SpanError::Zero)),
            ("3651d", Err(SpanError::TooLong)),
            ("99999999999999999999s", Err(SpanError::TooLong)),
        ] {
            let read = text.parse::<Span>().map(|span| span.duration().as_millis());
            assert_eq!(read, expected, "{text}");
        }
    }
}
