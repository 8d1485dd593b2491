//! An answer as it is kept, and its spelling in bytes.
//!
//! ```text
//! version (1) · fingerprint (32) · kept at (8) · status (2) · selecting fields · fields of the answer · body, to the end
//! fields: their number (2), then of each the name with its length before it (2), and the value with its length (4)
//! ```
//!
//! Numbers are big-endian. A selecting field that the request had not has the length 2³² − 1.

use super::range::{self, Part};
use super::rules;
use bytes::Bytes;
use http::header::{AGE, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use l402_core::UnixSeconds;
use l402_core::ledger::Fingerprint;

/// An answer to a request that was paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) fingerprint: Fingerprint,
    pub(super) kept_at: UnixSeconds,
    pub(super) status: StatusCode,
    pub(super) selecting: Vec<(HeaderName, Option<Vec<u8>>)>,
    pub(super) fields: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Makes the response to a request that gets it again.
    pub(super) fn response(self, method: &Method, asked: &HeaderMap, now: UnixSeconds) -> Response<Bytes> {
        let Self { kept_at, status, mut fields, mut body, .. } = self;
        let here = now.get().saturating_sub(kept_at.get());
        let before = fields.get(AGE).and_then(|age| age.to_str().ok()?.parse().ok()).unwrap_or(0_u64);
        fields.insert(AGE, before.saturating_add(here).into());
        let (mut status, len) = (status, body.len());
        match range::part((method, asked), (status, &fields), len) {
            Part::Whole => {}
            Part::Range(part) => {
                range::tell(&mut fields, &part, len);
                (status, body) = (StatusCode::PARTIAL_CONTENT, body.slice(part));
            }
            Part::Nothing => {
                range::tell_end(&mut fields, len);
                (status, body) = (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new());
            }
        }
        fields.remove(CONTENT_LENGTH);
        if status != StatusCode::NO_CONTENT {
            fields.insert(CONTENT_LENGTH, body.len().into());
        }
        let mut response = Response::new(body);
        (*response.status_mut(), *response.headers_mut()) = (status, fields);
        response
    }

    /// Tells whether a request may get it.
    pub(super) fn is_for(&self, fingerprint: &Fingerprint, asked: &HeaderMap) -> bool {
        self.fingerprint == *fingerprint && rules::selects(&self.selecting, asked)
    }

    /// Writes it down; [`None`] where a part of its head is too long.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(self.body.len().saturating_add(1024));
        out.push(VERSION);
        out.extend(self.fingerprint.as_bytes());
        out.extend(self.kept_at.get().to_be_bytes());
        out.extend(self.status.as_u16().to_be_bytes());
        let selecting = self.selecting.iter().map(|(name, value)| (name, value.as_deref()));
        put_fields(&mut out, self.selecting.len(), selecting)?;
        let fields = self.fields.iter().map(|(name, value)| (name, Some(value.as_bytes())));
        put_fields(&mut out, self.fields.len(), fields)?;
        out.extend(&self.body);
        Some(out)
    }

    /// Reads it; [`None`] where it is none.
    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let mut rest = &bytes[..];
        let [VERSION] = *take(&mut rest)? else { return None };
        let fingerprint = Fingerprint::from_bytes(*take(&mut rest)?);
        let kept_at = u64::from_be_bytes(*take(&mut rest)?).into();
        let status = StatusCode::from_u16(u16::from_be_bytes(*take(&mut rest)?)).ok()?;
        let selecting = take_fields(&mut rest)?.into_iter().map(|(name, value)| (name, value.map(<[u8]>::to_vec)));
        let selecting = selecting.collect();
        let mut fields = HeaderMap::new();
        for (name, value) in take_fields(&mut rest)? {
            fields.append(name, HeaderValue::from_bytes(value?).ok()?);
        }
        Some(Self { fingerprint, kept_at, status, selecting, fields, body: bytes.slice_ref(rest) })
    }
}

