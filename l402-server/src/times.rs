//! Times as people read them, beside the number that programs read.

use l402_program::Date;
use serde_json::Value;

/// Writes a time in Unix seconds, and the same as a date in UTC: `1800000000 (2027-01-15 08:00:00 UTC)`. What is no such time is
/// written as it is.
pub(crate) fn told(unix: &Value) -> String {
    match unix.as_u64().filter(|unix| *unix <= LAST) {
        Some(seconds) => format!("{seconds} ({})", date(seconds)),
        None => unix.to_string(),
    }
}

fn date(unix: u64) -> String {
    let of_day = unix % 86_400;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", Date::of(unix))
}

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix, date) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_800_000_000, "2027-01-15 08:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (LAST, "9999-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(told(&json!(unix)), format!("{unix} ({date})"));
        }
        assert_eq!(told(&json!(u64::MAX)), u64::MAX.to_string());
        assert_eq!(told(&Value::Null), "null");
    }
}
