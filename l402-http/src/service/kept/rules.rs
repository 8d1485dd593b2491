//! Which answers may be kept, and for which requests one may be given again.

use crate::framing::UntilClose;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, HeaderMap, HeaderName, HeaderValue, SET_COOKIE,
    TRANSFER_ENCODING, UPGRADE, VARY,
};
use http::{Method, Response, StatusCode};

/// Tells whether the answer to a request may be kept, before anything of it is known.
pub(super) fn is_asked_for(method: &Method, fields: &HeaderMap) -> bool {
    *method != Method::HEAD && *method != Method::CONNECT && !fields.contains_key(UPGRADE) && !forbids(fields)
}

/// Tells whether an answer may be kept, should its body come to its end.
pub(super) fn may_be_kept<R>(response: &Response<R>) -> bool {
    let (status, fields) = (response.status(), response.headers());
    status.is_success()
        && status != StatusCode::PARTIAL_CONTENT
        && response.extensions().get::<UntilClose>().is_none()
        && !forbids(fields)
}

/// Collects the fields of a request that must be the same in one that gets its answer; [`None`] where no request would do.
pub(super) fn selecting(asked: &HeaderMap, answered: &HeaderMap) -> Option<Vec<(HeaderName, Option<Vec<u8>>)>> {
    let mut names = vec![ACCEPT, ACCEPT_ENCODING];
    for line in answered.get_all(VARY) {
        for name in line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
        {
            if name == b"*" {
                return None;
            }
            names.push(HeaderName::from_bytes(name).ok()?);
        }
    }
    Some(names.into_iter().map(|name| (name.clone(), value(asked, &name))).collect())
}

/// Tells whether a request has the same fields.
pub(super) fn selects(selecting: &[(HeaderName, Option<Vec<u8>>)], fields: &HeaderMap) -> bool {
    selecting.iter().all(|(name, kept)| value(fields, name) == *kept)
}

/// Removes what was for the first client or for its connection alone.
pub(super) fn strip(fields: &mut HeaderMap) {
    for name in [SET_COOKIE, CONNECTION, TRANSFER_ENCODING] {
        fields.remove(name);
    }
    for name in ["set-cookie2", "keep-alive"] {
        fields.remove(name);
    }
}

/// Whether `Cache-Control` says `no-store`. A word in quotes counts too: keeping is never a duty.
fn forbids(fields: &HeaderMap) -> bool {
    let says = |value: &HeaderValue| {
        value.as_bytes().windows(NO_STORE.len()).any(|word| word.eq_ignore_ascii_case(NO_STORE.as_bytes()))
    };
    fields.get_all(CACHE_CONTROL).iter().any(says)
}

/// All lines of a field, as one (RFC 9111 §4.1).
fn value(fields: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = fields.get_all(name).iter().map(|line| line.as_bytes().trim_ascii()).collect();
    if lines.is_empty() { None } else { Some(lines.join(&b", "[..])) }
}

const NO_STORE: &str = "no-store";

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut fields = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            fields.append(name, value);
        }
        fields
    }

    fn answer(status: u16, lines: &[(&'static str, &'static str)]) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        *response.headers_mut() = fields(lines);
        response
    }

    #[test]
    fn s4_only_a_whole_success_that_nobody_forbids_is_kept() {
        for (status, lines, is_kept) in [
            (200, &[][..], true),
            (201, &[("cache-control", "private, max-age=1")], true),
            (206, &[], false),
            (304, &[], false),
            (404, &[], false),
            (101, &[], false),
            (200, &[("cache-control", "private"), ("cache-control", "max-age=1,No-Store")], false),
            (200, &[("cache-control", "no-cache")], true),
        ] {
            assert_eq!(may_be_kept(&answer(status, lines)), is_kept, "{status} {lines:?}");
        }
        let mut unframed = answer(200, &[]);
        unframed.extensions_mut().insert(UntilClose);
        assert!(!may_be_kept(&unframed), "nobody knows whether it is whole");
    }

    #[test]
    fn s4_a_request_asks_for_it() {
        assert!(is_asked_for(&Method::POST, &fields(&[])));
        assert!(!is_asked_for(&Method::HEAD, &fields(&[])));
        assert!(!is_asked_for(&Method::GET, &fields(&[("upgrade", "websocket")])));
        assert!(!is_asked_for(&Method::GET, &fields(&[("cache-control", "no-store")])));
    }

    #[test]
    fn s4_what_vary_names_and_what_is_accepted_must_be_the_same() {
        let vary = fields(&[("vary", "X-Colour , x-size"), ("vary", "cookie")]);
        let asked = fields(&[("accept", "a/b"), ("accept", "c/d"), ("x-colour", "red"), ("x-other", "1")]);
        let kept = selecting(&asked, &vary).unwrap();
        for (again, is_same) in [
            (&[("accept", "a/b, c/d"), ("x-colour", "red")][..], true),
            (&[("accept", "a/b, c/d"), ("x-colour", "red"), ("x-other", "2")], true),
            (&[("accept", "a/b, c/d"), ("x-colour", "blue")], false),
            (&[("accept", "a/b, c/d"), ("x-colour", "red"), ("x-size", "")], false),
            (&[("accept", "a/b, c/d"), ("x-colour", "red"), ("cookie", "a=b")], false),
            (&[("accept", "a/b, c/d"), ("x-colour", "red"), ("accept-encoding", "gzip")], false),
            (&[("accept", "a/b"), ("x-colour", "red")], false),
        ] {
            assert_eq!(selects(&kept, &fields(again)), is_same, "{again:?}");
        }
        assert!(selecting(&asked, &fields(&[("vary", "accept, *")])).is_none());
        assert!(selecting(&asked, &fields(&[("vary", "a b")])).is_none());
    }
}
