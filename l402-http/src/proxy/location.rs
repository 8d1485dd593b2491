//! Where an upstream sends a client: to itself, by the name that the gateway knows it under and the client does not.
//!
//! 1. A URL at the upstream's own origin in `Location`, `Content-Location`, `Refresh` or `Link` loses its scheme and host. What
//!    is left is a path, which the client resolves against the origin that it asked (RFC 9110 §10.2.2, RFC 3986 §4.2): the
//!    public one, whatever ends TLS in front of the gateway. Other URLs stay as they are.
//! 2. A path that begins with `//` would then name a host, so that `/.` goes before it (RFC 3986 §4.2).
//! 3. `Alt-Svc` offers another way to the upstream, around the gateway, and is dropped.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The names of an upstream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    /// Whether its scheme is `https`.
    pub(super) tls: bool,
    /// Host and port as they are configured.
    pub(super) authority: &'a [u8],
    /// The `Host` that it was sent, where that is another.
    pub(super) host: Option<&'a [u8]>,
}

/// Makes the URLs at the upstream's own origin those of the public one.
pub(super) fn publish(headers: &mut HeaderMap, origin: Origin<'_>) {
    if !headers.keys().any(is_rewritten) {
        return; // as in most responses
    }
    headers.remove(header::ALT_SVC);
    for (name, rewrite) in &REWRITES {
        let rewritten = |value: &HeaderValue| {
            let value = rewrite(origin, value.as_bytes())?;
            HeaderValue::from_bytes(&value).ok()
        };
        if !headers.get_all(name).iter().any(|value| rewritten(value).is_some()) {
            continue;
        }
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| rewritten(value).unwrap_or_else(|| value.clone())).collect();
        headers.remove(name);
        for value in values {
            headers.append(name.clone(), value);
        }
    }
}

/// Whether this field is looked at.
fn is_rewritten(name: &HeaderName) -> bool {
    *name == header::ALT_SVC || REWRITES.iter().any(|(rewritten, _)| rewritten == name)
}

