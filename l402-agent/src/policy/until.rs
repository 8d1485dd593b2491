//! The day or second until which an entry holds.

use core::fmt;
use core::str::FromStr;
use l402_core::UnixSeconds;
use l402_program::Date;

/// A time in UTC: `2027-01-31`, which is its first second, or `2027-01-31T12:30:00Z`.
///
/// ```
/// use l402_agent::policy::Until;
///
/// assert_eq!("2027-01-31T12:30:00Z".parse::<Until>()?.seconds().get(), 1_801_398_600);
/// assert!("31.1.2027".parse::<Until>().is_err());
/// # Ok::<(), l402_agent::policy::UntilError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Until(UnixSeconds);

impl Until {
    /// Returns the first second at which the entry no longer holds.
    pub const fn seconds(self) -> UnixSeconds {
        self.0
    }
}

impl FromStr for Until {
    type Err = UntilError;

    fn from_str(text: &str) -> Result<Self, UntilError> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, time.strip_suffix('Z').ok_or(UntilError)?),
            None => (text, "00:00:00"),
        };
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let length = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(UntilError),
        };
        if year < 1970 || day == 0 || day > length || hour > 23 || minute > 59 || second > 59 {
            return Err(UntilError);
        }
        let days = days_before(year, month) + day - 1;
        Ok(Self(UnixSeconds::new(((days * 24 + hour) * 60 + minute) * 60 + second)))
    }
}

/// Days from 1970 to a month of the Gregorian calendar, whose year is taken to begin in March.
const fn days_before(year: u64, month: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 719_468
}

fn numbers(text: &str, between: char, lengths: [usize; 3]) -> Result<[u64; 3], UntilError> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next().filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()));
        *number = part.and_then(|part| part.parse().ok()).ok_or(UntilError)?;
    }
    if parts.next().is_some() { Err(UntilError) } else { Ok(numbers) }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.get();
        let of_day = seconds % 86_400;
        write!(f, "{}", Date::of(seconds))?;
        match of_day {
            0 => Ok(()),
            _ => write!(f, "T{:02}:{:02}:{:02}Z", of_day / 3_600, of_day / 60 % 60, of_day % 60),
        }
    }
}

/// A text is no such time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UntilError;

impl fmt::Display for UntilError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a date or a time in UTC, such as \"2027-01-31\" or \"2027-01-31T12:30:00Z\"")
    }
}

impl core::error::Error for UntilError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2024-12-31T23:59:59Z", 1_735_689_599),
            ("2100-03-01", 4_107_542_400),
        ] {
            let until: Until = text.parse().unwrap();
            assert_eq!((until.seconds().get(), until.to_string().as_str()), (seconds, text));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["2027-1-31", "2027-02-29", "2100-02-29", "2027-13-01", "2027-01-00", "1969-12-31", "2027-01-31T12:30:00"]
        {
            assert_eq!(text.parse::<Until>(), Err(UntilError), "{text}");
        }
        assert_eq!("2027-01-31T24:00:00Z".parse::<Until>(), Err(UntilError));
        assert_eq!("+027-01-31".parse::<Until>(), Err(UntilError));
    }
}
