//! Rates as people write them: `10/s`, `600/m`, `1000/h`.

use core::fmt;
use core::num::NonZeroU32;
use core::str::FromStr;
use core::time::Duration;
use l402_ledger::Bucket;

/// So many requests in a second, minute or hour. That many may come at once; then they come back one by one, evenly.
///
/// ```
/// use l402_http::service::Rate;
///
/// let rate: Rate = "600/m".parse()?;
/// assert_eq!((rate.requests(), rate.window().as_secs()), (600, 60));
/// assert_eq!(rate.to_string(), "600/m");
/// # Ok::<(), l402_http::service::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    requests: NonZeroU32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// The greatest number of requests.
    pub const MOST: u32 = 1_000_000;

    /// Makes a rate of so many requests a minute, from 1 to [`MOST`](Self::MOST); what is outside becomes the nearest of these.
    pub const fn per_minute(requests: u32) -> Self {
        let requests = if requests > Self::MOST { Self::MOST } else { requests };
        let requests = match NonZeroU32::new(requests) {
            Some(requests) => requests,
            None => NonZeroU32::MIN,
        };
        Self { requests, unit: Unit::Minute }
    }

    /// Returns the number of requests, which may all come at once.
    pub const fn requests(self) -> u32 {
        self.requests.get()
    }

    /// Returns the time in which they come back.
    pub const fn window(self) -> Duration {
        match self.unit {
            Unit::Second => Duration::from_secs(1),
            Unit::Minute => Duration::from_mins(1),
            Unit::Hour => Duration::from_hours(1),
        }
    }

    pub(super) fn bucket(self, name: &str) -> Bucket {
        Bucket::new(name, self.requests, self.window())
    }

    pub(super) fn quota(self) -> governor::Quota {
        match self.unit {
            Unit::Second => governor::Quota::per_second(self.requests),
            Unit::Minute => governor::Quota::per_minute(self.requests),
            Unit::Hour => governor::Quota::per_hour(self.requests),
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (digits, unit) = text.split_once('/').ok_or(RateError::Form)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(RateError::Form),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RateError::Form);
        }
        let requests = digits.parse().ok().filter(|requests| *requests <= Self::MOST).ok_or(RateError::Range)?;
        Ok(Self { requests: NonZeroU32::new(requests).ok_or(RateError::Range)?, unit })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
        };
        write!(f, "{}/{unit}", self.requests)
    }
}

/// Why a text is no [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateError {
    /// It is not a whole number, a slash and a unit.
    Form,
    /// The number is zero, or above [`Rate::MOST`].
    Range,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => {
                f.write_str("write a number per second, minute or hour, such as \"10/s\", \"600/m\" or \"1000/h\"")
            }
            Self::Range => write!(f, "write a number from 1 to {} before the slash", Rate::MOST),
        }
    }
}

impl core::error::Error for RateError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_rates_are_read_as_they_are_written() {
        for text in ["1/s", "10/s", "600/m", "1000000/h"] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "/s", "10", "10/", "10/d", "10 /s", "10/s ", "+1/s", "-1/s", "1.5/s", "ten/s"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError::Form), "{text:?}");
        }
        for text in ["0/s", "1000001/s", "99999999999999999999/s"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError::Range), "{text:?}");
        }
        let bounds = [0, 1, 90, u32::MAX].map(|requests| Rate::per_minute(requests).requests());
        assert_eq!(bounds, [1, 1, 90, Rate::MOST]);
    }
}
