//! Parts of a kept answer (RFC 9110 §14).
//!
//! One range of bytes of a GET is served as 206, where `If-Range` agrees, and one that begins behind the end is a 416: a client that
//! goes on with a download has all of it. Everything else is answered whole, as RFC 9110 §14.2 allows: several ranges, and other units.

use core::ops::Range;
use http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use http::{Method, StatusCode};

/// What a request gets of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Range(Range<usize>),
    /// What it asks for begins behind the end.
    Nothing,
}

/// Finds the part that a request asks for, of an answer with so many bytes.
pub(super) fn part(
    (method, asked): (&Method, &HeaderMap),
    (status, kept): (StatusCode, &HeaderMap),
    len: usize,
) -> Part {
    match range((method, asked), (status, kept), len) {
        None => Part::Whole,
        Some(range) if range.is_empty() => Part::Nothing,
        Some(range) => Part::Range(range),
    }
}

fn range(
    (method, asked): (&Method, &HeaderMap),
    (status, kept): (StatusCode, &HeaderMap),
    len: usize,
) -> Option<Range<usize>> {
    if *method != Method::GET || status != StatusCode::OK || !agrees(asked, kept) {
        return None;
    }
    let mut lines = asked.get_all(RANGE).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let spec = line.to_str().ok()?;
    let (unit, set) = spec.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(len)),
        (Some(first), None) if last.is_empty() => Some(first..len),
        (None, Some(last)) if first.is_empty() => Some(len.saturating_sub(last)..len),
        _ => None,
    }
}

/// Writes into the head of an answer which part it is.
pub(super) fn tell(fields: &mut HeaderMap, part: &Range<usize>, len: usize) {
    let text = format!("bytes {}-{}/{len}", part.start, part.end.saturating_sub(1));
    if let Ok(value) = HeaderValue::from_str(&text) {
        fields.insert(CONTENT_RANGE, value);
    }
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
}

/// Writes into the head of a 416 how long the answer is.
pub(super) fn tell_end(fields: &mut HeaderMap, len: usize) {
    fields.remove(CONTENT_TYPE); // it has no body
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{len}")) {
        fields.insert(CONTENT_RANGE, value);
    }
}

/// Whether `If-Range`, if there is one, names this very answer (RFC 9110 §13.1.5).
fn agrees(asked: &HeaderMap, kept: &HeaderMap) -> bool {
    let Some(condition) = asked.get(IF_RANGE) else { return true };
    let is = |name: HeaderName| kept.get(name).is_some_and(|value| value == condition);
    match condition.as_bytes() {
        [b'"', ..] => is(ETAG),
        [b'W', b'/', ..] => false, // a weak one names no bytes
        _ => is(LAST_MODIFIED),
    }
}

/// Digits, as a number; those of a number that is too large mean the end.
fn number(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &'static str, condition: Option<&'static str>) -> Part {
        let mut asked = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
        if let Some(condition) = condition {
            asked.insert(IF_RANGE, HeaderValue::from_static(condition));
        }
        let kept = HeaderMap::from_iter([
            (ETAG, HeaderValue::from_static("\"one\"")),
            (LAST_MODIFIED, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT")),
        ]);
        part((&Method::GET, &asked), (StatusCode::OK, &kept), 10)
    }

    #[test]
    fn s4_one_range_of_bytes_is_served() {
        for (range, expected) in [
            ("bytes=0-0", Part::Range(0..1)),
            ("bytes=2-5", Part::Range(2..6)),
            ("Bytes= 7- ", Part::Range(7..10)),
            ("bytes=7-", Part::Range(7..10)),
            ("bytes=-3", Part::Range(7..10)),
            ("bytes=-30", Part::Range(0..10)),
            ("bytes=5-99999999999999999999999999", Part::Range(5..10)),
            ("bytes=-0", Part::Nothing),
            ("bytes=10-", Part::Nothing),
            ("bytes=12-13", Part::Nothing),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("1-2", Part::Whole),
        ] {
            assert_eq!(of(range, None), expected, "{range}");
        }
        let asked = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        let kept = HeaderMap::new();
        assert_eq!(part((&Method::POST, &asked), (StatusCode::OK, &kept), 10), Part::Whole);
        assert_eq!(part((&Method::GET, &asked), (StatusCode::CREATED, &kept), 10), Part::Whole);
    }

    #[test]
    fn s4_a_range_of_another_answer_is_not_served() {
        for (condition, is_served) in [
            ("\"one\"", true),
            ("\"two\"", false),
            ("W/\"one\"", false),
            ("Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("Sun, 06 Nov 1994 08:49:38 GMT", false),
        ] {
            assert_eq!(of("bytes=0-0", Some(condition)) != Part::Whole, is_served, "{condition}");
        }
    }

    #[test]
    fn s4_a_part_says_where_it_is() {
        let mut fields = HeaderMap::new();
        tell(&mut fields, &(2..6), 10);
        assert_eq!(fields[CONTENT_RANGE], "bytes 2-5/10");
        tell_end(&mut fields, 10);
        assert_eq!(fields[CONTENT_RANGE], "bytes */10");
    }
}
