//! URLs: what the user may type, and where a `Location` leads (RFC 3986 §5).
//!
//! 1. Only `http` and `https`, always with a host, never with a name or password in front of it.
//! 2. A fragment stays on this side of the wire.
//! 3. What is not ASCII in a path or query is percent-encoded as UTF-8 (RFC 3987 §3.1): a server would refuse it otherwise, some of
//!    them only after the payment.

use core::fmt;
use http::Uri;
use l402_http::pay::Origin;

/// Reads an absolute URL.
///
/// # Errors
/// [`UrlError`].
pub fn parse(text: &str) -> Result<Uri, UrlError> {
    let text = text.split('#').next().unwrap_or_default();
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(UrlError::Scheme);
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if !authority.is_ascii() {
        return Err(UrlError::HostName);
    }
    let uri: Uri = format!("{scheme}://{authority}{}", encoded(path)).parse().map_err(|_| UrlError::Syntax)?;
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => Err(UrlError::UserInfo),
        // Without an origin, no rule of the owner's would hold for it.
        Some(authority) if !authority.host().is_empty() => match Origin::of(&uri) {
            Ok(_) => Ok(uri),
            Err(_) => Err(UrlError::Place),
        },
        _ => Err(UrlError::Host),
    }
}

/// Resolves a reference, such as the value of `Location`, against the URL that answered with it.
///
/// # Errors
/// [`UrlError`].
///
/// ```
/// # use l402_agent::http::url;
/// let base = url::parse("https://api.example/v1/data?page=2")?;
/// assert_eq!(url::resolve(&base, "../v2/data")?, "https://api.example/v2/data");
/// # Ok::<(), l402_agent::http::url::UrlError>(())
/// ```
pub fn resolve(base: &Uri, reference: &str) -> Result<Uri, UrlError> {
    let reference = reference.split('#').next().unwrap_or_default();
    if has_scheme(reference) {
        return parse(reference);
    }
    let scheme = base.scheme_str().ok_or(UrlError::Scheme)?;
    if reference.starts_with("//") {
        return parse(&format!("{scheme}:{reference}"));
    }
    let authority = base.authority().ok_or(UrlError::Host)?;
    parse(&format!("{scheme}://{authority}{}", resolve_path(base, reference)))
}

fn encoded(path: &str) -> String {
    use core::fmt::Write;
    path.bytes().fold(String::with_capacity(path.len()), |mut text, byte| {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}"); // a text takes whatever is written
        }
        text
    })
}

fn resolve_path(base: &Uri, reference: &str) -> String {
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let (path, query) = if path.is_empty() {
        (base.path().to_owned(), query.or(base.query()))
    } else if path.starts_with('/') {
        (without_dots(path), query)
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        (without_dots(&format!("{folder}/{path}")), query)
    };
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// RFC 3986 §5.2.4, for a path that begins with a slash.
fn without_dots(path: &str) -> String {
    let mut segments = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.split('/').skip(1) {
        ends_in_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    if ends_in_folder {
        segments.push("");
    }
    format!("/{}", segments.join("/"))
}

/// RFC 3986 §3.1: a letter, then letters, digits, `+`, `-`, `.`, up to a colon.
fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// Why a text is no URL that can be got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// Not a URL at all.
    Syntax,
    /// The scheme is missing, or neither `http` nor `https`.
    Scheme,
    /// The host is missing.
    Host,
    /// The host or the port is not valid.
    Place,
    /// The host is written with letters that the name system does not have.
    HostName,
    /// There is a name or password before the host.
    UserInfo,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "this is not a URL; spaces and other special characters must be percent-encoded",
            Self::Scheme => "the URL must begin with http:// or https://",
            Self::Host => "the URL has no host",
            Self::Place => {
                "the host or the port is not valid; an IPv4 address has four numbers, and a port is 65535 at most"
            }
            Self::HostName => "the host name has non-ASCII characters; write its `xn--` form",
            Self::UserInfo => "the URL contains a user name or password; send it with -H instead",
        })
    }
}

impl core::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_with_a_host() {
        for (text, fault) in [
            ("localhost:8402/x", UrlError::Scheme),
            ("example.com", UrlError::Scheme),
            ("/path", UrlError::Scheme),
            ("ftp://a/", UrlError::Scheme),
            ("http://me:secret@a/", UrlError::UserInfo),
            ("http:///x", UrlError::Syntax),
            ("http://a/ b", UrlError::Syntax),
            ("http://\u{fc}ber.example/", UrlError::HostName),
            ("http://\u{fc}:p@a/", UrlError::HostName),
            ("", UrlError::Scheme),
            ("http://127.1/", UrlError::Place),
            ("http://0x7f.1/", UrlError::Place),
            ("http://a:65536/", UrlError::Place),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
        assert_eq!(parse("http://a/b?c=d#e").unwrap(), "http://a/b?c=d");
        assert_eq!(parse("HTTPS://a").unwrap(), "https://a/");
    }

    #[test]
    fn what_is_not_ascii_is_percent_encoded() {
        for (text, encoded) in [
            ("http://a/caf\u{e9}?q=\u{20bf}&r=1", "http://a/caf%C3%A9?q=%E2%82%BF&r=1"),
            ("http://a?\u{fc}", "http://a/?%C3%BC"),
            ("http://a/%C3%A9?q=%e9", "http://a/%C3%A9?q=%e9"),
        ] {
            assert_eq!(parse(text).unwrap(), encoded, "{text}");
        }
    }

    /// The examples of RFC 3986 §5.4 that an http URL can have.
    #[test]
    fn references_resolve_as_rfc_3986_says() {
        let base = parse("http://a/b/c/d;p?q").unwrap();
        for (reference, resolved) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("https://other/x", "https://other/x"),
        ] {
            assert_eq!(resolve(&base, reference).unwrap(), resolved, "{reference}");
        }
        for reference in ["mailto:a@b", "ftp://a/", "javascript:x", "http:g"] {
            assert!(resolve(&base, reference).is_err(), "{reference}");
        }
    }
}
