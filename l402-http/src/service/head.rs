//! The head of a request, for what decides about it.

use http::{Extensions, HeaderMap, Method, Request, Uri};

/// The method, target, headers and extensions of a request: what a [`Pricer`](super::Pricer) and a caveat rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    extensions: &'r Extensions,
}

impl<'r> RequestHead<'r> {
    /// Takes the head of a request whose path is canonical.
    pub fn of<B>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// Replaces the target by the one with the canonical path, where that differs.
    pub(super) fn with_target(self, target: Option<&'r Uri>) -> Self {
        Self { uri: target.unwrap_or(self.uri), ..self }
    }

    /// Returns the method.
    pub const fn method(&self) -> &'r Method {
        self.method
    }

    /// Returns the target with its canonical path and its query, as the inner service sees it.
    pub const fn uri(&self) -> &'r Uri {
        self.uri
    }

    /// Returns the headers.
    pub const fn headers(&self) -> &'r HeaderMap {
        self.headers
    }

    /// Returns the extensions, such as what an outer layer says of the client.
    pub const fn extensions(&self) -> &'r Extensions {
        self.extensions
    }
}
