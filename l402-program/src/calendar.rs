//! Dates of the calendar.

/// A day of the Gregorian calendar, which is written as `2027-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    /// Returns the day of a time in Unix seconds, in UTC.
    ///
    /// ```
    /// assert_eq!(l402_program::Date::of(1_800_000_000).to_string(), "2027-01-15");
    /// ```
    pub const fn of(unix: u64) -> Self {
        // Howard Hinnant's `civil_from_days`: years begin with March, so that the leap day is the last.
        let since = unix / 86_400 + 719_468;
        let (era, of_era) = (since / 146_097, since % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march + 2) / 5 + 1;
        let month = if march < 10 { march + 3 } else { march - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        Self { year, month, day }
    }
}

impl core::fmt::Display for Date {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { year, month, day } = self;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}
