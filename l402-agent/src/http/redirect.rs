//! Where a redirect leads, and what goes along (RFC 9110 §15.4).
//!
//! 1. A redirect from https to http is not followed: what was asked for in secret is not repeated in the open.
//! 2. To another origin go only fields that say nothing about the user. Tokens are not part of the request at all at this
//!    point: they are chosen by the origin that a request goes to.
//! 3. 303, and 301 or 302 after a POST, turn into a GET without a body, as every browser and curl do.

// Threats: A6.

use crate::http::draft::Draft;
use crate::http::payload::Payload;
use crate::http::url::{self, UrlError};
use core::fmt;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use l402_http::pay::Origin;

/// Redirects that are followed for one call.
pub const MAX_REDIRECTS: usize = 10;

/// Returns the next request, or `None` where the response is no redirect.
///
/// # Errors
/// [`RedirectError`].
pub fn next(draft: &Draft, status: StatusCode, headers: &HeaderMap) -> Result<Option<Draft>, RedirectError> {
    let keeps_method = match status.as_u16() {
        301 | 302 => draft.method != Method::POST,
        303 => matches!(draft.method, Method::GET | Method::HEAD),
        307 | 308 => true,
        _ => return Ok(None),
    };
    let Some(location) = headers.get(header::LOCATION) else { return Ok(None) };
    // Deployed servers write UTF-8 here.
    let location = core::str::from_utf8(location.as_bytes()).map_err(|_| RedirectError::Location(UrlError::Syntax))?;
    let uri = url::resolve(&draft.uri, location).map_err(RedirectError::Location)?;
    if draft.uri.scheme_str() == Some("https") && uri.scheme_str() != Some("https") {
        return Err(RedirectError::Downgrade);
    }
    let mut headers = draft.headers.clone();
    if Origin::of(&draft.uri) != Origin::of(&uri) {
        headers = only(&headers, &HARMLESS);
    }
    if keeps_method {
        return Ok(Some(Draft { uri, headers, ..draft.clone() }));
    }
    headers.remove(header::CONTENT_TYPE);
    let is_repeated = draft.is_repeated;
    Ok(Some(Draft { method: Method::GET, uri, headers, body: Payload::default(), is_repeated }))
}

/// Whether redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// They are not: the redirect is the response.
    #[default]
    Refuse,
    /// At most [`MAX_REDIRECTS`] are.
    Follow,
}

/// A request on its way along redirects.
#[derive(Debug)]
pub struct Trail {
    draft: Draft,
    redirects: Redirects,
    followed: usize,
}

impl Trail {
    /// Begins with a request.
    pub const fn new(draft: Draft, redirects: Redirects) -> Self {
        Self { draft, redirects, followed: 0 }
    }

    /// Returns the request to send next, or the one that was sent last.
    pub const fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Takes the next request from a response. Returns false where the response is to be kept: it is no redirect, or none is followed.
    ///
    /// # Errors
    /// [`RedirectError`].
    pub fn follows(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<bool, RedirectError> {
        if self.redirects == Redirects::Refuse {
            return Ok(false);
        }
        let Some(next) = next(&self.draft, status, headers)? else { return Ok(false) };
        if self.followed == MAX_REDIRECTS {
            return Err(RedirectError::TooMany);
        }
        self.followed += 1;
        self.draft = next;
        Ok(true)
    }
}

fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    headers.iter().filter(|(name, _)| names.contains(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// It leads nowhere that can be got.
    Location(UrlError),
    /// It leads from https to http.
    Downgrade,
    /// There were too many.
    TooMany,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Location(_) => f.write_str("invalid redirect"),
            Self::Downgrade => f.write_str("refusing to follow a redirect from https to http"),
            Self::TooMany => write!(f, "more than {MAX_REDIRECTS} redirects"),
        }
    }
}

impl core::error::Error for RedirectError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Location(cause) => Some(cause),
            _ => None,
        }
    }
}

const HARMLESS: [HeaderName; 7] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::IF_RANGE,
    header::RANGE,
    header::USER_AGENT,
];

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn post(uri: &str) -> Draft {
        let mut headers = HeaderMap::new();
        for name in ["accept", "authorization", "content-type", "cookie", "x-api-key"] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        Draft {
            method: Method::POST,
            uri: uri.parse().unwrap(),
            headers,
            body: Payload::Bytes("body".into()),
            is_repeated: false,
        }
    }

    fn follow(draft: &Draft, status: u16, location: &'static str) -> Result<Option<Draft>, RedirectError> {
        let location = HeaderValue::from_bytes(location.as_bytes()).unwrap();
        let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
        next(draft, StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn the_status_decides_about_method_and_body() {
        for (status, method, body) in
            [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "body"), (308, "POST", "body")]
        {
            let next = follow(&post("http://a/x"), status, "/y").unwrap().unwrap();
            assert_eq!(next.method, method, "{status}");
            assert!(matches!(next.body, Payload::Bytes(sent) if sent == body), "{status}");
            assert_eq!(next.uri, "http://a/y");
        }
        for status in [200, 300, 304, 402] {
            assert!(follow(&post("http://a/x"), status, "/y").unwrap().is_none(), "{status}");
        }
    }

    #[test]
    fn a6_another_origin_learns_nothing_about_the_user() {
        let names = |location| {
            let next = follow(&post("http://a/x"), 307, location).unwrap().unwrap();
            next.headers.keys().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("http://b/").len(), 2, "accept and content-type");
        assert_eq!(names("http://a:81/").len(), 2);
        assert_eq!(names("https://a/").len(), 2);
        assert_eq!(names("http://A:80/").len(), 5, "the same origin, written differently");
    }

    #[test]
    fn a6_no_downgrade_is_followed() {
        assert_eq!(follow(&post("https://a/x"), 302, "http://a/x").unwrap_err(), RedirectError::Downgrade);
        assert!(follow(&post("http://a/x"), 302, "https://a/x").unwrap().is_some());
    }

    #[test]
    fn a_location_beyond_ascii_is_encoded() {
        assert_eq!(
            follow(&post("http://a/x"), 302, "/d\u{e9}?q=\u{fc}").unwrap().unwrap().uri,
            "http://a/d%C3%A9?q=%C3%BC"
        );
    }

    #[test]
    fn a_location_that_leads_nowhere_is_said() {
        assert!(matches!(follow(&post("http://a/x"), 302, "ftp://b/"), Err(RedirectError::Location(_))));
    }
}