fn put_fields<'a>(
    out: &mut Vec<u8>,
    count: usize,
    fields: impl Iterator<Item = (&'a HeaderName, Option<&'a [u8]>)>,
) -> Option<()> {
    out.extend(u16::try_from(count).ok()?.to_be_bytes());
    for (name, value) in fields {
        out.extend(u16::try_from(name.as_str().len()).ok()?.to_be_bytes());
        out.extend(name.as_str().as_bytes());
        let len = match value {
            Some(value) => u32::try_from(value.len()).ok().filter(|len| *len != ABSENT)?,
            None => ABSENT,
        };
        out.extend(len.to_be_bytes());
        out.extend(value.unwrap_or_default());
    }
    Some(())
}

/// A field, and its value if there is one.
type Field<'a> = (HeaderName, Option<&'a [u8]>);

fn take_fields<'a>(rest: &mut &'a [u8]) -> Option<Vec<Field<'a>>> {
    let count = u16::from_be_bytes(*take(rest)?);
    let mut fields = Vec::new();
    for _ in 0..count {
        let len = u16::from_be_bytes(*take(rest)?);
        let name = HeaderName::from_bytes(rest.split_off(..usize::from(len))?).ok()?;
        let value = match u32::from_be_bytes(*take(rest)?) {
            ABSENT => None,
            len => Some(rest.split_off(..usize::try_from(len).ok()?)?),
        };
        fields.push((name, value));
    }
    Some(fields)
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(first)
}

const VERSION: u8 = 1;
const ABSENT: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{ACCEPT, CONTENT_TYPE, ETAG, RANGE, VARY};

    fn answer() -> Answer {
        Answer {
            fingerprint: Fingerprint::from_bytes([1; 32]),
            kept_at: 1_000.into(),
            status: StatusCode::OK,
            selecting: vec![(ACCEPT, None), (VARY, Some(Vec::new())), (ETAG, Some(b"x".to_vec()))],
            fields: HeaderMap::from_iter([
                (CONTENT_TYPE, HeaderValue::from_static("text/plain")),
                (AGE, HeaderValue::from_static("5")),
            ]),
            body: Bytes::from_static(b"0123456789"),
        }
    }

    #[test]
    fn s4_what_was_written_is_read_and_nothing_shorter() {
        let mut answer = answer();
        answer.fields.append(VARY, HeaderValue::from_static("a"));
        answer.fields.append(VARY, HeaderValue::from_bytes(b"\xff").unwrap());
        let bytes = Bytes::from(answer.encode().unwrap());
        assert_eq!(Answer::decode(&bytes), Some(answer.clone()));
        let head = bytes.len() - answer.body.len();
        for len in 0..head {
            assert_eq!(Answer::decode(&bytes.slice(..len)), None, "{len}");
        }
        let mut newer = bytes.to_vec();
        newer[0] = 2;
        assert_eq!(Answer::decode(&newer.into()), None);
    }

    #[test]
    fn s4_it_says_how_old_it_is_and_which_part_it_is() {
        let whole = answer().response(&Method::POST, &HeaderMap::new(), 1_007.into());
        assert_eq!((whole.status(), &whole.headers()[AGE]), (StatusCode::OK, &12.into()));
        let asked = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=8-"))]);
        let part = answer().response(&Method::GET, &asked, 900.into());
        assert_eq!((part.status(), &part.headers()[AGE]), (StatusCode::PARTIAL_CONTENT, &5.into()));
        assert_eq!(
            (&part.headers()["content-range"], &part.body()[..]),
            (&"bytes 8-9/10".parse().unwrap(), &b"89"[..])
        );
        let asked = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=10-"))]);
        let nothing = answer().response(&Method::GET, &asked, 900.into());
        assert_eq!(
            (nothing.status().as_u16(), &nothing.headers()["content-range"]),
            (416, &"bytes */10".parse().unwrap())
        );
        assert!(nothing.body().is_empty());
    }
}
