//! A request that can be sent more than once.

use crate::http::payload::{Payload, PayloadBody};
use http::header::HeaderMap;
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
