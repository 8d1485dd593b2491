//! The date of a cookie (RFC 6265 §5.1.1), as servers write it in many ways.

/// Returns the seconds since 1970, or 0 before; [`None`] for what is no date.
pub(super) fn parse(text: &str) -> Option<u64> {
    let is_delimiter = |c: char| !(c.is_ascii_alphanumeric() || c == ':');
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none() && token.contains(':') {
            time = Some(time_of(token)?);
        } else if month.is_none() && token.starts_with(|c: char| c.is_ascii_alphabetic()) {
            month = month_of(token);
        } else if let Ok(number) = token.parse::<u64>() {
            match (day, year) {
                (None, _) if token.len() <= 2 => day = Some(number),
                (_, None) if token.len() == 2 || token.len() == 4 => year = Some(number),
                _ => {}
            }
        }
    }
    let (time, day, month, year) = (time?, day?, month?, whole(year?));
    if !(1..=31).contains(&day) || !(1601..=9999).contains(&year) {
        return None;
    }
    let days = days(year, month, day);
    Some(
        days.checked_mul(DAY)
            .and_then(|seconds| seconds.checked_add_unsigned(time))
            .map_or(0, |at| at.max(0).unsigned_abs()),
    )
}

/// `hh:mm:ss`
fn time_of(token: &str) -> Option<u64> {
    let mut parts = token.splitn(3, ':').map(str::parse::<u64>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next().unwrap_or(Ok(0)).ok()?);
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 60 + minute) * 60 + second)
}

fn month_of(token: &str) -> Option<u64> {
    let start = token.get(..3)?.to_ascii_lowercase();
    (1..).zip(MONTHS).find(|(_, month)| *month == start).map(|(number, _)| number)
}

const fn whole(year: u64) -> u64 {
    match year {
        0..70 => year + 2_000,
        70..100 => year + 1_900,
        year => year,
    }
}

/// Days since 1970, of the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    days.cast_signed() - EPOCH
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAY: i64 = 86_400;

/// 1970-01-01, counted as [`days`] does.
const EPOCH: i64 = 719_469;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_ways_that_servers_write_them() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Tue, 29-Feb-2000 12:00:00 GMT", Some(951_825_600)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Mon, 01 Jan 1900 00:00:00 GMT", Some(0)),
            ("tomorrow", None),
            ("Sun, 06 Nov 1994", None),
            ("Sun, 06 Nov 1994 25:00:00 GMT", None),
            ("", None),
        ] {
            assert_eq!(parse(text), seconds, "{text}");
        }
    }
}
