//! Spans of time as people write them: `90s`, `10m`, `1h`, `7d`.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use serde::{Deserialize, Deserializer, de};

/// A span of time: a whole number of seconds, minutes, hours or days.
///
/// ```
/// use core::time::Duration;
/// use l402_agent::span::Span;
///
/// assert_eq!("10m".parse::<Span>()?.duration(), Duration::from_secs(600));
/// for text in ["10", "0s", "1w", "-1s", "1.5h", "99999999999999999999d"] {
///     assert!(text.parse::<Span>().is_err(), "{text}");
/// }
/// # Ok::<(), l402_agent::span::SpanError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// Returns it.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let at = text.find(|c: char| !c.is_ascii_digit()).ok_or(SpanError)?;
        let (number, unit) = text.split_at(at);
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(SpanError),
        };
        let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        seconds.filter(|seconds| *seconds > 0).map(|seconds| Self(Duration::from_secs(seconds))).ok_or(SpanError)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A text is no span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanError;

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a number above 0 and its unit, s, m, h or d, such as \"10m\"")
    }
}

impl core::error::Error for SpanError {}
