//! A request that can be sent more than once.

use crate::http::payload::{Payload, PayloadBody};
use crate::http::url::{self, UrlError};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};

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
