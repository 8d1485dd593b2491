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
}

impl Draft {
    /// Gives a request that may have an effect an `Idempotency-Key`, unless it has one: a server then knows its repetitions, however
    /// often they are sent. The key is random, and stays with the draft.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn keyed(mut self) -> Result<Self, getrandom::Error> {
        let has_effect = !self.method.is_safe() || !self.body.body().is_end_stream();
        if has_effect && !self.headers.contains_key(&IDEMPOTENCY_KEY) {
            let (high, low) = (getrandom::u64()?, getrandom::u64()?);
            let key = HeaderValue::try_from(format!("{high:016x}{low:016x}"));
            self.headers.extend(key.ok().map(|key| (IDEMPOTENCY_KEY, key)));
        }
        Ok(self)
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
        Ok(Self { method: head.method, uri: url::parse(&head.uri.to_string())?, headers, body: body.into() })
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
    fn a9_what_may_have_an_effect_has_a_key_of_its_own() {
        assert!(draft("GET", ()).keyed().unwrap().key().is_none());
        let keys = [draft("POST", ()), draft("POST", ()), draft("GET", "with a body"), draft("DELETE", "")];
        let keys = keys.map(|draft| draft.keyed().unwrap().key().unwrap().to_str().unwrap().to_owned());
        assert!(keys.iter().all(|key| key.len() == 32) && keys[0] != keys[1], "{keys:?}");
        let mut own = draft("POST", ());
        own.headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_static("mine"));
        assert_eq!(own.keyed().unwrap().key().unwrap(), "mine");
    }
}