/// What becomes of a value; [`None`] where it stays.
type Rewrite = fn(Origin<'_>, &[u8]) -> Option<Vec<u8>>;

static REWRITES: [(HeaderName, Rewrite); 4] = [
    (header::LOCATION, |origin, url| origin.path_of(url)),
    (header::CONTENT_LOCATION, |origin, url| origin.path_of(url)),
    (header::REFRESH, refresh),
    (header::LINK, link),
];

/// `5; url=http://upstream/path`, with the URL in quotes or not (HTML §4.2.5.3).
fn refresh(origin: Origin<'_>, value: &[u8]) -> Option<Vec<u8>> {
    let parameter = value.iter().position(|byte| matches!(byte, b';' | b','))?;
    let equals = parameter + value.get(parameter..)?.iter().position(|byte| *byte == b'=')?;
    let key = value.get(parameter.saturating_add(1)..equals)?.trim_ascii();
    if !key.eq_ignore_ascii_case(b"url") {
        return None;
    }
    let (before, url) = value.split_at_checked(equals.saturating_add(1))?;
    let blanks = url.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let quote = url.get(blanks).filter(|byte| matches!(byte, b'"' | b'\''));
    let (blank, url) = url.split_at_checked(blanks + usize::from(quote.is_some()))?;
    let end = quote.and_then(|quote| url.iter().position(|byte| byte == quote)).unwrap_or(url.len());
    let (url, after) = url.split_at_checked(end)?;
    Some([before, blank, &origin.path_of(url.trim_ascii())?, after].concat())
}

/// `<http://upstream/path>; rel="next", …` (RFC 8288 §3).
fn link(origin: Origin<'_>, value: &[u8]) -> Option<Vec<u8>> {
    let (mut written, mut changed, mut rest) = (Vec::with_capacity(value.len()), false, value);
    while let Some(start) = rest.iter().position(|byte| *byte == b'<') {
        let (before, behind) = rest.split_at_checked(start.saturating_add(1))?;
        let end = behind.iter().position(|byte| *byte == b'>')?;
        let (url, after) = behind.split_at_checked(end)?;
        let path = origin.path_of(url.trim_ascii());
        changed |= path.is_some();
        written.extend_from_slice(before);
        written.extend_from_slice(path.as_deref().unwrap_or(url));
        rest = after;
    }
    written.extend_from_slice(rest);
    changed.then_some(written)
}

impl Origin<'_> {
    /// What stands behind scheme and host of a URL at this origin; [`None`] for any other.
    fn path_of(self, url: &[u8]) -> Option<Vec<u8>> {
        let scheme: &[u8] = if self.tls { b"https:" } else { b"http:" };
        let behind_scheme = match url.split_at_checked(scheme.len()) {
            Some((start, rest)) if start.eq_ignore_ascii_case(scheme) => rest,
            _ => url,
        };
        let rest = behind_scheme.strip_prefix(b"//")?;
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let names = [Some(self.authority), self.host];
        if !names.into_iter().flatten().any(|name| self.bare(name).eq_ignore_ascii_case(self.bare(authority))) {
            return None;
        }
        // Browsers take a backslash for a slash, and read a URL as if it held no tab (WHATWG URL §4.1).
        let mut read = path.iter().filter(|byte| **byte != b'\t');
        let start: &[u8] = match [read.next(), read.next()] {
            [Some(b'/' | b'\\'), Some(b'/' | b'\\')] | [Some(b'\\'), _] => b"/.",
            [Some(b'/'), _] => b"",
            _ => b"/",
        };
        Some([start, path].concat())
    }

    /// Host and port without the port that goes without saying.
    fn bare(self, authority: &[u8]) -> &[u8] {
        let port: &[u8] = if self.tls { b":443" } else { b":80" };
        authority.strip_suffix(port).or_else(|| authority.strip_suffix(b":")).unwrap_or(authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin<'_> = Origin { tls: false, authority: b"10.0.0.7:3000", host: Some(b"shop.example") };

    fn after(name: &'static str, value: &str) -> String {
        let mut headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())]);
        publish(&mut headers, ORIGIN);
        headers[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_redirect_at_the_upstreams_own_origin_becomes_a_path() {
        for (value, expected) in [
            ("http://10.0.0.7:3000/a?b#c", "/a?b#c"),
            ("HTTP://10.0.0.7:3000/a", "/a"),
            ("//10.0.0.7:3000/a", "/a"),
            ("http://SHOP.example/a", "/a"),
            ("http://shop.example:80/a", "/a"),
            ("http://10.0.0.7:3000", "/"),
            ("http://10.0.0.7:3000?b", "/?b"),
            ("http://10.0.0.7:3000//other.example/a", "/.//other.example/a"),
            ("http://10.0.0.7:3000/\\other.example/a", "/./\\other.example/a"),
            ("http://10.0.0.7:3000\\a", "/.\\a"),
            ("http://10.0.0.7:3000/\t/other.example/a", "/./\t/other.example/a"),
            ("http://10.0.0.7:3000/\t\t\\other.example/a", "/./\t\t\\other.example/a"),
            ("http://10.0.0.7:3000/a\t//b", "/a\t//b"),
        ] {
            assert_eq!(after("location", value), expected, "{value}");
            assert_eq!(after("content-location", value), expected, "{value}");
            assert_eq!(after("refresh", &format!("5; url={value}")), format!("5; url={expected}"));
            assert_eq!(after("refresh", &format!("0,URL = '{value}'; x")), format!("0,URL = '{expected}'; x"));
            let link = |url: &str| format!("<https://b.example/>; rel=a, <{url}>; rel=\"next\"");
            assert_eq!(after("link", &link(value)), link(expected));
        }
    }

    #[test]
    fn other_urls_stay_as_they_are() {
        for value in [
            "/a",
            "a",
            "https://10.0.0.7:3000/a",
            "http://10.0.0.7/a",
            "http://10.0.0.7:30000/a",
            "http://user@10.0.0.7:3000/a",
            "http://10.0.0.7:3000@other.example/",
            "http://10.0.0.7:3000.other.example/",
            "http://other.example/?http://10.0.0.7:3000/",
            "mailto:a@b",
            "",
        ] {
            assert_eq!(after("location", value), value);
            assert_eq!(after("refresh", &format!("5; url={value}")), format!("5; url={value}"));
        }
        assert_eq!(after("refresh", "5"), "5");
        assert_eq!(after("link", "<http://10.0.0.7:3000/a"), "<http://10.0.0.7:3000/a", "no link");
    }
}
