//! Which headers a caller may set, and which of a response it sees.
//!
//! A caller that a language model drives cannot set what speaks for its owner (a login, a cookie, a token), or what belongs to the
//! connection (RFC 9110 §7.6.1). It does not see challenges: with one, it could be made to pay on another way.

// Threats: A7.

use super::error::{ErrandError, Reason};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use l402_core::Scheme;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Caller {
    /// The owner, at a terminal: any header.
    Owner,
    /// A program that something else drives, such as a language model.
    #[default]
    Agent,
}

impl Caller {
    /// Reads the headers of a request.
    pub(super) fn headers(self, given: &[(String, String)]) -> Result<HeaderMap, ErrandError> {
        if given.len() > MOST_HEADERS {
            let message = format!("more than {MOST_HEADERS} headers");
            return Err(ErrandError::new(Reason::InvalidRequest, message));
        }
        let mut headers = HeaderMap::with_capacity(given.len());
        for (name, value) in given {
            let invalid = || ErrandError::new(Reason::InvalidRequest, "a header has no valid name or value");
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            if self == Self::Agent && is_refused(&name) {
                let message = format!("the header `{name}` cannot be set here");
                return Err(ErrandError::new(Reason::HeaderRefused, message));
            }
            headers.append(name, HeaderValue::from_str(value).map_err(|_| invalid())?);
        }
        Ok(headers)
    }

    /// Returns the headers of a response that the caller sees.
    pub(super) fn sees(self, headers: &HeaderMap) -> Vec<(String, String)> {
        let shown = headers.iter().filter(|(name, value)| {
            let is_hidden = self == Self::Agent && **name == header::WWW_AUTHENTICATE && has_challenge(value);
            !is_hidden && !is_hop_by_hop(name)
        });
        shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
    }
}

/// Tells whether an agent cannot set a header. Names are in lower case.
fn is_refused(name: &HeaderName) -> bool {
    let is_ours = [header::HOST, header::AUTHORIZATION, header::COOKIE, header::CONTENT_LENGTH].contains(name);
    is_ours || is_hop_by_hop(name) || REFUSED.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(&name.as_str())
}

/// A line may have several challenges; one of L402 hides all of it.
fn has_challenge(value: &HeaderValue) -> bool {
    let words = value.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
    words.into_iter().any(|word| Scheme::parse(word).is_some())
}

/// What carries a token, to this gateway or another.
const REFUSED: [&str; 8] =
    ["cookie2", "l402", "lsat", "macaroon", "grpc-metadata-macaroon", "accept-authenticate", "payment", "x-payment"];

const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// More than any program needs.
const MOST_HEADERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(caller: Caller, name: &str, value: &str) -> Option<Reason> {
        caller.headers(&[(name.to_owned(), value.to_owned())]).err().map(|fault| fault.reason)
    }

    #[test]
    fn a7_an_agent_sets_no_header_that_speaks_for_its_owner_or_the_connection() {
        for name in [
            "Host",
            "AUTHORIZATION",
            "Cookie",
            "Cookie2",
            "Proxy-Authorization",
            "proxy-anything",
            "L402",
            "Macaroon",
            "Grpc-Metadata-Macaroon",
            "Connection",
            "Transfer-Encoding",
            "Content-Length",
            "TE",
            "Upgrade",
            "Expect",
        ] {
            assert_eq!(reason(Caller::Agent, name, "x"), Some(Reason::HeaderRefused), "{name}");
            assert_eq!(reason(Caller::Owner, name, "x"), None, "{name}");
        }
        for name in ["Accept", "Content-Type", "Range", "X-Api-Key", "Idempotency-Key"] {
            assert_eq!(reason(Caller::Agent, name, "x"), None, "{name}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for (name, value) in [("", "x"), ("a b", "x"), ("a:", "x"), ("a", "x\r\nHost: b"), ("a\r\n", "x")] {
            assert_eq!(reason(Caller::Owner, name, value), Some(Reason::InvalidRequest), "{name:?}");
        }
        let many = vec![("a".to_owned(), "x".to_owned()); MOST_HEADERS + 1];
        assert!(Caller::Owner.headers(&many).is_err());
    }

    #[test]
    fn a_challenge_is_hidden_from_an_agent() {
        let mut headers = HeaderMap::new();
        for challenge in
            ["L402 token=\"a\", invoice=\"b\"", "Basic realm=\"x\", LSAT macaroon=\"a\"", "Basic realm=\"x\""]
        {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        headers.append("keep-alive", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(Caller::Owner.sees(&headers).len(), 4);
        let seen = Caller::Agent.sees(&headers);
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert_eq!(seen[0].1, "Basic realm=\"x\"");
    }
}
