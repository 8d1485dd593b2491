//! What a server says of a token besides the status: how many of its uses are left, and why it was not served.
//!
//! 1. `X-L402: spent` says that the last use went with this response; `X-L402-Remaining` how many are left. A remainder of 0 alone
//!    says less: other requests may hold uses and give them back.
//! 2. A reason stands in the JSON body of a response (`reason`), or in the header `l402-reason` of gRPC.
//! 3. Nothing vouches for any of it. It decides which token is shown and how a failure is told, never whether something is paid for.

use super::Token;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use l402_core::purchase::Sold;
use l402_core::{Msat, PaymentHash};
use serde::Deserialize;

/// Reads how many uses of its token a response leaves: 0 where the last one went with it, [`None`] where it does not say.
///
/// ```
/// use http::HeaderMap;
/// use l402_http::pay::uses_left;
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(uses_left(&headers), None);
/// headers.insert("x-l402-remaining", 4.into());
/// assert_eq!(uses_left(&headers), Some(4));
/// headers.insert("x-l402", "spent".parse()?);
/// assert_eq!(uses_left(&headers), Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn uses_left(headers: &HeaderMap) -> Option<u64> {
    if headers.get_all(X_L402).iter().any(|value| value == "spent") {
        return Some(0);
    }
    let left = headers.get(X_L402_REMAINING)?.to_str().ok()?.parse().ok()?;
    (left > 0).then_some(left)
}

/// Tells whether a response is one that the server has kept, and gives again to the request that it was for: no use went for it.
///
/// ```
/// use http::HeaderMap;
/// use l402_http::pay::is_kept;
///
/// let mut headers = HeaderMap::new();
/// assert!(!is_kept(&headers));
/// headers.insert("x-l402", "kept".parse()?);
/// assert!(is_kept(&headers));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn is_kept(headers: &HeaderMap) -> bool {
    headers.get_all(X_L402).iter().any(|value| value == "kept")
}

/// Reads what a response leaves of its token's balance, from its headers or its trailers; [`None`] where it does not say. What the
/// headers say is without what the response itself holds, of which some may come back: only the trailers are final.
///
/// ```
/// use http::HeaderMap;
/// use l402_core::Msat;
/// use l402_http::pay::balance_left;
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(balance_left(&headers), None);
/// headers.insert("x-l402-balance-msat", 4_000.into());
/// assert_eq!(balance_left(&headers), Some(Msat::from_sat(4)));
/// ```
pub fn balance_left(headers: &HeaderMap) -> Option<Msat> {
    headers.get(X_L402_BALANCE_MSAT)?.to_str().ok()?.parse().ok().map(Msat::new)
}

/// Reads the machine-readable reason of a response, from its headers and the beginning of its body.
///
/// ```
/// use http::HeaderMap;
/// use l402_http::pay::reason;
///
/// let body = br#"{"error":"Conflict","reason":"uses-reserved","message":"try again later"}"#;
/// assert_eq!(reason(&HeaderMap::new(), body).as_deref(), Some("uses-reserved"));
/// assert_eq!(reason(&HeaderMap::new(), b"sunny"), None);
/// ```
pub fn reason(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        reason: String,
    }
    let header = headers.get(L402_REASON).map(HeaderValue::to_str);
    let text = header.and_then(|text| Some(text.ok()?.to_owned()));
    text.or_else(|| serde_json::from_slice(body).ok().map(|Body { reason }| reason))
}

/// Among the extensions of a request, says that it repeats one that may have been performed; among those of a response, that the HTTP
/// client sent its request twice, because the first response was lost.
///
/// The token of such a request may have been used by what it repeats. Where the server refuses it then, nothing is bought in its place
/// ([`RequestError::MayHaveServed`](super::RequestError::MayHaveServed)): one request is paid for once.
///
/// ```
/// use http::Request;
/// use l402_http::pay::Repeated;
///
/// let request = Request::get("https://api.example/a").extension(Repeated).body(())?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated;

/// Among the extensions of a request, says that an earlier one, the same, was sent with the token of this payment, and that its response
/// did not come whole.
///
/// That token is presented first, also where its last use is known to have gone: the server may have kept the response. Where it is
/// refused, the request goes on as any other.
///
/// ```
/// use http::Request;
/// use l402_core::PaymentHash;
/// use l402_http::pay::Unanswered;
///
/// let paid = PaymentHash::from_bytes([1; 32]);
/// let request = Request::get("https://api.example/a").extension(Unanswered(paid)).body(())?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered(pub PaymentHash);

impl Token {
    /// Returns how many uses are left now that a server has said `told`: never more than before, or than the token allows.
    pub(super) fn fewer_uses(&self, told: u64) -> u64 {
        let sold = match self.sold() {
            Sold::Counted(sold) => sold,
            Sold::Unlimited | Sold::Unknown => u32::MAX.into(),
        };
        told.min(sold).min(self.uses_left.unwrap_or(u64::MAX))
    }
}

const X_L402: HeaderName = HeaderName::from_static("x-l402");
const X_L402_REMAINING: HeaderName = HeaderName::from_static("x-l402-remaining");
const X_L402_BALANCE_MSAT: HeaderName = HeaderName::from_static("x-l402-balance-msat");
const L402_REASON: HeaderName = HeaderName::from_static("l402-reason");

#[cfg(test)]
mod tests {
    use super::*;

    fn left(fields: &[(&'static str, &'static str)]) -> Option<u64> {
        let fields = fields.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        uses_left(&fields.collect())
    }

    #[test]
    fn only_what_can_be_read_is_believed() {
        assert_eq!(left(&[("x-l402", "third-try"), ("x-l402-remaining", "2")]), Some(2));
        assert_eq!(left(&[("x-l402", "third-try"), ("x-l402", "spent"), ("x-l402-remaining", "2")]), Some(0));
        for value in ["0", "", "-1", "two", "99999999999999999999"] {
            assert_eq!(left(&[("x-l402-remaining", value)]), None, "{value}");
        }
    }

    #[test]
    fn the_header_of_grpc_comes_before_the_body() {
        let headers = HeaderMap::from_iter([(L402_REASON, HeaderValue::from_static("spent"))]);
        assert_eq!(reason(&headers, b"").as_deref(), Some("spent"));
        for body in ["", "[]", r#"{"reason":1}"#, "{"] {
            assert_eq!(reason(&HeaderMap::new(), body.as_bytes()), None, "{body}");
        }
    }
}
