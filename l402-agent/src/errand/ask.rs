//! What is asked for.

use super::error::{ErrandError, Reason};
use super::headers::Caller;
use crate::http::draft::Draft;
use crate::http::payload::Payload;
use core::fmt;
use core::time::Duration;
use http::{Method, Request};
use serde::{Deserialize, Serialize};

/// A request, and what it may cost at most.
///
/// ```
/// use l402_agent::errand::Ask;
///
/// let ask: Ask = serde_json::from_str(r#"{"url": "https://api.example.com/weather", "max_price_msat": 5000}"#)?;
/// assert_eq!((ask.method.as_str(), ask.max_price_msat), ("GET", Some(5_000)));
/// assert!(serde_json::from_str::<Ask>(r#"{"url": "https://a/", "insecure": true}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// An absolute http or https URL.
    pub url: String,
    /// Names and values of headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body. It is no part of the JSON.
    #[serde(skip)]
    pub body: Payload,
    /// The most to pay for the call, fees not included. It narrows what the owner allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price_msat: Option<u64>,
    /// The most to pay for routing. It narrows what the owner allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fee_msat: Option<u64>,
    /// Whether redirects are followed.
    #[serde(default)]
    pub follow_redirects: bool,
    /// The longest time for the call with its body, in milliseconds. It narrows what the owner allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The longest body of the response, in bytes as they are sent. It narrows what the owner allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body: Option<u64>,
}

impl Ask {
    /// Asks for a URL.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: get(),
            url: url.into(),
            headers: Vec::new(),
            body: Payload::default(),
            max_price_msat: None,
            max_fee_msat: None,
            follow_redirects: false,
            timeout_ms: None,
            max_body: None,
        }
    }

    /// Makes the request that is sent.
    pub(super) fn draft(&self, caller: Caller) -> Result<Draft, ErrandError> {
        let refused = |why: &str| ErrandError::new(Reason::InvalidRequest, why);
        // Methods are case-sensitive (RFC 9110 §9.1), and nobody means `get`.
        let capitals = self.method.to_ascii_uppercase();
        let written = if COMMON.contains(&capitals.as_str()) { &capitals } else { &self.method };
        let method = Method::from_bytes(written.as_bytes()).map_err(|_| refused("the method is not valid"))?;
        if method == Method::CONNECT || method == Method::TRACE {
            return Err(ErrandError::new(Reason::MethodRefused, "CONNECT and TRACE are not sent"));
        }
        // It says which part of a URL cannot be sent.
        let uri = crate::http::url::parse(&self.url).map_err(|cause| ErrandError::new(Reason::InvalidUrl, cause))?;
        let mut request = Request::new(self.body.clone());
        *request.headers_mut() = caller.headers(&self.headers)?;
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        Draft::try_from(request).map_err(|cause| ErrandError::new(Reason::InvalidUrl, cause))
    }
}

const COMMON: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

fn get() -> String {
    "GET".to_owned()
}

impl fmt::Debug for Ask {
    /// Leaves out the values of the headers and the query, which may be secrets of the caller.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Ask")
            .field("method", &self.method)
            .field("url", &self.url.split('?').next().unwrap_or_default())
            .field("headers", &names)
            .field("max_price_msat", &self.max_price_msat)
            .finish_non_exhaustive()
    }
}

/// What the owner allows each call at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest time for a call with its body.
    pub time: Duration,
    /// The longest body of a response, in bytes.
    pub body: u64,
}

impl Limits {
    /// Returns what holds for a call.
    pub(super) fn narrowed(self, ask: &Ask) -> Self {
        let time = ask.timeout_ms.map_or(self.time, |ms| self.time.min(Duration::from_millis(ms)));
        Self { time, body: ask.max_body.map_or(self.body, |most| self.body.min(most)) }
    }
}

impl Default for Limits {
    /// Ten minutes, and 64 MiB.
    fn default() -> Self {
        Self { time: Duration::from_mins(10), body: 64 << 20 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(change: impl FnOnce(&mut Ask)) -> Reason {
        let mut ask = Ask::get("http://a/");
        change(&mut ask);
        ask.draft(Caller::Agent).unwrap_err().reason
    }

    #[test]
    fn what_cannot_be_sent_is_refused_before_anything_is() {
        assert_eq!(fault(|ask| ask.method = "G T".to_owned()), Reason::InvalidRequest);
        assert_eq!(fault(|ask| ask.method = "CONNECT".to_owned()), Reason::MethodRefused);
        for url in ["", "a", "file:///etc/passwd", "data:,x", "http://me:secret@a/", "http://", "http://ü/"] {
            assert_eq!(fault(|ask| ask.url = url.to_owned()), Reason::InvalidUrl, "{url}");
        }
        let small = Ask { method: "post".to_owned(), ..Ask::get("http://a/") };
        assert_eq!(small.draft(Caller::Agent).unwrap().method, Method::POST);
    }

    #[test]
    fn a_call_narrows_and_never_widens() {
        let limits = Limits { time: Duration::from_secs(5), body: 10 };
        let ask = |timeout_ms, max_body| Ask { timeout_ms: Some(timeout_ms), max_body: Some(max_body), ..Ask::get("") };
        assert_eq!(limits.narrowed(&ask(9_000, 99)), limits);
        assert_eq!(limits.narrowed(&ask(1_000, 9)), Limits { time: Duration::from_secs(1), body: 9 });
    }

    #[test]
    fn no_secret_of_the_caller_is_written_down() {
        let mut ask = Ask::get("https://a/b?key=secret");
        ask.headers.push(("X-Api-Key".to_owned(), "secret".to_owned()));
        let text = format!("{ask:?}");
        assert!(!text.contains("secret") && text.contains("X-Api-Key"), "{text}");
    }
}
