//! A request that can be sent more than once.

use crate::http::payload::{Payload, PayloadBody};
use crate::http::url::{self, UrlError};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body::Body;
use l402_core::CredentialHeaders;

/// A request that is sent again after the payment, and along redirects.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub uri: Uri,
    /// Every header but those that the connection needs.
    pub headers: HeaderMap,
    /// The body, which may have to be sent twice.
    pub body: Payload,
    /// Whether the request was sent before, so that it may have been performed: nothing is bought for it then.
    pub is_repeated: bool,
}

impl Draft {
    /// Tells whether the request may have an effect.
    pub fn has_effect(&self) -> bool {
        !self.method.is_safe() || !self.body.body().is_end_stream()
    }

    /// Returns the request with an `Idempotency-Key`, unless it has one.
    pub(crate) fn with_key(&self, key: Option<HeaderValue>) -> Self {
        let mut draft = self.clone();
        if let Some(key) = key {
            draft.headers.entry(&IDEMPOTENCY_KEY).or_insert(key);
        }
        draft
    }

    /// Returns its `Idempotency-Key`.
    pub fn key(&self) -> Option<&HeaderValue> {
        self.headers.get(&IDEMPOTENCY_KEY)
    }

    /// Tells whether a token was put into its headers by hand.
    pub fn has_token(&self) -> bool {
        self.headers.iter().any(|(name, value)| CredentialHeaders::is_credential(name.as_str(), value.as_bytes()))
    }

    /// Returns the request, ready to be sent, with what makes its body once more.
    pub fn request(&self) -> Request<PayloadBody> {
        let mut request = Request::new(self.body.body());
        request.extensions_mut().insert(self.body.replay());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

impl<B: Into<Payload>> TryFrom<Request<B>> for Draft {
    type Error = UrlError;

    /// Takes a request with an absolute URL. It accepts anything and names this program, unless its headers say otherwise.
    fn try_from(request: Request<B>) -> Result<Self, UrlError> {
        let (head, body) = request.into_parts();
        let mut headers = head.headers;
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let name = concat!("l402-agent/", env!("CARGO_PKG_VERSION"));
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(name));
        Ok(Self {
            method: head.method,
            uri: url::parse(&head.uri.to_string())?,
            headers,
            body: body.into(),
            is_repeated: false,
        })
    }
}

/// draft-ietf-httpapi-idempotency-key-header
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[cfg(test)]
mod tests {
    use super::*;

    fn draft<B: Into<Payload>>(method: &str, body: B) -> Draft {
        Draft::try_from(Request::builder().method(method).uri("http://a/").body(body).unwrap()).unwrap()
    }

    #[test]
    fn a9_a_key_of_the_callers_stays() {
        assert!(!draft("GET", ()).has_effect());
        assert!([draft("POST", ()), draft("GET", "with a body"), draft("DELETE", "")].iter().all(Draft::has_effect));
        let key = |draft: &Draft| draft.with_key(Some(HeaderValue::from_static("ours"))).key().cloned().unwrap();
        let mut own = draft("POST", ());
        assert_eq!(key(&own), "ours");
        own.headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_static("mine"));
        assert_eq!(key(&own), "mine");
    }
}
